from __future__ import annotations

import json
import unicodedata
from pathlib import Path
from typing import Any

import pytest
from PIL import Image as Pillow

from bridge.errors import InputError, RefusedError
from bridge.model.annotation import Document, Region, State
from bridge.model.dataset import Reading
from bridge.plugin import ReadOptions
from plugins.formats.marked import mark
from plugins.formats.vott1 import VottV1
from tests.plugins.formats.roundtrip import contents, rules

FIXTURES = Path(__file__).parents[2] / "fixtures" / "vott1"
SHARED = Path(__file__).parents[4] / "shared" / "fixtures" / "vott" / "v1" / "microsoft-VoTT-samples"
IMAGES = ReadOptions(images=FIXTURES / "images")


def picture(path: Path, size: tuple[int, int] = (640, 480), orientation: int = 1) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    exif = Pillow.Exif()
    exif[0x0112] = orientation
    Pillow.new("RGB", size).save(path, "JPEG", exif=exif)


def project(tmp_path: Path, frames: dict[str, Any], visited: list[Any] | None = None, **rest: Any) -> Path:
    path = tmp_path / "imgs.json"
    top = {"frames": frames, "inputTags": "a,b", "visitedFrames": visited or [], **rest}
    path.write_text(json.dumps(top, ensure_ascii=False), "utf-8")
    return path


def region(*corners: Any, tags: Any = ("a",), size: tuple[int, int] = (640, 480), **rest: Any) -> dict[str, Any]:
    box = dict(zip(("x1", "y1", "x2", "y2"), corners, strict=True))
    return {**box, "width": size[0], "height": size[1], "box": box, "tags": tags, "type": "rect", **rest}


def read(path: Path, options: ReadOptions | None = None) -> tuple[Reading, dict[str, Document]]:
    reading = VottV1().read(path, options or ReadOptions())
    documents = {document.image.name: document for document in reading.documents}
    assert len(documents) == reading.total
    return reading, documents


@pytest.mark.parametrize("file", ["v1.0.9", "v1.5.0-dev", "v1.6.1"])
def test_every_version_gives_the_boxes_that_were_drawn(file: str) -> None:
    """Every box was drawn at x 0.25 to 0.50 and y 0.25 to 0.75 of its picture, also on the wide one."""
    order = "names" if file == "v1.6.1" else "bytes"
    reading, documents = read(FIXTURES / f"{file}.json", IMAGES)
    assert (reading.labels, reading.order, reading.declared) == (("kimono", "swimsuit", "beauty-man"), order, True)
    assert [d.regions and d.regions[0].labels[0] for d in documents.values()] == [
        "kimono",
        "swimsuit",
        "beauty-man",
        "kimono",
        "swimsuit",
    ]
    for document in documents.values():
        box = document.regions[0].box if document.regions else None
        assert box is not None
        w, h = document.image.width, document.image.height
        assert (box.left / w, box.right / w) == pytest.approx((0.25, 0.5), abs=0.002)
        assert (box.top / h, box.bottom / h) == pytest.approx((0.25, 0.75), abs=0.003)


def test_the_shapes_of_1_7_2() -> None:
    reading, documents = read(FIXTURES / "v1.7.2.json", IMAGES)
    assert documents["apple.jpg"].state is State.REVIEWED_EMPTY
    assert [r.kind for r in documents["_under.png"].regions or ()] == ["polygon", "polyline", "point"]
    assert rules(documents["_under.png"].findings) == ["polygon", "polygon", "point"]
    assert (documents["Banana_1.jpg"].regions or ())[0].region_id == "e09fa866"
    assert reading.colors["kimono"] == "#ddce12"
    assert reading.extra["vott-v1"]["framerate"] == "1"


def test_eras_are_told_apart_region_by_region() -> None:
    _, migrated = read(FIXTURES / "migrated.json", IMAGES)
    _, original = read(FIXTURES / "v1.0.9.json", ReadOptions(images=FIXTURES / "images", order="bytes"))
    assert contents(migrated.values()) == contents(original.values())
    assert rules(migrated["wide.jpg"].findings) == ["canvas-height"]


@pytest.mark.skipif(not SHARED.is_dir(), reason="samples of the VoTT repository are not here")
def test_projects_of_real_users() -> None:
    reading, documents = read(SHARED / "sample_images.json")
    sizes = json.loads((SHARED / "sample_images.sizes.json").read_text("utf-8"))
    assert reading.labels
    assert set(documents) <= set(sizes)
    labelled = [d for d in documents.values() if d.regions]
    assert all(rules(d.findings) == ["missing-image"] for d in documents.values())
    assert all([d.image.width, d.image.height] == sizes[d.image.name] for d in labelled)


@pytest.mark.skipif(not SHARED.is_dir(), reason="samples of the VoTT repository are not here")
def test_a_real_video() -> None:
    reading, documents = read(SHARED / "sample_video.mp4.json")
    assert rules(reading.findings) == ["video"]
    assert list(documents)[:3] == ["sample_video.mp4#t=0", "sample_video.mp4#t=0.041667", "sample_video.mp4#t=0.083333"]


def test_a_video_without_a_rate_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "clip.mp4.json"
    path.write_text(json.dumps({"frames": {"2": [region(1, 2, 3, 4)]}, "inputTags": "a", "visitedFrames": [2]}))
    with pytest.raises(RefusedError) as caught:
        read(path)
    assert caught.value.rule == "video-framerate"


def test_empty_visited_and_never_seen_are_told_apart(tmp_path: Path) -> None:
    for name in ("boxed.jpg", "explicit.jpg", "empty.jpg", "visited.jpg", "never.jpg"):
        picture(tmp_path / "imgs" / name)
    frames = {"boxed.jpg": [region(1, 2, 30, 40)], "explicit.jpg": [{}], "empty.jpg": []}
    _, documents = read(project(tmp_path, frames, ["visited.jpg"]))
    states = {name: document.state.value for name, document in documents.items()}
    assert states == {
        "boxed.jpg": "labelled",
        "explicit.jpg": "reviewed-empty",
        "empty.jpg": "reviewed-empty",
        "visited.jpg": "reviewed-empty",
        "never.jpg": "unknown",
    }


def test_bad_items_become_findings_and_the_rest_goes_in(tmp_path: Path) -> None:
    picture(tmp_path / "imgs" / "x.jpg")
    bad = [
        region(1, 2, float("nan"), 40),
        region(1, 2, None, 40, type="Point"),
        region(1, 2, "30", 40),
        "text",
        region(5, 6, 50, 60, tags=["a", "a", " b ", 7, None]),
        region(1, 2, 3, 4, type="polygon", points=[{"x": 1, "y": None}]),
        region(9, 8, 1, 2, tags="a"),
    ]
    _, documents = read(project(tmp_path, {"x.jpg": bad, "y.jpg": "no list"}))
    regions = documents["x.jpg"].regions or ()
    assert [r.kind for r in regions] == ["damaged", "point", "damaged", "rectangle", "damaged", "rectangle"]
    assert regions[3].labels == ("a", "b", "7")
    assert regions[5].points == ((9, 8), (1, 2))
    assert [(f.rule, f.region) for f in documents["x.jpg"].findings] == [
        ("damaged-region", None),
        ("bad-tag", 3),
        ("bad-number", 0),
        ("point", 1),
        ("bad-number", 2),
        ("bad-number", 4),
    ]
    assert documents["y.jpg"].regions is None
    assert rules(documents["y.jpg"].findings) == ["missing-image", "damaged-region"]


def test_a_picture_with_points_alone_is_no_negative(tmp_path: Path) -> None:
    picture(tmp_path / "imgs" / "x.jpg")
    point = region(5, 5, 5, 5, type="point", points=[{"x": 5, "y": 5}])
    _, documents = read(project(tmp_path, {"x.jpg": [point]}))
    assert rules(documents["x.jpg"].findings) == ["point", "no-box"]
    assert documents["x.jpg"].state is State.LABELLED


def test_boxes_of_a_turned_picture_come_back_to_the_stored_grid(tmp_path: Path) -> None:
    picture(tmp_path / "imgs" / "x.jpg", (640, 480), orientation=6)
    _, documents = read(project(tmp_path, {"x.jpg": [region(10, 20, 110, 220, size=(480, 640))]}))
    (found,) = documents["x.jpg"].regions or ()
    assert found.points == ((20, 370), (220, 470))
    assert rules(documents["x.jpg"].findings) == ["exif"]


def test_full_paths_unicode_forms_and_case_find_their_pictures(tmp_path: Path) -> None:
    nfd, nfc = unicodedata.normalize("NFD", "が.jpg"), unicodedata.normalize("NFC", "が.jpg")
    picture(tmp_path / "imgs" / nfd)
    picture(tmp_path / "imgs" / "B.JPG")
    frames = {f"/home/u/imgs/{nfc}": [region(1, 2, 3, 4)], "C:\\imgs\\b.jpg": [region(1, 2, 3, 4)]}
    _, documents = read(project(tmp_path, frames))
    assert list(documents) == [nfc, "b.jpg"]
    assert all(document.image.file for document in documents.values())
    assert rules(documents["b.jpg"].findings) == ["name-case"]


def test_a_name_that_leads_out_keeps_its_labels_and_opens_nothing(tmp_path: Path) -> None:
    picture(tmp_path / "secret.jpg")
    _, documents = read(project(tmp_path, {"..": [region(1, 2, 3, 4)], "../secret.jpg": [region(1, 2, 3, 4)]}))
    assert [(d.image.file, rules(d.findings)) for d in documents.values()] == [
        (None, ["unsafe-name"]),
        (None, ["missing-image"]),
    ]
    assert all(document.regions for document in documents.values())


def test_a_picture_that_votts_filter_leaves_out_is_kept_and_told(tmp_path: Path) -> None:
    picture(tmp_path / "imgs" / "x.jpg")
    (tmp_path / "imgs" / "x.jpg").rename(tmp_path / "imgs" / "x.jfif")
    _, documents = read(project(tmp_path, {"x.jfif": [region(1, 2, 3, 4)]}))
    assert (len(documents["x.jfif"].regions or ()), rules(documents["x.jfif"].findings)) == (1, ["not-shown"])


def test_two_entries_of_one_picture(tmp_path: Path) -> None:
    picture(tmp_path / "imgs" / "x.jpg")
    same = [region(1, 2, 3, 4)]
    _, equal = read(project(tmp_path, {"x.jpg": same, "/a/x.jpg": same}))
    assert rules(equal["x.jpg"].findings) == ["duplicate-asset"]
    _, unlike = read(project(tmp_path, {"x.jpg": same, "/a/x.jpg": [region(5, 6, 7, 8)]}))
    assert (unlike["x.jpg"].regions, rules(unlike["x.jpg"].findings)) == (None, ["conflict", "duplicate-asset"])
    assert len(unlike["x.jpg"].extra["conflict"]) == 2


def test_labels_without_a_list_are_counted_as_they_come(tmp_path: Path) -> None:
    path = project(
        tmp_path, {"x.jpg": [region(1, 2, 3, 4, tags=["z"]), region(1, 2, 3, 4, tags=["水着"])]}, inputTags=""
    )
    reading, _ = read(path)
    assert (reading.labels, reading.declared, rules(reading.findings)) == (("z", "水着"), False, ["label-order"])


def test_an_undeclared_tag_is_kept_and_the_list_stays(tmp_path: Path) -> None:
    reading, documents = read(project(tmp_path, {"x.jpg": [region(1, 2, 3, 4, tags=["new"])]}, inputTags="b,a,b"))
    assert reading.labels == ("b", "a")
    assert rules(reading.findings) == ["doubled-label"]
    assert (documents["x.jpg"].regions or ())[0].labels == ("new",)


def test_the_names_of_2018s_development_builds_are_believed(tmp_path: Path) -> None:
    frames = {"0": [region(1, 2, 3, 4)]}
    path = project(tmp_path, frames, ["x.jpg"], framesByImagesName={"x.jpg": [region(5, 6, 7, 8)]})
    _, documents = read(path)
    assert (documents["x.jpg"].regions or ())[0].points == ((5, 6), (7, 8))


@pytest.mark.parametrize("touch", ["untouched", "moved", "retagged"])
def test_a_marked_region_is_a_prediction_until_it_is_touched(tmp_path: Path, touch: str) -> None:
    box = Region("rectangle", ((1.0, 2.0), (3.0, 4.0)), ("a",))
    corners = (1, 2, 3.5, 4) if touch == "moved" else (1, 2, 3, 4)
    raw = region(*corners, tags=["b" if touch == "retagged" else "a"], UID=mark("cp-1", 0, box))
    _, documents = read(project(tmp_path, {"x.jpg": [raw]}, ["x.jpg"]))
    document = documents["x.jpg"]
    if touch == "untouched":
        assert (document.state, document.regions) == (State.UNKNOWN, None)
        assert [p.author for p in document.predictions] == ["checkpoint:cp-1"]
        assert document.extra["vott-v1"]["visited"] is True
    else:
        assert (document.state, document.predictions) == (State.LABELLED, ())


def test_a_cut_file_gives_what_was_whole(tmp_path: Path) -> None:
    path = project(tmp_path, {"x.jpg": [region(1, 2, 3, 4), region(5, 6, 7, 8)]})
    text = path.read_text("utf-8")
    path.write_text(text[: text.rindex('"box"')], "utf-8")
    reading, documents = read(path)
    assert (rules(reading.findings), reading.declared) == (["damaged", "label-order"], False)
    assert len(documents["x.jpg"].regions or ()) == 1


def test_what_is_and_is_not_recognised(tmp_path: Path) -> None:
    picture(tmp_path / "imgs" / "x.jpg")
    path = project(tmp_path, {"x.jpg": []})
    vott = VottV1()
    assert vott.recognises(path)
    assert vott.recognises(tmp_path / "imgs")
    assert vott.recognises(tmp_path)
    assert not vott.recognises(tmp_path / "nothing.json")
    (tmp_path / "coco.json").write_text('{"images": [], "annotations": [], "categories": []}')
    assert not vott.recognises(tmp_path / "coco.json")
    reading, _ = read(tmp_path / "imgs")
    assert (reading.title, reading.total) == ("imgs", 1)


def test_what_is_no_project_or_too_many_is_said(tmp_path: Path) -> None:
    (tmp_path / "other.json").write_text("[1, 2]")
    with pytest.raises(InputError) as caught:
        VottV1().read(tmp_path / "other.json", ReadOptions())
    assert caught.value.rule == "not-vott-v1"
    for name in ("a.json", "b.json"):
        (tmp_path / name).write_text('{"frames":{}}')
    with pytest.raises(InputError) as caught:
        VottV1().read(tmp_path, ReadOptions())
    assert caught.value.rule == "several-projects"


def test_reading_touches_nothing(tmp_path: Path) -> None:
    picture(tmp_path / "imgs" / "x.jpg")
    path = project(tmp_path, {"x.jpg": [region(1, 2, 3, 4)]})
    before = {p: (p.stat().st_mtime_ns, p.is_dir() or p.read_bytes()) for p in tmp_path.rglob("*")}
    for item in before:
        item.chmod(0o555 if item.is_dir() else 0o444)
    read(path)
    assert {p: (p.stat().st_mtime_ns, p.is_dir() or p.read_bytes()) for p in tmp_path.rglob("*")} == before


@pytest.mark.parametrize("lost", ["", "}", ', "frames": {}} }'])
def test_a_number_of_too_many_digits_costs_its_region_only(tmp_path: Path, lost: str) -> None:
    """Also in a file that was cut, or that holds something after its end."""
    frames = {"a.jpg": [region(1, 2, 123454321, 4), region(5, 6, 7, 8)], "b.jpg": [region(1, 2, 3, 4)]}
    picture(tmp_path / "imgs" / "a.jpg")
    path = project(tmp_path, frames)
    text = path.read_text("utf-8").replace("123454321", "9" * 5001)
    path.write_text(text[:-1] if lost == "}" else text + lost, "utf-8")
    _, documents = read(path)
    assert [len(d.regions or ()) for d in documents.values()] == [2, 1]
    assert [f.rule for f in documents["a.jpg"].findings] == ["bad-number"]
