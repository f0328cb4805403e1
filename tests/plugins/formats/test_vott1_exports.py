from __future__ import annotations

import json
import re
import shutil
from pathlib import Path
from typing import Any, Literal

import pytest
from PIL import Image as Pillow

from bridge import texts
from bridge.errors import NotFoundError, RefusedError
from bridge.model.finding import Finding, Severity
from bridge.model.verified import Verified
from bridge.plugin import ReadOptions
from plugins.formats.marked import mark
from plugins.formats.vott1 import VottV1

FIXTURES = Path(__file__).parents[2] / "fixtures"
VOTT1 = FIXTURES / "vott1"
EXPORTS = VOTT1 / "exports"
LAST = FIXTURES / "yolo" / "v1.7.2-last"

Order = Literal["auto", "ntfs", "bytes", "created"]


def verified(project: Path, labels: Path, images: Path | None = VOTT1 / "images", order: Order = "auto") -> Verified:
    return VottV1().verify(project, labels, ReadOptions(images=images, order=order))


def blamed(found: Verified) -> dict[str, list[str | None]]:
    """Rules of what is no note, with the pictures."""
    told: dict[str, list[str | None]] = {}
    for finding in found.findings:
        if finding.severity is not Severity.INFO:
            told.setdefault(finding.rule, []).append(finding.image)
    return told


# ---------------------------------------------------------------- what VoTT itself wrote


def test_up_to_1_5_a_wide_picture_is_scaled_by_the_height_of_the_window() -> None:
    for version, y, height in (("v1.0.9", "0.331250", "0.332500"), ("v1.5.0-dev", "0.315000", "0.315000")):
        found = verified(VOTT1 / f"{version}.json", EXPORTS / version, order="bytes")
        assert (found.checked, found.right, found.damaged) == (5, 4, {"export-canvas-height": 1})
        assert blamed(found) == {"export-canvas-height": ["wide.jpg"]}
        (wide,) = [f for f in found.findings if f.rule == "export-canvas-height"]
        assert wide.fields["found"] == f"0.375000 {y} 0.250000 {height}"
        right = list(map(float, wide.fields["right"].split()))
        assert right == pytest.approx([0.375, 0.5, 0.25, 0.5], abs=0.003)


def test_1_6_takes_the_size_of_the_picture_on_the_screen() -> None:
    found = verified(VOTT1 / "v1.6.1.json", EXPORTS / "v1.6.1-wide-on-screen")
    assert (found.checked, found.right, found.damaged) == (5, 1, {"export-other-size": 4})
    assert blamed(found) == {"export-other-size": ["Banana_1.jpg", "UPPER.JPG", "_under.png", "apple.jpg"]}
    assert {(f.fields["screen"], f.fields["screen_size"]) for f in found.findings} == {("wide.jpg", "1200x400")}
    assert found.held_out == {"_under.png"}


@pytest.mark.parametrize("project", ["v1.0.9.json", "migrated.json"])
def test_1_7_divides_a_migrated_box_by_the_old_canvas(project: str) -> None:
    order: Order = "bytes" if project == "v1.0.9.json" else "auto"
    found = verified(VOTT1 / project, EXPORTS / "v1.7.2-migrated", order=order)
    assert (found.checked, found.right, found.damaged) == (5, 0, {"export-old-canvas": 5})


@pytest.mark.parametrize("until", ["tagged", "visited"])
def test_1_7_leaves_the_last_picture_out(until: str) -> None:
    found = verified(VOTT1 / "v1.7.2.json", EXPORTS / f"v1.7.2-{until}")
    assert found.damaged == {"export-last-left-out": 1, "export-last-tag-only": 1, "export-no-area": 1}
    assert (found.checked, found.right) == (8, 5)
    assert blamed(found)["export-last-left-out"] == ["wide.jpg"]


@pytest.mark.parametrize("inner", ["", "data", "data/obj"])
def test_the_whole_export_of_1_7_is_found_from_each_of_its_folders(inner: str) -> None:
    """A point of no size, a line with two tags of which one is missing, and a PNG that is a JPEG."""
    found = verified(VOTT1 / "v1.7.2.json", LAST / inner)
    assert found.damaged == {"export-last-tag-only": 1, "export-no-area": 1}
    assert (found.checked, found.right) == (8, 6)
    (point,) = [f for f in found.findings if f.rule == "export-no-area"]
    assert (point.image, point.fields["line"], point.fields["label"]) == ("_under.png", 3, "swimsuit")
    (tag,) = [f for f in found.findings if f.rule == "export-last-tag-only"]
    assert (tag.fields["label"], tag.region) == ("kimono", 1)
    (drawn,) = [f for f in found.findings if f.rule == "export-reencoded"]
    assert (drawn.severity, drawn.fields["example"]) == (Severity.INFO, "_under.png")


def test_positions_that_nobody_can_tell_are_refused(tmp_path: Path) -> None:
    shutil.copytree(VOTT1 / "images", tmp_path / "images")
    for path in (tmp_path / "images").iterdir():
        Pillow.new("RGB", (640, 480)).save(path, "JPEG")
    with pytest.raises(RefusedError):
        verified(VOTT1 / "v1.0.9.json", EXPORTS / "v1.0.9", tmp_path / "images")


# ---------------------------------------------------------------- made by hand, one fault each

SIZE = (200, 100)


def region(*corners: float, tags: Any = ("a",), **rest: Any) -> dict[str, Any]:
    box = dict(zip(("x1", "y1", "x2", "y2"), corners, strict=True))
    return {**box, "width": SIZE[0], "height": SIZE[1], "box": box, "tags": list(tags), "type": "rect", **rest}


BOX = region(20, 10, 60, 50)
RIGHT = "0 0.200000 0.300000 0.200000 0.400000"


def case(
    tmp_path: Path, frames: dict[str, Any], labels: dict[str, str], visited: list[str] | None = None, **rest: Any
) -> Verified:
    """A project with a picture for each frame, and an export of it."""
    for name in frames:
        (tmp_path / "imgs").mkdir(exist_ok=True)
        Pillow.new("RGB", SIZE).save(tmp_path / "imgs" / name, "JPEG")
    listed = list(frames) if visited is None else visited
    top = {"frames": frames, "inputTags": "a,b", "visitedFrames": listed, **rest}
    (tmp_path / "imgs.json").write_text(json.dumps(top, ensure_ascii=False), "utf-8")
    folder = tmp_path / "export" / "data" / "obj"
    folder.mkdir(parents=True)
    for name, text in labels.items():
        (folder / name).write_text(text, "utf-8")
    return verified(tmp_path / "imgs.json", tmp_path / "export", None)


def only(found: Verified, rule: str) -> Finding:
    assert list(found.damaged) == [rule]
    return next(f for f in found.findings if f.rule == rule)


def test_what_is_right_is_not_blamed(tmp_path: Path) -> None:
    frames = {"花.jpg": [BOX], "empty.jpg": [], "never.jpg": []}
    found = case(tmp_path, frames, {"花.txt": RIGHT, "empty.txt": ""}, ["花.jpg", "empty.jpg"])
    assert (found.checked, found.right, found.damaged, blamed(found)) == (2, 2, {}, {})


def test_whole_pixels_of_older_versions_are_right(tmp_path: Path) -> None:
    found = case(tmp_path, {"a.jpg": [region(20.9, 10.9, 60.9, 50.9)]}, {"a.txt": RIGHT})
    assert (found.checked, found.right) == (1, 1)


def test_two_pictures_with_one_stem_share_their_labels(tmp_path: Path) -> None:
    found = case(tmp_path, {"a.jpg": [region(1, 1, 9, 9)], "a.png": [BOX]}, {"a.txt": RIGHT})
    assert (found.checked, found.right) == (2, 1)
    shared = only(found, "export-shared-labels")
    assert (shared.image, shared.fields["other"]) == ("a.jpg", "a.png")


def test_a_picture_that_was_never_shown_is_not_exported(tmp_path: Path) -> None:
    found = case(tmp_path, {"a.jpg": [BOX], "b.jpg": [BOX]}, {"a.txt": RIGHT}, ["a.jpg"])
    assert only(found, "export-never-visited").image == "b.jpg"


def test_an_untagged_region_makes_a_false_negative(tmp_path: Path) -> None:
    found = case(tmp_path, {"a.jpg": [region(20, 10, 60, 50, tags=())]}, {"a.txt": ""})
    assert only(found, "export-untagged").severity is Severity.ERROR


def test_a_tag_outside_the_list_is_undefined(tmp_path: Path) -> None:
    frames = {"a.jpg": [region(20, 10, 60, 50, tags=["車"])]}
    found = case(tmp_path, frames, {"a.txt": RIGHT.replace("0 ", "undefined ", 1)})
    assert only(found, "export-undefined-class").fields["label"] == "車"


def test_a_box_over_the_edge_is_not_cut_off(tmp_path: Path) -> None:
    found = case(tmp_path, {"a.jpg": [region(-20, 10, 60, 50)]}, {"a.txt": "0 0.100000 0.300000 0.400000 0.400000"})
    assert only(found, "export-outside").fields["right"] == "0.150000 0.300000 0.300000 0.400000"


def test_no_number_at_all(tmp_path: Path) -> None:
    found = case(tmp_path, {"a.jpg": [BOX]}, {"a.txt": "0 Infinity NaN Infinity Infinity"})
    assert only(found, "export-no-number").fields["right"] == RIGHT[2:]


def test_1_7_stops_at_a_box_it_has_not_shown(tmp_path: Path) -> None:
    old = {key: value for key, value in BOX.items() if key != "box"}
    found = case(tmp_path, {"a.jpg": [old], "b.jpg": [BOX]}, {"b.txt": RIGHT})
    assert only(found, "export-stopped").image == "a.jpg"


def test_lists_of_old_versions(tmp_path: Path) -> None:
    (tmp_path / "export" / "data").mkdir(parents=True)
    (tmp_path / "export" / "data" / "train.txt").write_text("\ndata/obj/a.jpgdata/obj/b.jpg")
    (tmp_path / "export" / "data" / "test.txt").write_text("\ndata/obj/c.jpg")
    shutil.move(tmp_path / "export", tmp_path / "old")
    case(tmp_path, {"a.jpg": [BOX]}, {"a.txt": RIGHT})
    shutil.copytree(tmp_path / "old", tmp_path / "export", dirs_exist_ok=True)
    found = verified(tmp_path / "imgs.json", tmp_path / "export", None)
    assert found.damaged == {"export-lists": 2}
    assert [(f.fields["case"], f.fields["path"]) for f in found.findings] == [
        ("glued", "train.txt"),
        ("blank", "test.txt"),
    ]


def test_classes_go_by_the_names_of_the_export(tmp_path: Path) -> None:
    case(tmp_path, {"a.jpg": [BOX]}, {"a.txt": "1" + RIGHT[1:]})
    names = tmp_path / "export" / "data" / "obj.names"
    names.write_text("b\na\n")
    found = verified(tmp_path / "imgs.json", tmp_path / "export", None)
    assert (found.right, blamed(found)) == (1, {"export-class-order": [None]})
    names.write_text("a\nb\n")
    found = verified(tmp_path / "imgs.json", tmp_path / "export", None)
    assert only(found, "export-other-class").fields["class"] == "b"
    (tmp_path / "export" / "data" / "obj" / "a.txt").write_text(RIGHT)
    names.write_text("b\na\n")
    found = verified(tmp_path / "imgs.json", tmp_path / "export", None)
    assert only(found, "export-other-class").fields["case"] == "names"


def test_labels_of_another_picture(tmp_path: Path) -> None:
    frames = {"a.jpg": [BOX, region(1, 1, 9, 9, tags="b")], "b.jpg": [region(50, 50, 90, 90)]}
    whole = RIGHT + "\n1 0.025000 0.050000 0.040000 0.080000"
    found = case(tmp_path, frames, {"a.txt": whole, "b.txt": whole})
    assert (found.checked, found.right) == (3, 2)
    assert only(found, "export-shifted").fields["other"] == "a.jpg"


def test_what_no_fault_explains_is_said_to_differ(tmp_path: Path) -> None:
    found = case(tmp_path, {"a.jpg": [BOX]}, {"a.txt": "0 0.7 0.7 0.1 0.1"})
    assert only(found, "export-differs").fields["right"] == RIGHT[2:]


def test_lines_too_many_and_too_few(tmp_path: Path) -> None:
    frames = {"a.jpg": [BOX, region(1, 1, 9, 9, tags=["b"])], "b.jpg": [BOX], "c.jpg": [BOX]}
    labels = {"a.txt": RIGHT, "b.txt": RIGHT + "\n1 0.8 0.8 0.1 0.1\nno label", "c.txt": RIGHT, "gone.txt": RIGHT}
    found = case(tmp_path, frames, labels, list(reversed(frames)))
    assert found.damaged == {"export-extra": 2, "export-missing": 1, "export-no-label": 1}
    cases = {(f.rule, f.image): f.fields.get("case") for f in found.findings}
    assert cases[("export-extra", None)] == "file"
    assert cases[("export-extra", "b.jpg")] == cases[("export-missing", "a.jpg")] == "line"


def test_a_model_s_box_that_nobody_took_is_told(tmp_path: Path) -> None:
    drawn = region(20, 10, 60, 50)
    (made,) = VottV1().read(_marked(tmp_path, drawn), ReadOptions()).documents
    uid = mark("c1", 0, made.regions[0] if made.regions else made.predictions[0])
    found = case(tmp_path / "two", {"a.jpg": [{**drawn, "UID": uid}]}, {"a.txt": RIGHT})
    assert only(found, "export-prediction").severity is Severity.WARNING


def _marked(tmp_path: Path, drawn: dict[str, Any]) -> Path:
    (tmp_path / "two").mkdir()
    case(tmp_path, {"a.jpg": [drawn]}, {"a.txt": RIGHT})
    return tmp_path / "imgs.json"


def test_boxes_of_another_picture_are_not_judged(tmp_path: Path) -> None:
    found = case(tmp_path, {"a.jpg": [{**BOX, "box": None, "width": 900, "height": 100}]}, {"a.txt": RIGHT})
    assert "export-unchecked" in blamed(found)  # They were drawn on a picture of another shape.
    assert found.damaged == {}


def test_the_copies_in_the_export_tell_the_size(tmp_path: Path) -> None:
    """A project whose pictures are gone, canvas pixels and all."""
    raw = {"x1": 50, "y1": 25, "x2": 150, "y2": 125, "width": 500, "height": 250, "tags": ["a"]}
    case(tmp_path, {"a.jpg": [raw]}, {"a.txt": RIGHT})
    shutil.move(tmp_path / "imgs" / "a.jpg", tmp_path / "export" / "data" / "obj" / "a.jpg")
    found = verified(tmp_path / "imgs.json", tmp_path / "export", None)
    assert (found.checked, found.right, found.damaged) == (1, 1, {})


def test_frames_of_a_video(tmp_path: Path) -> None:
    raw = {"x1": 50, "y1": 25, "x2": 150, "y2": 125, "width": 500, "height": 250, "tags": ["a"]}
    top = {"frames": {"4": [raw]}, "inputTags": "a", "visitedFrames": [4], "framerate": "1"}
    (tmp_path / "clip.mp4.json").write_text(json.dumps(top))
    folder = tmp_path / "export" / "data" / "obj"
    folder.mkdir(parents=True)
    (folder / "clip_frame_4.txt").write_text(RIGHT)
    Pillow.new("RGB", SIZE).save(folder / "clip_frame_4.jpg")
    found = verified(tmp_path / "clip.mp4.json", tmp_path / "export", None)
    assert (found.checked, found.right, found.damaged) == (1, 1, {})


def test_a_folder_without_labels(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError) as error:
        verified(VOTT1 / "v1.6.1.json", tmp_path)
    assert error.value.rule == "labels-missing"


def test_every_rule_has_its_sentences() -> None:
    """Rules are constants here, so that the test of all sentences does not see them."""
    source = "".join(
        path.read_text("utf-8") for path in (FIXTURES.parents[1] / "plugins/formats/vott1/exports").glob("*.py")
    )
    named = set(re.findall(r'"(export-[a-z-]+)"', source))
    stems = {key.partition("_")[0] for key in texts.catalogue("ja", "findings")}
    assert len(named) > 20
    assert named - stems == set()
