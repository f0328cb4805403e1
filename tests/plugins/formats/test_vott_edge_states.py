"""What was looked at, sizes that differ, and files that are damaged or half-written, in either VoTT."""

from __future__ import annotations

import json
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from bridge.errors import InputError, RefusedError
from bridge.loop.cut import CutOptions, cut
from bridge.loop.export import export
from bridge.model.annotation import State
from bridge.model.finding import Severity
from bridge.plugin import WriteOptions
from plugins.formats.backup import FOLDER
from tests.plugins.formats.vott_cases import Case, Desk, of, old, only, picture, told


def test_explicit_empty_empty_visited_and_never_visited_are_told_apart(vott1: Case, desk: Desk) -> None:
    vott1.add("boxed.jpg", vott1.box(1, 2, 30, 40))
    vott1.add("explicit.jpg", {})
    vott1.add("empty.jpg")
    vott1.add("visited.jpg")
    del vott1.frames["visited.jpg"]
    picture(vott1.images / "never.jpg")
    assert of(desk.take(vott1.write())) == []
    assert {name: d.state.value for name, d in desk.documents().items()} == {
        "boxed.jpg": "labelled",
        "explicit.jpg": "reviewed-empty",
        "empty.jpg": "reviewed-empty",
        "visited.jpg": "reviewed-empty",
        "never.jpg": "unknown",
    }
    negatives: dict[str, list[Any]] = {"empty.jpg": [], "explicit.jpg": [], "visited.jpg": []}
    assert desk.darknet()[0] == {"boxed.jpg": [("a", 1, 2, 30, 40)], **negatives}
    members = {m.name for m in cut(desk.ws, "p", CutOptions()).version.members}
    assert members == {"boxed.jpg", *negatives}


def test_visited_and_never_visited_of_version_2_are_told_apart(vott2: Case, desk: Desk) -> None:
    vott2.add("boxed.jpg", vott2.box(1, 2, 30, 40))
    vott2.add("visited.jpg")
    vott2.add("listed.jpg", state=0)
    picture(vott2.images / "never.jpg")
    desk.take(vott2.write())
    assert {name: d.state.value for name, d in desk.documents().items()} == {
        "boxed.jpg": "labelled",
        "visited.jpg": "reviewed-empty",
        "listed.jpg": "unknown",
        "never.jpg": "unknown",
    }
    assert desk.darknet()[0] == {"boxed.jpg": [("a", 1, 2, 30, 40)], "visited.jpg": []}


def test_image_size_that_differs_with_the_same_aspect_scales_the_boxes(vott: Case, desk: Desk) -> None:
    vott.add("x.jpg", vott.box(10, 20, 100, 200), size=(1280, 960))
    picture(vott.images / "x.jpg", (640, 480))
    found = only(desk.take(vott.write()), "resized")
    # Version 1 counted the pixels of screens, so that this is its everyday; in version 2 a person should look.
    assert found.severity is (Severity.INFO if vott.version == 1 else Severity.WARNING)
    assert "1280x960" in told(found)
    assert desk.darknet()[0] == {"x.jpg": [("a", 5, 10, 50, 100)]}


def test_image_size_of_another_shape_is_warned_of_and_nothing_scaled(vott: Case, desk: Desk) -> None:
    vott.add("x.jpg", vott.box(10, 20, 100, 200), size=(1280, 480))
    picture(vott.images / "x.jpg", (640, 480))
    found = only(desk.take(vott.write()), "aspect")
    assert (found.image, found.severity) == ("x.jpg", Severity.WARNING)
    assert desk.documents()["x.jpg"].regions is not None


def test_image_size_swapped_is_the_turn_of_the_camera(vott: Case, desk: Desk) -> None:
    vott.add("x.jpg", vott.box(10, 20, 110, 220), size=(480, 640))
    picture(vott.images / "x.jpg", (640, 480), orientation=6)
    assert of(desk.take(vott.write())) == ["exif"]
    assert desk.darknet()[0] == {"x.jpg": [("a", 20, 370, 220, 470)]}


def test_size_missing_is_read_from_the_file(vott: Case, desk: Desk) -> None:
    vott.add("x.jpg", vott.box(1, 2, 30, 40), size=None)
    assert of(desk.take(vott.write())) == []
    image = desk.documents()["x.jpg"].image
    assert (image.width, image.height) == (640, 480)


def test_asset_json_without_an_entry_is_imported(vott2: Case, desk: Desk) -> None:
    vott2.add("x.jpg", vott2.box(1, 2, 30, 40))
    vott2.add("y.jpg", vott2.box(1, 2, 30, 40))
    path = vott2.write()
    project = json.loads((path / "p.vott").read_text("utf-8"))
    del project["assets"][vott2.asset_file("y.jpg").name.removesuffix("-asset.json")]
    (path / "p.vott").write_text(json.dumps(project))
    found = only(desk.take(path), "orphan-asset")
    assert (found.image, vott2.asset_file("y.jpg").name in told(found)) == ("y.jpg", True)
    assert set(desk.darknet()[0]) == {"x.jpg", "y.jpg"}


@pytest.mark.parametrize("what", ["gone", "a folder", "a pipe"])
def test_state_2_without_its_asset_json_is_lost_and_no_negative(vott2: Case, desk: Desk, what: str) -> None:
    import os

    vott2.add("x.jpg", vott2.box(1, 2, 30, 40))
    vott2.add("y.jpg", vott2.box(1, 2, 30, 40))
    path = vott2.write()
    vott2.asset_file("x.jpg").unlink()
    if what == "a folder":
        vott2.asset_file("x.jpg").mkdir()
    elif what == "a pipe":
        os.mkfifo(vott2.asset_file("x.jpg"))
    found = only(desk.take(path), "lost")
    assert (found.image, found.severity) == ("x.jpg", Severity.ERROR)
    assert desk.documents()["x.jpg"].state is State.UNKNOWN
    assert list(desk.darknet()[0]) == ["y.jpg"]


# ---------------------------------------------------------------- damaged files


def label_file(vott: Case, name: str = "x.jpg") -> Path:
    return vott.place if vott.version == 1 else vott.asset_file(name)


def test_corrupted_json_with_a_byte_order_mark_is_read(vott: Case, desk: Desk) -> None:
    vott.add("x.jpg", vott.box(1, 2, 30, 40))
    vott.write()
    label_file(vott).write_bytes(b"\xef\xbb\xbf" + label_file(vott).read_bytes())
    assert of(desk.take(vott.place)) == []
    assert desk.darknet()[0] == {"x.jpg": [("a", 1, 2, 30, 40)]}


def test_corrupted_json_with_trailing_garbage_gives_the_first_document(vott: Case, desk: Desk) -> None:
    vott.add("x.jpg", vott.box(1, 2, 30, 40))
    vott.write()
    with label_file(vott).open("ab") as file:
        file.write(b'"],"tags":["a"]}]}}')
    old(label_file(vott))
    found = only(desk.take(vott.place), "damaged")
    assert (found.severity, "19 characters at its end" in told(found)) == (Severity.WARNING, True)
    assert desk.darknet()[0] == {"x.jpg": [("a", 1, 2, 30, 40)]}


def test_corrupted_json_that_is_cut_drops_the_last_region_and_says_so(vott: Case, desk: Desk) -> None:
    # "x2":366 cut to "x2":36 would be a box that nobody drew.
    vott.add("x.jpg", vott.box(1, 2, 30, 40), vott.box(10, 20, 366, 40))
    vott.write()
    data, far = label_file(vott).read_bytes(), b"366" if vott.version == 1 else b"356"  # A width in version 2.
    label_file(vott).write_bytes(data[: data.rindex(far) + 2])
    old(label_file(vott))
    found = only(desk.take(vott.place), "damaged")
    assert (found.image, found.severity) == ("x.jpg", Severity.ERROR)
    assert label_file(vott).name in told(found)
    assert [r.points for r in desk.documents()["x.jpg"].regions or ()] == [((1, 2), (30, 40))]


def test_corrupted_json_beyond_repair_leaves_what_was_read_before(vott: Case, desk: Desk) -> None:
    vott.add("x.jpg", vott.box(1, 2, 30, 40))
    desk.take(vott.write())
    label_file(vott).write_bytes(b"\0" * 300)
    old(label_file(vott))
    if vott.version == 1:
        with pytest.raises(InputError):
            desk.take(
                vott.place,
            )
    else:
        assert of(desk.take(vott.place), "x.jpg") == ["damaged", "lost"]
    assert [r.points for r in desk.documents()["x.jpg"].regions or ()] == [((1, 2), (30, 40))]


def test_a_repaired_file_is_never_written_without_a_backup(vott: Case, desk: Desk) -> None:
    vott.add("x.jpg", vott.box(1, 2, 30, 40), vott.box(5, 6, 70, 80))
    vott.write()
    file = label_file(vott)
    broken = file.read_bytes()[:-20]
    file.write_bytes(broken)
    old(file)
    desk.take(vott.place)
    export(desk.ws, "p", f"vott-v{vott.version}", vott.place, WriteOptions("none"), allow_loss=True)
    json.loads(file.read_bytes())
    assert (file.parent / FOLDER / file.name).read_bytes() == broken


def test_a_file_being_written_is_waited_for(vott: Case, desk: Desk) -> None:
    vott.add("x.jpg", vott.box(1, 2, 30, 40))
    vott.write()
    whole = label_file(vott).read_bytes()
    label_file(vott).write_bytes(whole[: len(whole) // 2])

    def finish() -> None:
        time.sleep(0.1)
        label_file(vott).write_bytes(whole)

    writer = threading.Thread(target=finish)
    writer.start()
    done = desk.take(vott.place)
    writer.join()
    assert (of(done), done.boxes) == ([], 1)


# ---------------------------------------------------------------- the rest of the table


def test_unknown_extra_keys_survive_the_round_trip(vott: Case, desk: Desk) -> None:
    vott.top["ours"] = {"深": [1, None]}
    vott.add("x.jpg", vott.box(1, 2, 30, 40, note="直し済み"))
    desk.take(vott.write())
    out = desk.folder / ("imgs.json" if vott.version == 1 else "out")
    export(desk.ws, "p", f"vott-v{vott.version}", out, WriteOptions("none"))
    files = [out] if vott.version == 1 else sorted(out.iterdir())
    text = "".join(file.read_text("utf-8") for file in files)
    assert "直し済み" in text
    assert any(json.loads(file.read_text("utf-8")).get("ours") == {"深": [1, None]} for file in files)


@pytest.mark.parametrize("rate", ["", "0", 0, None, "x", -1, [], 10**400, "1e999"])
def test_framerate_that_is_none_refuses_a_video_and_is_ignored_for_images(vott1: Case, desk: Desk, rate: Any) -> None:
    vott1.add("x.jpg", vott1.box(1, 2, 30, 40))
    vott1.top["framerate"] = rate
    assert of(desk.take(vott1.write())) == []
    video = vott1.folder / "clip.mp4.json"
    video.write_text(json.dumps({"frames": {"2": []}, "visitedFrames": [2], "inputTags": "a", "framerate": rate}))
    with pytest.raises(RefusedError) as caught:
        desk.take(video)
    assert caught.value.rule == "video-framerate"
