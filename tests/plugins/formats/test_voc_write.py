from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bridge.errors import InputError, RefusedError
from bridge.model.annotation import Box, Document, FileStamp, Image, Region, State, fold_name
from bridge.model.dataset import Dataset
from bridge.model.finding import Severity
from bridge.plugin import ReadOptions, WriteOptions
from plugins.formats.voc import Voc
from plugins.formats.voc.label_map import parse, render
from plugins.formats.voc.naming import file_names
from plugins.formats.vott2 import VottV2
from tests.plugins.formats.roundtrip import contents, dataset_of, rules

FIXTURES = Path(__file__).parents[2] / "fixtures"
BARE = WriteOptions(pictures="none")

SHAPES = (
    Region("polygon", ((1.5, 2), (30, 4), (10, 20.25)), ("a",), "p1"),
    Region("polyline", ((1, 2), (3, 9)), ("a", "水着")),
    Region("point", ((5, 6),), ("a",)),
    Region("ellipse", ((10, 5), (5, 8), (0, 5), (5, 2)), ("b",)),
    Region("rotated", ((0, 5), (5, 0), (10, 5), (5, 10)), ("b",)),
    Region.rectangle(Box(0.1, 0.2, 10.3, 7.7), "a", "b", "水着", region_id="r 1"),
    Region.rectangle(Box(1, 2, 3, 4)),
    Region.rectangle(Box(9, 8, 3, 4), "a & b <c>"),
    Region.rectangle(Box(-4.5, -1, 3, 4), " blanks "),
)


def document(name: str, *regions: Region, **rest: Any) -> Document:
    return Document(Image(name, 64, 48), tuple(regions), **rest)


def boxed(path: Path, *regions: Region, name: str = "", **rest: Any) -> Document:
    found = path.stat()
    stamp = FileStamp(str(path), found.st_size, found.st_mtime_ns)
    return Document(Image(name or path.name, 64, 48, file=stamp), tuple(regions), **rest)


def dataset(*documents: Document, **rest: Any) -> Dataset:
    return Dataset("撮影", ("a", "b"), documents, **rest)


def again(folder: Path) -> Dataset:
    return dataset_of(Voc().read(folder, ReadOptions()))


def xml(path: Path) -> ElementTree.Element:
    return ElementTree.fromstring(path.read_bytes())


def files(folder: Path) -> dict[str, tuple[bytes, int]]:
    return {
        p.relative_to(folder).as_posix(): (p.read_bytes(), p.stat().st_mtime_ns)
        for p in folder.rglob("*")
        if p.is_file()
    }


# ---------------------------------------------------------------- there and back


@pytest.mark.parametrize("corners", ["pixels", "voc"])
def test_every_shape_comes_back_as_it_was(corners: str, tmp_path: Path) -> None:
    before = dataset(document("set 1/画像 #1.jpg", *SHAPES), document("empty.png"), extra={"voc": {"corners": corners}})
    Voc().write(before, tmp_path / "out", BARE)
    after = again(tmp_path / "out")
    assert contents(after.documents) == contents(before.documents)
    assert sorted(r.region_id or "" for d in after.documents for r in d.regions or ()) == [*[""] * 7, "p1", "r 1"]
    assert after.labels[:2] == ("a", "b")
    assert after.extra == ({"voc": {"corners": "voc"}} if corners == "voc" else {})


@pytest.mark.parametrize("name", ["v2.2.0-win", "v2.0.0-win"])
def test_exports_of_vott_come_back_equal(name: str, tmp_path: Path) -> None:
    before = dataset_of(Voc().read(FIXTURES / "voc" / name, ReadOptions(FIXTURES / "vott2" / "images")))
    Voc().write(before, tmp_path / "out", WriteOptions(pictures="copy"))
    after = again(tmp_path / "out")
    there = [d for d in before.documents if d.regions is not None or d.image.file]
    assert contents(after.documents) == contents(there)
    assert {d.image.name: (d.state, d.held_out) for d in after.documents if d.regions is not None} == {
        d.image.name: (d.state, d.held_out) for d in before.documents if d.regions is not None
    }
    assert after.labels[: len(before.labels)] == before.labels


def test_a_vott_project_comes_back_equal(tmp_path: Path) -> None:
    before = dataset_of(VottV2().read(FIXTURES / "vott2" / "v2.2.0-win", ReadOptions()))
    Voc().write(before, tmp_path / "out", WriteOptions())
    after = again(tmp_path / "out")
    assert contents(after.documents) == contents(before.documents)
    assert [d.image.name for d in after.documents if d.state is State.UNKNOWN] == ["never_visited.jpg"]


def test_numbers_of_voc_itself_go_out_as_they_came(tmp_path: Path) -> None:
    path = tmp_path / "in" / "Annotations" / "a.xml"
    path.parent.mkdir(parents=True)
    more = "<pose>Left</pose><truncated>1</truncated>{box}<occluded>1</occluded><difficult>0</difficult><part>x</part>"
    box = "<bndbox><xmin>1</xmin><ymin>2</ymin><xmax>64</xmax><ymax>48</ymax></bndbox>"
    owner = '<owner><flickrid x="1">?</flickrid></owner>'
    path.write_text(
        f'<annotation verified="no">{owner}<object id="7"><name>x</name>{more.format(box=box)}</object></annotation>'
    )
    before = again(tmp_path / "in")
    assert before.documents
    Voc().write(before, tmp_path / "out", BARE)
    root = xml(tmp_path / "out" / "Annotations" / "a.xml")
    there = root.find("object")
    assert there is not None
    assert [child.tag for child in there] == ["name", "pose", "truncated", "bndbox", "occluded", "difficult", "part"]
    assert [there.findtext(f"bndbox/{side}") for side in ("xmin", "ymin", "xmax", "ymax")] == ["1", "2", "64", "48"]
    assert (there.get("id"), root.get("verified"), root.find("owner/flickrid") is not None) == ("7", "no", True)
    assert contents(again(tmp_path / "out").documents) == contents(before.documents)


def test_a_box_that_another_program_moved_is_a_box_again(tmp_path: Path) -> None:
    Voc().write(dataset(document("a.jpg", SHAPES[0])), tmp_path / "out", BARE)
    path = tmp_path / "out" / "Annotations" / "a.xml"
    path.write_text(path.read_text("utf-8").replace("<xmax>30</xmax>", "<xmax>33</xmax>"), "utf-8")
    (found,) = again(tmp_path / "out").documents
    assert [(r.kind, r.points) for r in found.regions or ()] == [("rectangle", ((1.5, 2), (33, 20.25)))]


_NAMES = st.text(st.characters(exclude_categories=("Cs", "Cc")), min_size=1, max_size=12)
_PIXEL = st.floats(-50, 5000, allow_subnormal=False) | st.integers(-5, 700)
_POINT = st.tuples(_PIXEL, _PIXEL)
_KINDS = {
    "rectangle": (2, 2),
    "polygon": (3, 6),
    "polyline": (2, 5),
    "point": (1, 1),
    "ellipse": (4, 4),
    "rotated": (4, 4),
}


@st.composite
def regions(draw: st.DrawFn) -> Region:
    kind: Any = draw(st.sampled_from(sorted(_KINDS)))
    least, most = _KINDS[kind]
    points = draw(st.lists(_POINT, min_size=least, max_size=most))
    labels = draw(st.lists(_NAMES.filter(lambda name: not name.isspace()), max_size=3, unique=True))
    return Region(kind, tuple((float(x), float(y)) for x, y in points), tuple(labels))


@given(
    st.lists(st.lists(regions(), max_size=4), max_size=3),
    st.lists(_NAMES, min_size=3, max_size=3, unique_by=lambda name: fold_name(name).casefold()),
)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_whatever_is_written_is_read_back(
    tmp_path_factory: pytest.TempPathFactory, drawn: list[list[Region]], names: list[str]
) -> None:
    documents = [document(f"{name}.jpg", *found) for name, found in zip(names, drawn, strict=False)]
    folder = tmp_path_factory.mktemp("voc") / "out"
    before = dataset(*documents)
    Voc().write(before, folder, BARE)
    assert not [f for f in Voc().losses(before) if f.severity is not Severity.INFO]
    if documents:
        assert contents(again(folder).documents) == contents(before.documents)


# ---------------------------------------------------------------- files


def test_pictures_lists_and_label_map_lie_where_voc_has_them(tmp_path: Path, picture: Callable[..., Path]) -> None:
    a, b, c = (picture(f"in/{name}") for name in ("a.jpg", "b.png", "c d.jpg"))
    box = Region.rectangle(Box(1, 2, 3, 4), "a")
    given = dataset(boxed(a, box), boxed(b, box, held_out=True), replace(boxed(c), regions=None), colors={"a": "#fff"})
    found = Voc().write(given, tmp_path / "out", WriteOptions())
    assert sorted(files(tmp_path / "out")) == [
        "Annotations/a.xml",
        "Annotations/b.xml",
        "ImageSets/Main/train.txt",
        "ImageSets/Main/trainval.txt",
        "ImageSets/Main/val.txt",
        "JPEGImages/a.jpg",
        "JPEGImages/b.png",
        "JPEGImages/c_d.jpg",
        "labelbridge-voc.json",
        "pascal_label_map.pbtxt",
    ]
    assert (tmp_path / "out/ImageSets/Main/train.txt").read_text() == "a\n"
    assert (tmp_path / "out/ImageSets/Main/val.txt").read_text() == "b\n"
    assert os.path.samestat((tmp_path / "out/JPEGImages/a.jpg").stat(), a.stat())
    assert [(f.rule, f.fields["count"]) for f in found] == [("renamed", 1)]
    root = xml(tmp_path / "out/Annotations/a.xml")
    assert [root.findtext(tag) for tag in ("folder", "filename", "size/width", "size/height", "segmented")] == [
        "out",
        "a.jpg",
        "64",
        "48",
        "0",
    ]
    assert {d.image.name: (d.state, d.held_out) for d in again(tmp_path / "out").documents} == {
        "a.jpg": (State.LABELLED, False),
        "b.png": (State.LABELLED, True),
        "c d.jpg": (State.UNKNOWN, None),
    }


def test_the_split_that_was_asked_for_comes_before_that_of_the_pictures(tmp_path: Path) -> None:
    given = dataset(document("a.jpg", held_out=True), document("b.jpg"), held_out=frozenset({"b.jpg"}))
    Voc().write(given, tmp_path / "out", BARE)
    assert (tmp_path / "out/ImageSets/Main/val.txt").read_text() == "b\n"


def test_what_is_missing_is_told(tmp_path: Path) -> None:
    given = dataset(document("a.jpg"), Document(Image("b.jpg")))
    assert rules(Voc().write(given, tmp_path / "out", WriteOptions())) == ["missing-image", "unreviewed"]
    assert rules(Voc().write(given, tmp_path / "bare", BARE)) == ["unreviewed"]


def test_one_of_ours_is_brought_up_to_date_and_only_what_differs_is_touched(
    tmp_path: Path, picture: Callable[..., Path]
) -> None:
    out = tmp_path / "out"
    a, b = picture("in/a.jpg"), picture("in/b.jpg")
    box = Region.rectangle(Box(1, 2, 3, 4), "a")
    Voc().write(dataset(boxed(a, box), boxed(b, box)), out, WriteOptions())
    (out / "mine.txt").write_text("mine")
    before = files(out)
    Voc().write(dataset(boxed(a, box), boxed(b, box)), out, WriteOptions())
    assert files(out) == before
    Voc().write(dataset(boxed(a, box, box)), out, WriteOptions())
    after = files(out)
    assert set(before) - set(after) == {"Annotations/b.xml", "JPEGImages/b.jpg"}
    assert after["JPEGImages/a.jpg"] == before["JPEGImages/a.jpg"]
    assert "mine.txt" in after
    assert b.is_file()


def test_a_list_of_files_that_somebody_else_wrote_deletes_nothing_outside(tmp_path: Path) -> None:
    out, other = tmp_path / "out", tmp_path / "other.txt"
    other.write_text("x")
    Voc().write(dataset(document("a.jpg")), out, BARE)
    (out / "mine.xml").write_text("x")
    told = json.loads((out / "labelbridge-voc.json").read_text())
    told["files"] = ["../other.txt", "Annotations/../../other.txt", str(other), "mine.xml", "Annotations/..", 3]
    (out / "labelbridge-voc.json").write_text(json.dumps(told))
    Voc().write(dataset(document("a.jpg")), out, BARE)
    assert other.is_file()
    assert (out / "mine.xml").is_file()


def test_a_folder_of_somebody_else_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "a.txt").write_text("x")
    with pytest.raises(RefusedError):
        Voc().write(dataset(document("a.jpg")), tmp_path / "out", BARE)
    (tmp_path / "file").write_text("x")
    with pytest.raises((InputError, RefusedError)):
        Voc().write(dataset(document("a.jpg")), tmp_path / "file", BARE)
    with pytest.raises(InputError):
        Voc().write(dataset(document("a.jpg")), tmp_path / "file" / "out", BARE)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["file", "out"]


def test_file_names_are_flat_and_no_two_share_a_stem() -> None:
    names = ["a.jpg", "a.png", "A.jpg", "d/b.jpg", "日本 語.jpg", "clip.mp4#t=0.5", "..", "x" * 300 + ".jpg", "b.jpg"]
    found = file_names(names, {"clip.mp4#t=0.5": ".png"})
    stems = [file.rpartition(".")[0].casefold() for file in found.values()]
    assert len(set(stems)) == len(names)
    assert (found["日本 語.jpg"], found["clip.mp4#t=0.5"], found["d/b.jpg"], found["b.jpg"]) == (
        "日本_語.jpg",
        "clip.mp4#t=0.5.png",
        "d_b.jpg",
        "b.jpg",
    )
    assert found == file_names(names, {"clip.mp4#t=0.5": ".png"})
    assert max(map(len, found.values())) < 100


# ---------------------------------------------------------------- losses


def test_losses_are_told_region_by_region() -> None:
    brush, broken = Region("brush", (), ("a",)), Region("damaged", (), ("b",))
    odd = Region.rectangle(Box(1, 2, 3, 4), "a\x01b")
    found = Voc().losses(dataset(document("a.jpg", *SHAPES, brush, broken, odd)))
    assert [(f.rule, f.fields.get("case"), f.severity, f.region) for f in found] == [
        ("box-only", None, Severity.INFO, 0),
        ("box-only", None, Severity.INFO, 1),
        ("several-labels", None, Severity.INFO, 1),
        ("box-only", "none", Severity.INFO, 2),
        ("box-only", None, Severity.INFO, 3),
        ("box-only", None, Severity.INFO, 4),
        ("several-labels", None, Severity.INFO, 5),
        ("box-only", "untagged", Severity.INFO, 6),
        ("box-only", "shapeless", Severity.WARNING, 9),
        ("box-only", "shapeless", Severity.WARNING, 10),
        ("label-unwritable", "xml", Severity.WARNING, 11),
    ]
    assert {f.image for f in found} == {"a.jpg"}


def test_what_vott_2_0_0_damaged_is_not_lost_by_writing(tmp_path: Path) -> None:
    before = dataset_of(Voc().read(FIXTURES / "voc" / "v2.0.0-win", ReadOptions()))
    assert {f.rule for f in Voc().losses(before)} == {"several-labels"}
    Voc().write(before, tmp_path / "out", BARE)
    apple = xml(tmp_path / "out" / "Annotations" / "apple.xml").find("object")
    assert apple is not None
    assert (apple.findtext("name"), apple.findtext("bndbox/ymax")) == ("kimono", "100.5")


# ---------------------------------------------------------------- the list of labels


@pytest.mark.parametrize(
    ("text", "labels"),
    [
        ("item {\n id: 1\n name: 'it's'\n}\n", ("it's",)),
        ('item { id: 2 name: "b" display_name: "B" }\nitem { name: "a", id: 1 }', ("a", "b")),
        (r"item { id: 1 name: '\346\260\264\347\235\200' }", ("水着",)),
        (r"item { id: 1 name: 'a\'b\\c' }", ("a'b\\c",)),
        ("item {\r\n id: 1\r\n name: 'x y'\r\n}\r\n".replace("\r", ""), ("x y",)),
        ("item {\n id: 1\n}\n", ()),
        ("", ()),
    ],
)
def test_label_maps_of_others(text: str, labels: tuple[str, ...]) -> None:
    assert parse(text) == labels


@given(
    st.lists(st.text(st.characters(exclude_categories=("Cs", "Cn")), min_size=1, max_size=8), unique=True, max_size=5)
)
@settings(max_examples=60, deadline=None)
def test_a_label_map_of_ours_comes_back(labels: list[str]) -> None:
    assert parse(render(labels)) == tuple(labels)
