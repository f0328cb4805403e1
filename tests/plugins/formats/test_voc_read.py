from __future__ import annotations

import shutil
import unicodedata
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bridge.errors import InputError, RefusedError
from bridge.model.annotation import Document, State
from bridge.model.dataset import Reading
from bridge.model.finding import Severity
from bridge.plugin import ReadOptions
from plugins.formats.voc import Voc
from plugins.formats.vott2 import VottV2
from tests.plugins.formats.roundtrip import rules

FIXTURES = Path(__file__).parents[2] / "fixtures"


BOX = "<bndbox><xmin>{1}</xmin><ymin>{2}</ymin><xmax>{3}</xmax><ymax>{4}</ymax></bndbox>"
OBJECT = f"<object><name>{{0}}</name>{BOX}{{5}}</object>"
Files = Callable[..., Path]


def objects(*rows: tuple[object, ...]) -> str:
    return "".join(OBJECT.format(*row, *[""] * (6 - len(row))) for row in rows)


def annotation(inside: str, filename: str = "a.jpg", database: str = "", size: str = "") -> str:
    source = f"<source><database>{database}</database></source>" if database else ""
    return f"<annotation><filename>{filename}</filename>{source}{size}{inside}</annotation>"


def size(width: int, height: int) -> str:
    return f"<size><width>{width}</width><height>{height}</height><depth>3</depth></size>"


@pytest.fixture
def voc(tmp_path: Path) -> Files:
    """Writes annotation files: voc(a="<annotation>…", b=…) gives the folder."""

    def make(**texts: str | bytes) -> Path:
        for stem, text in texts.items():
            path = tmp_path / "VOC" / "Annotations" / f"{stem}.xml"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(text.encode() if isinstance(text, str) else text)
        return tmp_path / "VOC"

    return make


def put(folder: Path, name: str, text: str) -> None:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, "utf-8")


def read(path: Path, images: Path | None = None) -> Reading:
    return Voc().read(path, ReadOptions(images))


def one(path: Path) -> Document:
    (document,) = read(path).documents
    return document


def drawn(reading: Reading) -> dict[str, list[Any]]:
    return {d.image.name: [(r.kind, r.points, r.labels) for r in d.regions or ()] for d in reading.documents}


def truth(project: str) -> dict[str, tuple[State, list[object]]]:
    """What the project says, as far as a format of boxes can hold it."""
    found: dict[str, tuple[State, list[object]]] = {}
    for document in VottV2().read(FIXTURES / "vott2" / project, ReadOptions()).documents:
        boxes: list[object] = []
        for region in document.regions or ():
            xs, ys = [p[0] for p in region.points], [p[1] for p in region.points]
            boxes.append(((min(xs), min(ys)), (max(xs), max(ys)), region.labels))
        found[document.image.name] = (document.state, boxes)
    return found


# ---------------------------------------------------------------- VoTT's exports


def test_an_export_of_vott_2_says_what_its_project_says() -> None:
    reading = read(FIXTURES / "voc" / "v2.2.0-win", FIXTURES / "vott2" / "images")
    found = {d.image.name: (d.state, [(*r.points, r.labels) for r in d.regions or ()]) for d in reading.documents}
    assert found == truth("v2.2.0-win")
    assert (reading.labels, reading.declared) == (("kimono", "swimsuit", "beauty man", "水着", "unused", "a&b"), True)
    assert rules(reading.findings) == ["box-corners", "no-objects", "xml-mended"]
    assert reading.findings[0].fields == {"case": "fraction", "count": 16, "file": "apple", "value": "100.5"}
    assert reading.findings[2].fields == {"count": 1, "example": "plus+amp&"}
    sizes = {d.image.name: (d.image.width, d.image.height) for d in reading.documents}
    assert (sizes["_under.png"], sizes["clip.mp4#t=0"]) == ((300, 400), (1280, 720))
    assert all(d.image.file for d in reading.documents if "#t=" not in d.image.name)


def test_the_lists_of_the_classes_tell_what_is_held_out() -> None:
    held_out = {d.image.name: d.held_out for d in read(FIXTURES / "voc" / "v2.2.0-win").documents}
    assert {name for name, value in held_out.items() if value} == {
        *("日本語.jpg", "quote'.jpg", "plus+amp&.jpg", "per%cent.jpg", "has space.jpg", "clip.mp4#t=5.133333"),
    }
    assert None not in held_out.values()


def test_several_tags_of_one_box_are_one_region_and_that_is_said() -> None:
    banana = next(d for d in read(FIXTURES / "voc" / "v2.2.0-win").documents if d.image.name == "Banana_1.jpg")
    assert [r.labels for r in banana.regions or ()] == [("kimono", "swimsuit")]
    assert [f.fields for f in banana.findings if f.rule == "same-box"] == [{"labels": "kimono, swimsuit"}]


def test_heights_that_2_0_0_lost_are_told_and_never_guessed() -> None:
    documents = list(read(FIXTURES / "voc" / "v2.0.0-win").documents)
    regions = [region for document in documents for region in document.regions or ()]
    assert {region.kind for region in regions} == {"damaged"}
    assert len(regions) == 14
    for document in documents:
        if document.regions:
            told = [f for f in document.findings if f.rule == "damaged"]
            assert [(f.severity, f.fields["case"], f.fields["count"]) for f in told] == [
                (Severity.ERROR, "height", len(document.regions))
            ]
            assert "no-box" in rules(document.findings)
        else:  # It exports a picture whose labels it had lost as an empty one.
            assert document.state is State.UNKNOWN
    assert next(d.state for d in documents if d.image.name == "日本語.jpg") is State.UNKNOWN


def test_a_height_that_is_like_the_left_edge_by_chance_is_a_height(voc: Files) -> None:
    folder = voc(a=annotation(objects(("a", 30, 5, 60, 30)), database="The VOC2007 Database"))
    assert drawn(read(folder)) == {"a.jpg": [("rectangle", ((29, 4), (60, 30)), ("a",))]}
    folder = voc(a=annotation(objects(("a", 10, 5, 60, 10), ("a", 3, 20, 60, 3))))
    assert [r.kind for r in one(folder).regions or ()] == ["damaged", "damaged"]
    folder = voc(a=annotation(objects(("a", 10, 5, 60, 10), ("a", 3, 2, 60, 33))))
    assert [r.kind for r in one(folder).regions or ()] == ["rectangle", "rectangle"]


@pytest.mark.parametrize(
    ("file", "cut"),
    [
        ("a.b.jpg", "ab"),
        ("photo.jpeg", "photo"),
        ("a.b.c.jpeg", "ab.c."),
        ("日本.語.png", "日本語"),
        ("photo.jpeg", "photo."),
    ],
)
def test_names_that_vott_1_cut_are_completed_from_the_path(file: str, cut: str, voc: Files) -> None:
    told = f"<folder>Annotation</folder><filename>{cut}</filename><path>C:\\x\\JPEGImages\\{file}</path>"
    text = f"<annotation verified='yes'>{told}{objects(('a', 1, 2, 3, 4))}</annotation>"
    reading = read(voc(**{cut: text}))
    assert list(drawn(reading)) == [file]
    assert "vott1-export" in rules(reading.findings)


def test_names_are_not_completed_from_a_path_that_does_not_fit(voc: Files) -> None:
    text = "<annotation><folder>Annotation</folder><filename>b</filename><path>/x/JPEGImages/a.jpg</path></annotation>"
    assert list(drawn(read(voc(b=text)))) == ["b.jpg"]


# ---------------------------------------------------------------- what numbers mean


@pytest.mark.parametrize(
    ("first", "database", "case", "box"),
    [
        (("x", 10, 10, 20, 20), "", "voc", ((0, 0), (640, 480))),
        (("x", 10, 10, 20, 20), "The VOC2012 Database", "voc", ((0, 0), (640, 480))),
        (("x", 10, 10, 20, 20), "Unknown", "tool", ((1, 1), (640, 480))),
        (("x", 10, 10.5, 20, 20), "The VOC2012 Database", "fraction", ((1, 1), (640, 480))),
        (("x", 0, 10, 20, 20), "", "zero", ((1, 1), (640, 480))),
    ],
)
def test_what_numbers_mean_is_decided_from_all_files_and_told(
    first: tuple[object, ...], database: str, case: str, box: object, voc: Files
) -> None:
    folder = voc(
        a=annotation(objects(first), "a.jpg", database),
        b=annotation(objects(("x", 1, 1, 640, 480)), "b.jpg", database),
    )
    reading = read(folder)
    assert [f.fields["case"] for f in reading.findings if f.rule == "box-corners"] == [case]
    assert [points for _, points, _ in drawn(reading)["b.jpg"]] == [box]


def test_a_picture_of_another_size_than_recorded_is_told(voc: Files, picture: Callable[..., Path]) -> None:
    folder = voc(a=annotation(objects(("x", 1, 1, 100, 50)), "a.jpg", "Unknown", size(200, 100)))
    picture("VOC/JPEGImages/a.jpg", 400, 200)
    found = one(folder)
    assert [r.points for r in found.regions or ()] == [((2, 2), (200, 100))]
    assert "resized" in rules(found.findings)
    picture("VOC/JPEGImages/a.jpg", 400, 300)
    assert "aspect" in rules(one(folder).findings)


# ---------------------------------------------------------------- pictures and names


def test_pictures_without_an_annotation_are_unknown_and_empty_ones_reviewed(
    voc: Files, picture: Callable[..., Path]
) -> None:
    folder = voc(a=annotation("", "a.jpg"))
    for name in ("a.jpg", "b.jpg"):
        picture(f"VOC/JPEGImages/{name}")
    put(folder, "JPEGImages/notes.txt", "")
    reading = read(folder)
    assert {d.image.name: d.state for d in reading.documents} == {"a.jpg": State.REVIEWED_EMPTY, "b.jpg": State.UNKNOWN}
    assert reading.total == 2
    assert "no-objects" in rules(reading.findings)


def test_files_beside_their_pictures_as_label_img_leaves_them(tmp_path: Path, picture: Callable[..., Path]) -> None:
    picture("d/a.jpg")
    put(tmp_path / "d", "a.xml", annotation(objects(("x", 1, 2, 3, 4)), "a.jpg", "Unknown"))
    found = one(tmp_path / "d")
    assert found.image.file is not None
    assert [r.points for r in found.regions or ()] == [((1, 2), (3, 4))]
    assert Voc().recognises(tmp_path / "d" / "a.xml")
    assert one(tmp_path / "d" / "a.xml") == found


@pytest.mark.parametrize("told", ["a", "other.jpg", "", "VOC2012/JPEGImages/a.png"])
def test_the_picture_is_the_one_of_the_stem_where_the_file_name_is_wrong(
    told: str, voc: Files, picture: Callable[..., Path]
) -> None:
    picture("VOC/JPEGImages/a.png")
    found = one(voc(a=annotation(objects(("x", 1, 2, 3, 4)), told)))
    assert found.image.name == "a.png"
    assert found.image.file is not None
    assert ("disagreement" in rules(found.findings)) == (told == "other.jpg")


def test_spellings_of_macos_are_matched(voc: Files, picture: Callable[..., Path]) -> None:
    picture(f"VOC/JPEGImages/{unicodedata.normalize('NFC', 'が.jpg')}")
    assert one(voc(a=annotation("", unicodedata.normalize("NFD", "が.jpg")))).image.file is not None


def test_names_never_lead_out(voc: Files, picture: Callable[..., Path]) -> None:
    picture("secret.jpg")
    for name in ("../../secret.jpg", "/etc/passwd", "..\\..\\secret.jpg", "%2e%2e%2f%2e%2e%2fsecret.jpg"):
        assert one(voc(a=annotation("", name))).image.file is None


def test_two_annotations_of_one_picture(voc: Files) -> None:
    box = objects(("x", 1, 2, 3, 4))
    folder = voc(a=annotation(box, "p.jpg"), b=annotation(box, "p.jpg"))
    assert "duplicate-asset" in rules(one(folder).findings)
    assert len(one(folder).regions or ()) == 1
    voc(b=annotation(objects(("y", 1, 2, 3, 4)), "p.jpg"))
    assert (one(folder).regions, "conflict" in rules(one(folder).findings)) == (None, True)


# ---------------------------------------------------------------- what else stands in the files


def test_marks_and_unknown_elements_are_kept_and_told(voc: Files) -> None:
    part = "<part><name>head</name><bndbox><xmin>1</xmin></bndbox></part>"
    more = f"<pose>Left</pose><truncated>1</truncated><difficult>1</difficult><occluded>1</occluded>{part}"
    reading = read(voc(a=annotation(objects(("x", 1, 2, 3, 4, more)), "a.jpg")))
    (found,) = reading.documents
    kept = found.regions[0].extra["voc"]["objects"] if found.regions else []
    assert ["pose", {}, "Left", []] in kept[0][3]
    assert ["occluded", {}, "1", []] in kept[0][3]
    assert [f.fields for f in reading.findings if f.rule == "difficult"] == [{"count": 1}]
    assert [f.fields for f in reading.findings if f.rule == "kept-elements"] == [{"count": 1, "names": "part"}]
    assert found.extra["voc"]["annotation"][3] == [["filename", {}, "a.jpg", []]]


def test_a_label_map_gives_the_order_and_unused_labels(voc: Files) -> None:
    folder = voc(a=annotation(objects(("z", 1, 2, 3, 4), ("水着", 1, 2, 3, 4)), "a.jpg"))
    reading = read(folder)
    assert (reading.labels, reading.declared) == (("z", "水着"), False)
    assert "label-order" in rules(reading.findings)
    put(
        folder,
        "pascal_label_map.pbtxt",
        "item {\n id: 2\n name: 'z'\n}\nitem {\n id: 1\n name: '水着'\n}\nitem {\n id: 3\n name: 'u'\n}\n",
    )
    reading = read(folder)
    assert (reading.labels, reading.declared) == (("水着", "z", "u"), True)
    assert "label-order" not in rules(reading.findings)


def test_train_and_val_come_before_the_lists_of_classes(voc: Files) -> None:
    folder = voc(**{stem: annotation("", f"{stem}.jpg") for stem in ("a", "b", "c 1")})
    put(folder, "ImageSets/Main/x_val.txt", "a 1\n")
    assert [d.held_out for d in read(folder).documents] == [True, None, None]
    put(folder, "ImageSets/Main/train.txt", "a\nb\n")
    put(folder, "ImageSets/Main/val.txt", "c 1\n")
    assert [d.held_out for d in read(folder).documents] == [False, False, True]
    put(folder, "ImageSets/Main/val.txt", "c 1\nb\n")
    assert [d.held_out for d in read(folder).documents] == [False, True, True]
    assert "split-overlap" in rules(read(folder).findings)
    put(folder, "ImageSets/Main/val.txt", "a\nb\n")
    assert [d.held_out for d in read(folder).documents] == [None, None, None]


def test_an_object_that_is_no_box_is_kept_and_is_no_negative(voc: Files) -> None:
    broken = "<object><name>x</name></object>" + objects(
        ("y", "NaN", 1, 2, 3), ("z", "1_0", 1, 2, 3), ("", 1, 2, 30, 40)
    )
    found = one(voc(a=annotation(broken)))
    assert [(r.kind, r.labels) for r in found.regions or ()] == [
        ("damaged", ("x",)),
        ("damaged", ("y",)),
        ("damaged", ("z",)),
        ("rectangle", ()),
    ]
    assert rules(found.findings).count("bad-number") == 3
    assert "untagged" in rules(found.findings)


# ---------------------------------------------------------------- hostile and broken files


LAUGHS = '<!DOCTYPE a [<!ENTITY l "ha"><!ENTITY m "&l;&l;&l;&l;&l;">]><annotation><filename>&m;</filename></annotation>'
OUTSIDE = '<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><annotation><filename>&x;</filename></annotation>'


@pytest.mark.parametrize(
    "text",
    [
        LAUGHS.encode(),
        OUTSIDE.encode(),
        b"<annotation>" + b"<a>" * 350_000,
        b"<annotation>" + b"<a>" * 300 + b"</a>" * 300 + b"</annotation>",
        b"<annotation><object>",
        b"<annotation><filename>a</annotation>",
        b"<html/><!-- <annotation> -->",
        b"<annotation>" + b"<name>" * 20_000,
        b"<annotation><filename>a\x00</filename></annotation></annotation>",
    ],
    ids=["laughs", "outside", "nest", "deep", "cut", "crossed", "other", "many", "trailing"],
)
def test_a_file_that_cannot_be_used_costs_its_own_picture_only(text: bytes, voc: Files) -> None:
    folder = voc(bad=text, good=annotation(objects(("x", 1, 2, 3, 4)), "good.jpg"))
    bad, good = read(folder).documents
    assert (bad.image.name, bad.state) == ("bad.jpg", State.UNKNOWN)
    told = [f for f in bad.findings if f.rule == "damaged"]
    assert [(f.severity, f.fields["case"]) for f in told] == [(Severity.ERROR, "annotation")]
    assert "root:" not in repr(bad)
    assert good.state is State.LABELLED


def test_a_file_that_is_far_too_large_is_not_read(voc: Files) -> None:
    folder = voc(a=b"<annotation>" + b" " * 17_000_000 + b"</annotation>")
    assert [f.fields["case"] for f in one(folder).findings if f.rule == "damaged"] == ["annotation"]


@pytest.mark.parametrize("name", ["a & b", "a<b", "R&D <x>", "a &amp; b", "水着 & 赤"])
def test_names_that_vott_wrote_as_they_are_make_the_file_invalid_and_are_mended(name: str, voc: Files) -> None:
    reading = read(voc(a=annotation(objects((name, 1, 2, 3, 4), ("b & c", 5, 6, 7, 8)), f"{name}.jpg")))
    (found,) = reading.documents
    plain = name.replace("&amp;", "&")
    assert (found.image.name, [r.labels for r in found.regions or ()]) == (f"{plain}.jpg", [(plain,), ("b & c",)])
    assert "xml-mended" in rules(reading.findings)


@pytest.mark.parametrize(
    ("encoding", "declared"),
    [
        ("utf-8-sig", ""),
        ("utf-16", ""),
        ("cp932", ""),
        ("euc-jp", "euc-jp"),
        ("cp932", "Shift_JIS"),
        ("utf-8", "no-such"),
        ("utf-8", "rot13"),
    ],
)
def test_any_encoding_is_read(encoding: str, declared: str, voc: Files) -> None:
    head = f'<?xml version="1.0" encoding="{declared}"?>\n' if declared else ""
    text = head + annotation(objects(("水着", 1, 2, 3, 4)), "画像.jpg")
    assert list(drawn(read(voc(a=text.encode(encoding)))).items()) == [
        ("画像.jpg", [("rectangle", ((0, 1), (3, 4)), ("水着",))])
    ]


# ---------------------------------------------------------------- what is one


def test_recognised_are_folders_and_files_of_annotations(voc: Files, tmp_path: Path) -> None:
    folder = voc(a=annotation(""))
    for path in (folder, folder / "Annotations", folder / "Annotations" / "a.xml"):
        assert Voc().recognises(path)
        assert [d.image.name for d in read(path).documents] == ["a.jpg"]
    assert not Voc().recognises(tmp_path)
    assert not Voc().recognises(tmp_path / "nowhere")
    put(tmp_path / "ls", "label_config.xml", "<View/>")
    assert not Voc().recognises(tmp_path / "ls")
    with pytest.raises(InputError):
        read(tmp_path / "ls")


def test_the_years_of_a_devkit(voc: Files, tmp_path: Path) -> None:
    folder = voc(a=annotation(""))
    shutil.copytree(folder, tmp_path / "kit" / "VOC2007")
    assert [d.image.name for d in read(tmp_path / "kit").documents] == ["a.jpg"]
    shutil.copytree(folder, tmp_path / "kit" / "VOC2012")
    assert not Voc().recognises(tmp_path / "kit")
    with pytest.raises(RefusedError) as refused:
        read(tmp_path / "kit")
    assert refused.value.fields["found"] == "VOC2007, VOC2012"


def test_a_vott_project_with_an_export_in_its_folder_is_still_a_project(tmp_path: Path) -> None:
    shutil.copytree(FIXTURES / "vott2" / "v2.2.0-win", tmp_path / "p")
    shutil.copytree(FIXTURES / "voc" / "v2.2.0-win", tmp_path / "p" / "demo-project-PascalVOC-export")
    assert not Voc().recognises(tmp_path / "p")
    assert VottV2().recognises(tmp_path / "p")
