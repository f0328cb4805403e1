"""Halves of characters in labels, in JSON and in the names of files on Linux."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image as Pillow

from bridge import picture
from bridge.loop.intake import IntakeOptions, import_path
from bridge.model.annotation import Box, Document, Image, Region
from bridge.model.dataset import Dataset
from bridge.model.finding import Severity
from bridge.plugin import ReadOptions, WriteOptions
from bridge.store import projects
from bridge.texts import render
from bridge.workspace import Workspace
from plugins.formats.halves import made_whole, whole
from plugins.formats.vott2 import VottV2

HALF = "箱\ud83d"
Written = Callable[[Path], Path]


def vott1(folder: Path) -> Path:
    corners = {"x1": 1, "y1": 1, "x2": 9, "y2": 9}
    region = {**corners, "width": 64, "height": 48, "box": corners, "type": "rect", "tags": [HALF], "UID": HALF}
    told = {"frames": {"a.jpg": [region]}, "inputTags": f"{HALF},犬", "visitedFrames": ["a.jpg"], "tag_colors": []}
    (folder / "imgs.json").write_text(json.dumps(told))
    return folder / "imgs.json"


def coco(folder: Path) -> Path:
    boxes = [{"id": 1, "image_id": 1, "category_id": 1, "bbox": [1, 1, 9, 9], "note": HALF}]
    images = [{"id": 1, "file_name": "a.jpg", "width": 64, "height": 48}]
    told = {"images": images, "annotations": boxes, "categories": [{"id": 1, "name": HALF}, {"id": 2, "name": "犬"}]}
    (folder / "coco.json").write_text(json.dumps(told))
    return folder / "coco.json"


def label_studio(folder: Path) -> Path:
    value = {"x": 1, "y": 1, "width": 9, "height": 9, "rotation": 0, "rectanglelabels": [HALF]}
    size = {"original_width": 64, "original_height": 48}
    item = {"id": "x", "type": "rectanglelabels", "from_name": "l", "to_name": "i", "value": value, **size}
    task = {"id": 1, "data": {"image": "a.jpg"}, "annotations": [{"id": 1, "result": [item]}]}
    (folder / "tasks.json").write_text(json.dumps([task]))
    return folder / "tasks.json"


def vott2(folder: Path) -> Path:
    image = Image("a.jpg", 64, 48, file=picture.stamp(folder / "imgs/a.jpg"))
    document = Document(image, (Region.rectangle(Box(1, 1, 9, 9), "犬"),))
    VottV2().write(Dataset("p", ("犬",), [document]), folder / "imgs", WriteOptions("none"))
    return folder / "imgs"


def darknet(folder: Path) -> Path:
    (folder / "imgs" / "obj.names").write_text("犬\n", "utf-8")
    (folder / "imgs" / "a.txt").write_text("0 .5 .5 .2 .2\n")
    return folder / "imgs"


def drawn(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Pillow.new("RGB", (64, 48)).save(path)


@pytest.mark.parametrize("written", [vott1, coco, label_studio])
def test_labels_with_half_a_character_come_in_and_are_told(
    sqlite_workspace: Workspace, tmp_path: Path, written: Written
) -> None:
    done = import_path(sqlite_workspace, "p", written(tmp_path), IntakeOptions())
    assert (done.images, done.boxes) == (1, 1)
    [finding] = [f for f in done.findings if f.rule == "bad-text"]
    assert (finding.severity, finding.fields["count"] > 0) == (Severity.WARNING, True)
    assert finding.fields["path"] in render("findings", finding.rule, finding.fields)
    with sqlite_workspace.db.read() as tx:
        assert "箱\ufffdD83D" in projects.find(tx, "p").label_names()


@pytest.mark.parametrize("strange", [b"\x8e\xca\x90^.jpg", b"\x8e\xca\x90^/c.jpg"])
@pytest.mark.parametrize("written", [vott1, vott2, darknet])
def test_a_file_name_that_is_no_text_does_not_stop_the_rest(
    sqlite_workspace: Workspace, tmp_path: Path, written: Written, strange: bytes
) -> None:
    for name in (b"a.jpg", strange):
        drawn(tmp_path / "imgs" / os.fsdecode(name))
    path = written(tmp_path)
    done = import_path(sqlite_workspace, "p", path, IntakeOptions())
    found = [f for f in done.findings if f.fields.get("case") == "name"]
    if written is not darknet and b"/" in strange:
        assert found == []  # VoTT looks into no folder.
        return
    assert done.images == 2
    [finding] = found
    assert (finding.severity, finding.image) == (Severity.WARNING, whole(os.fsdecode(strange)))
    assert "UTF-8" in render("findings", finding.rule, finding.fields)


def test_vott_2_tells_of_halves_too(tmp_path: Path) -> None:
    region = Region.rectangle(Box(1, 1, 9, 9), "箱Q", region_id="r")
    VottV2().write(
        Dataset("p", ("箱Q",), [Document(Image("a.jpg", 64, 48), (region,))]), tmp_path, WriteOptions("none")
    )
    for file in (*tmp_path.glob("*.vott"), *tmp_path.glob("*-asset.json")):
        file.write_text(file.read_text("utf-8").replace("Q", "\\ud83d"), "utf-8")
    reading = VottV2().read(tmp_path, ReadOptions())
    [document] = reading.documents
    assert reading.labels == ("箱\ufffdD83D",)
    assert [region.labels for region in document.regions or ()] == [reading.labels]
    assert [f.rule for f in (*reading.findings, *document.findings)].count("bad-text") == 2


def test_unlike_texts_stay_unlike_and_whole_ones_as_they_are() -> None:
    odd = json.loads(r'{"a\ud800": [1, null, "b"], "a\ud801": {"犬": "x\udc00y"}}') | {"big": 1 << 80}
    value, count = made_whole(odd)
    assert count == 3
    assert value == {"a\ufffdD800": [1, None, "b"], "a\ufffdD801": {"犬": "x\ufffdDC00y"}, "big": 1 << 80}
    assert made_whole(value) == (value, 0)
    assert whole("😀犬") == "😀犬"
