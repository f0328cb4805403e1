"""Debian's darknet (pjreddie's, the pickiest about names) trains one step on what we export."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from bridge.model.annotation import Box, Document, FileStamp, Image, Region
from bridge.model.dataset import Dataset
from bridge.plugin import WriteOptions
from plugins.formats.yolo import Yolo
from tests.parts import absent

pytestmark = pytest.mark.story

# A whole network: one convolution and its head. Two steps over all pictures.
NET = """[net]
batch=16
subdivisions=1
width=32
height=32
channels=3
learning_rate=0.0001
max_batches=2
policy=constant
[convolutional]
filters=21
size=1
stride=1
pad=1
activation=linear
[yolo]
mask=0,1,2
anchors=10,10, 20,20, 30,30
classes=2
num=3
"""
# Every one of these is a name for which some darknet looks for the labels elsewhere, or runs a command.
NAMES = (
    "日本語 水着.jpg",
    "strawberry.jpg",
    "a$(touch PWNED).jpg",
    "images.png",
    "x.jpg.jpg",
    "quote'.jpeg",
    "UPPER.JPG",
)


@pytest.fixture
def darknet() -> str:
    found = shutil.which("darknet")
    if found is None:
        absent("darknet")
    return found


def train(darknet: str, folder: Path) -> str:
    (folder / "net.cfg").write_text(NET)
    command = [darknet, "detector", "train", "obj.data", "net.cfg"]
    ended = subprocess.run(command, cwd=folder, stdin=subprocess.DEVNULL, capture_output=True, timeout=60, check=False)
    return ended.stderr.decode(errors="replace")


def test_every_picture_and_label_file_is_found(darknet: str, tmp_path: Path, picture: Callable[..., Path]) -> None:
    # Given pictures under names that break one darknet or another
    documents = []
    for name in NAMES:
        path = picture(f"pics/{name}", 64, 48)
        stamp = FileStamp(str(path), path.stat().st_size, path.stat().st_mtime_ns)
        documents.append(Document(Image(name, 64, 48, file=stamp), (Region.rectangle(Box(8, 8, 40, 40), "水着"),)))
    out = tmp_path / "out"

    # When they are exported and darknet trains on the folder
    Yolo().write(Dataset("p", ("水着", "b"), documents), out, WriteOptions())
    said = train(darknet, out)

    # Then it reaches the end: it stops at the first file that it cannot open, with exit code 0
    assert "Couldn't open file" not in said
    assert (out / "backup" / "net_final.weights").is_file()
    assert not (out / "PWNED").exists()

    # And it would have stopped at a name that it misreads
    (out / "data" / "UPPER.jpg").rename(out / "data" / "strawberry.jpg")
    (out / "data" / "UPPER.txt").rename(out / "data" / "strawberry.txt")
    (out / "train.txt").write_text("data/strawberry.jpg\n")
    assert "Couldn't open file: data/stlabelsberry.txt" in train(darknet, out)
