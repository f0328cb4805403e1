"""A project that VoTT 1.0.9 left on a Windows machine: twelve pictures by position, and two that nobody labelled.

On each picture lie a red disc and a blue square, easy enough for a network that is trained for seconds.
"""

from __future__ import annotations

import os
import random
import shutil
import time
from dataclasses import dataclass, replace
from pathlib import Path

from PIL import Image, ImageDraw

from tests.plugins.formats.vott1_projects import Drawn, Shot, write_project

DISC, SQUARE = "赤丸", "青角"
COLOURS = {DISC: (210, 40, 40), SQUARE: (40, 60, 210)}
# As NTFS lists them; Linux would begin with Banana_1.jpg. No two are of one shape.
SIZES = {
    "a-1.jpg": (400, 300),
    "apple.jpg": (360, 360),
    "a_1.jpg": (300, 400),
    "b 空.jpg": (450, 360),
    "Banana_1.jpg": (640, 240),
    "IMG 10.jpg": (420, 300),
    "img-2.JPG": (450, 300),
    "zebra.jpg": (256, 384),
    "Zoo.gif": (320, 270),
    "[x].png": (300, 360),
    "_under.png": (480, 300),
    "ボルト.jpg": (600, 250),
    "日本語.jpg": (400, 350),
    "龍.jpg": (432, 400),
}
# One was skipped, the other came later, at the end of every order.
UNSEEN = ("b 空.jpg", "龍.jpg")
# Wider than the stage, and never dragged: the stage's height was noted with the boxes.
WIDE = ("Banana_1.jpg", "ボルト.jpg")
# The right edge of one box lies beside its picture, one disc is called a square.
OUTSIDE, MISTAKEN = "apple.jpg", "zebra.jpg"
_EDGE = 1.05


@dataclass(frozen=True, slots=True)
class OldProject:
    """The project file and its pictures, and what is really to be seen on each picture."""

    json: Path
    pictures: Path
    truth: dict[str, Shot]


def draw_old_project(windows: Path, here: Path) -> OldProject:
    """Label it over there, and copy it here as git or a zip file would: with the times of the copy."""
    truth = {name: _shot(name, size) for name, size in SIZES.items()}
    written = write_project(windows, [_labelled(shot) for shot in truth.values()], "1.0.9", "ntfs", (DISC, SQUARE))
    for shot in truth.values():
        _paint(written.folder / shot.name, shot)
    shutil.copytree(windows, here, copy_function=shutil.copyfile)
    now = time.time()
    for path in (p for p in here.rglob("*") if p.is_file()):
        os.utime(path, (now, now))
    return OldProject(here / written.json.name, here / written.folder.name, truth)


def _shot(name: str, size: tuple[int, int]) -> Shot:
    """A disc and a square beside or above one another, of about one size on what the network sees."""
    chance = random.Random(name)
    side, along = 0.3 * max(size), int(size[0] < size[1])
    drawn = []
    for n, tag in enumerate((DISC, SQUARE)):
        room = [size[0] - side, size[1] - side]
        room[along] = size[along] / 2 - side
        corner = [(1.0 if name == OUTSIDE and n else chance.random()) * space for space in room]
        corner[along] += n * size[along] / 2
        (left, top), (width, height) = corner, size
        drawn.append(Drawn(tag, (left / width, top / height, (left + side) / width, (top + side) / height)))
    return Shot(name, size, tuple(drawn), "never" if name in UNSEEN else "labelled")


def _labelled(shot: Shot) -> Shot:
    """As the annotator left it."""
    disc, square = shot.boxes
    if shot.name == OUTSIDE:
        square = replace(square, at=(*square.at[:2], _EDGE, square.at[3]))
    if shot.name == MISTAKEN:
        disc = replace(disc, tag=SQUARE)
    return replace(shot, boxes=(disc, square))


def _paint(path: Path, shot: Shot) -> None:
    image = Image.effect_noise(shot.size, 25).convert("RGB")
    pen = ImageDraw.Draw(image)
    for one in shot.boxes:
        left, top, right, bottom = (part * side for part, side in zip(one.at, shot.size * 2, strict=True))
        draw = pen.ellipse if one.tag == DISC else pen.rectangle
        draw((left, top, right - 1, bottom - 1), fill=COLOURS[one.tag])
    image.save(path)
