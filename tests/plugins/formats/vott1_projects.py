"""VoTT v1 projects of every era and file order, made from a truth, as the versions wrote them.

A picture is drawn on a stage (the window's room for pictures): the canvas is the largest rectangle of its shape that
fits, cut off to whole pixels. Up to 1.5.0 positions and canvas pixels were noted, with the stage's height where the
picture is wider than the stage and its box was never dragged.
"""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, get_args

from PIL import Image as Pillow

from plugins.formats.vott1.order import Order, listed

Era = Literal["1.0.9", "1.5.0", "dev", "by-name", "full-path", "migrated", "1.6.1", "1.7.2"]
State = Literal["labelled", "empty", "visited", "never"]
Four = tuple[float, float, float, float]

ERAS: tuple[Era, ...] = get_args(Era)
BY_POSITION: frozenset[Era] = frozenset({"1.0.9", "1.5.0", "dev"})
# When the first picture was made, and when the project was saved.
FIRST, SAVED = 1_500_000_000, 1_600_000_000
_EXIF_ORIENTATION = 0x0112


@dataclass(frozen=True, slots=True)
class Drawn:
    """One box: its tag and its left, top, right, bottom as fractions of the picture as the annotator saw it."""

    tag: str
    at: Four = (0.25, 0.25, 0.5, 0.75)
    dragged: bool = False


@dataclass(frozen=True, slots=True)
class Shot:
    """One picture of a project: size as stored, EXIF turn, stage it was drawn on, and what became of it.

    born is its place in the order of creation. turned tells that the annotator saw it after its EXIF turn.
    """

    name: str
    size: tuple[int, int] = (64, 48)
    boxes: tuple[Drawn, ...] = ()
    state: State = "labelled"
    stage: tuple[int, int] = (1100, 550)
    born: int = 0
    orientation: int = 1
    turned: bool = False

    @property
    def seen(self) -> tuple[int, int]:
        """Width and height as the annotator saw them."""
        return (self.size[1], self.size[0]) if self.turned and self.orientation >= 5 else self.size

    @property
    def canvas(self) -> tuple[int, int]:
        """Width and height of the canvas on its stage."""
        (width, height), (room, high) = self.seen, self.stage
        if width * high > height * room:
            return room, room * height // width
        return high * width // height, high

    def slack(self) -> float:
        """So many pixels of the picture a box may be off: the canvas has whole pixels, and so have its corners."""
        return 1.6 * max(side / pixels for side, pixels in zip(self.seen, self.canvas, strict=True)) + 0.01


@dataclass(frozen=True, slots=True)
class Written:
    """A project on disk, the folder of its pictures, and the boxes (pixels as stored) of what was looked at."""

    json: Path
    folder: Path
    truth: dict[str, list[tuple[str, Four]] | None] = field(default_factory=dict)


def write_project(
    root: Path, shots: Sequence[Shot], era: Era = "1.0.9", order: Order = "ntfs", tags: Sequence[str] = ()
) -> Written:
    """Write pictures and project as an annotator would have left them; times are those of labelling."""
    folder = root / "imgs"
    folder.mkdir(parents=True)
    for shot in shots:
        _picture(folder / shot.name, shot)
    born = {shot.name: float(shot.born) for shot in shots}
    by_name = {shot.name: shot for shot in shots}
    seen = [by_name[name] for name in listed(by_name, order, born)]
    path = root / "imgs.json"
    path.write_text(json.dumps(_project(seen, era, folder, tags or _tags(shots)), ensure_ascii=False), "utf-8")
    os.utime(path, (SAVED, SAVED))
    return Written(path, folder, {shot.name: _truth(shot) for shot in shots})


def add_picture(folder: Path, shot: Shot, when: int) -> None:
    """Put one more picture into the folder, at a time of its own."""
    _picture(folder / shot.name, shot)
    os.utime(folder / shot.name, (when, when))


def _picture(path: Path, shot: Shot) -> None:
    exif = Pillow.Exif()
    exif[_EXIF_ORIENTATION] = shot.orientation
    Pillow.new("RGB", shot.size, (90, 120, 60)).save(path, "JPEG", exif=exif)
    os.utime(path, (FIRST + 60 * shot.born, FIRST + 60 * shot.born))


def _truth(shot: Shot) -> list[tuple[str, Four]] | None:
    if shot.state == "never":
        return None
    boxes = shot.boxes if shot.state == "labelled" else ()
    return [(drawn.tag, _stored(drawn.at, shot)) for drawn in boxes]


def _stored(at: Four, shot: Shot) -> Four:
    """The box in pixels of the picture as stored; of a turn only orientation 6 (a quarter clockwise) is made here."""
    left, top, right, bottom = at
    if shot.turned and shot.orientation == 6:
        left, top, right, bottom = top, 1 - right, bottom, 1 - left
    width, height = shot.size
    return left * width, top * height, right * width, bottom * height


def _tags(shots: Sequence[Shot]) -> list[str]:
    return list(dict.fromkeys(drawn.tag for shot in shots for drawn in shot.boxes)) or ["tag"]


# ------------------------------------------------------------ the project file of each era


def _project(seen: Sequence[Shot], era: Era, folder: Path, tags: Sequence[str]) -> dict[str, Any]:
    """The whole document; seen are the shots as the folder was listed."""
    labelled = {at: shot for at, shot in enumerate(seen) if shot.state in ("labelled", "empty")}
    visited = [at for at, shot in enumerate(seen) if shot.state != "never"]
    frames = {at: _frame(shot, era) for at, shot in labelled.items()}
    top: dict[str, Any] = {"frames": {str(at): frame for at, frame in frames.items()}}
    top |= {"framerate": "1", "inputTags": ",".join(tags), "suggestiontype": "track", "scd": False}
    top["visitedFrames"] = visited
    if era != "1.0.9":
        top["tag_colors"] = ["#123456"] * len(tags)
    if era == "by-name":
        top["framesByImagesName"] = {seen[at].name: frame for at, frame in frames.items()}
    elif era not in BY_POSITION:
        # Development builds on macOS and Linux wrote full paths, those on Windows names, into one file.
        keys = [
            f"/Users/あ/imgs/{shot.name}" if era == "full-path" and at % 3 else shot.name
            for at, shot in enumerate(seen)
        ]
        top["frames"] = {keys[at]: frame for at, frame in frames.items()}
        top["visitedFrames"] = [keys[at] for at in visited]
    return top


def _frame(shot: Shot, era: Era) -> list[dict[str, Any]]:
    if shot.state == "empty":
        return [{}] if era in ("1.0.9", "1.5.0") else []
    return [_region(shot, drawn, number, era) for number, drawn in enumerate(shot.boxes)]


def _region(shot: Shot, drawn: Drawn, number: int, era: Era) -> dict[str, Any]:
    """Region by region: a project that newer versions went on with holds those of older ones as they were."""
    told = {"id": number, "tags": [drawn.tag], "name": number + 1}
    if era in ("1.0.9", "1.5.0"):
        return {**_on_canvas(shot, drawn, whole=era == "1.0.9"), **told, "type": "Rectangle"}
    age = len(shot.name) + number
    if era in ("dev", "by-name", "migrated") and age % 3 == 0:  # Nobody has displayed it since.
        return {**_on_canvas(shot, drawn, whole=True), **told, "type": "Rectangle"}
    if era in ("dev", "by-name", "migrated") and age % 3 == 1:
        return {**_converted(shot, drawn), **told, "type": "Rectangle", "UID": f"{age:08x}"}
    box = _in_source(shot, drawn)
    uid = {"UID": f"{age:08x}"}
    if era != "1.7.2" and not (era == "migrated" and age % 2):
        return {**box, "box": dict(_four(box)), **_size(shot), **told, **uid, "type": "Rectangle"}
    points = [{"x": box[x], "y": box[y]} for x, y in (("x1", "y1"), ("x2", "y1"), ("x2", "y2"), ("x1", "y2"))]
    return {**box, "box": dict(_four(box)), **_size(shot), **told, **uid, "points": points, "type": "rect"}


def _on_canvas(shot: Shot, drawn: Drawn, whole: bool) -> dict[str, Any]:
    """Canvas pixels; a box that was never dragged notes the height of the stage."""
    width, height = shot.canvas
    corners = [part * side for part, side in zip(drawn.at, (width, height, width, height), strict=True)]
    x1, y1, x2, y2 = (round(corner) for corner in corners) if whole else corners
    noted = height if drawn.dragged else shot.stage[1]
    return {"x1": x1, "y1": y1, "x2": x2, "y2": y2, "width": width, "height": noted}


def _converted(shot: Shot, drawn: Drawn) -> dict[str, Any]:
    """What newer versions made of a region when they displayed it: a box by the noted size, right or wrong."""
    old = _on_canvas(shot, drawn, whole=True)
    (width, height), x, y = shot.seen, old["width"], old["height"]
    box = {key: old[key] * (width / x if key[0] == "x" else height / y) for key in ("x1", "y1", "x2", "y2")}
    return {**old, "box": box}


def _in_source(shot: Shot, drawn: Drawn) -> dict[str, Any]:
    (width, height), (left, top, right, bottom) = shot.seen, drawn.at
    return {"x1": left * width, "y1": top * height, "x2": right * width, "y2": bottom * height}


def _size(shot: Shot) -> dict[str, Any]:
    return {"width": shot.seen[0], "height": shot.seen[1]}


def _four(box: dict[str, Any]) -> dict[str, Any]:
    return {key: box[key] for key in ("x1", "y1", "x2", "y2")}
