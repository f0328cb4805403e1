"""What VoTT does to its files when a person looks at a picture, draws, moves, retags or deletes; each act is counted.

The counts are those of a mouse and a keyboard in VoTT 2 (1.7 needs as many):

    go to the next picture       1   arrow key; VoTT then shows it and saves that it did
    draw a box                   2   drag it open, press the tag's number
    delete a box                 2   click it, press Delete
    move a corner                1   drag it: a corner can be taken hold of without clicking the box first
    move two opposite corners    2   drag, drag
    give a box another tag       3   click it, press the old tag's number (a tag is switched off so) and the new one's

That a tag's number switches it on and off stands in VoTT 2.2's editorPage/canvas.tsx (applyTag), that a corner needs no
click before in AnchorsComponent.ts of its drawing library (vott-ct).
"""

from __future__ import annotations

import json
import os
import secrets
import time
from abc import ABC, abstractmethod
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import unquote

from bridge.model.annotation import Box

Record = dict[str, Any]
COSTS = {"next": 1, "draw": 2, "delete": 2, "drag": 1, "drag-twice": 2, "retag": 3}
_VISITED, _TAGGED = 1, 2


@dataclass
class Hand(ABC):
    """A person at VoTT; done counts what he did, by kind of act."""

    done: Counter[str] = field(default_factory=Counter)
    own_id: ClassVar[str]

    @property
    def actions(self) -> int:
        """Presses of keys and buttons, and drags."""
        return sum(COSTS[kind] * n for kind, n in self.done.items())

    @abstractmethod
    def names(self) -> list[str]:
        """The pictures that the project file knows."""

    @abstractmethod
    def regions(self, name: str) -> list[Record]:
        """The regions on a picture, as VoTT shows them."""

    @abstractmethod
    def _drawn(self, box: Box, label: str, count: int) -> Record:
        """The record of a new box on a picture with so many."""

    @abstractmethod
    def _place(self, box: Box) -> Record:
        """The fields that say where a box lies."""

    @abstractmethod
    def _save(self, name: str, regions: list[Record]) -> None:
        """Write the files as VoTT does."""

    def look(self, name: str) -> list[Record]:
        """Go to a picture; VoTT saves that it was shown."""
        self.done["next"] += 1
        regions = self.regions(name)
        self._save(name, regions)
        return regions

    def draw(self, name: str, box: Box, label: str) -> str:
        """Draw a box and tag it; gives its id."""
        self.done["draw"] += 1
        regions = self.regions(name)
        region = self._drawn(box, label, len(regions))
        self._save(name, [*regions, region])
        return str(region[self.own_id])

    def delete(self, name: str, region_id: str) -> None:
        """Delete a box."""
        self.done["delete"] += 1
        self._save(name, [region for region in self.regions(name) if region[self.own_id] != region_id])

    def move(self, name: str, region_id: str, box: Box, twice: bool = False) -> None:
        """Drag a box to where it belongs; twice where two opposite corners are off."""
        self.done["drag-twice" if twice else "drag"] += 1
        self._change(name, region_id, self._place(box))

    def retag(self, name: str, region_id: str, label: str) -> None:
        """Give a box another tag."""
        self.done["retag"] += 1
        self._change(name, region_id, {"tags": [label]})

    def _change(self, name: str, region_id: str, fields: Record) -> None:
        self._save(name, [r | fields if r[self.own_id] == region_id else r for r in self.regions(name)])


@dataclass
class Hand2(Hand):
    """VoTT 2.2.0 on the project in a folder: it writes the asset file first, then the whole project file."""

    folder: Path = Path()
    own_id = "id"

    def names(self) -> list[str]:
        """The pictures of the project by file name."""
        return [unquote(asset["name"]) for asset in self._project()["assets"].values()]

    def regions(self, name: str) -> list[Record]:
        """The regions in the picture's asset file."""
        path = self._file(self._asset(name))
        found: list[Record] = json.loads(path.read_text("utf-8"))["regions"] if path.exists() else []
        return found

    def _drawn(self, box: Box, label: str, count: int) -> Record:
        return {"id": secrets.token_urlsafe(6), "type": "RECTANGLE", "tags": [label], **self._place(box)}

    def _place(self, box: Box) -> Record:
        return _shape(box)

    def _save(self, name: str, regions: list[Record]) -> None:
        project, asset = self._project(), self._asset(name)
        asset["state"] = _TAGGED if regions else _VISITED
        path = self._file(asset)
        if regions:
            before = json.loads(path.read_text("utf-8")) if path.exists() else {}
            kept = {key: value for key, value in before.items() if key not in ("asset", "regions", "version")}
            _dump(path, {"asset": asset, "regions": regions, "version": "2.2.0", **kept})
        else:
            path.unlink(missing_ok=True)
        project["assets"][asset["id"]] = asset
        project["lastVisitedAssetId"] = asset["id"]
        _dump(self._vott(), project)

    def _asset(self, name: str) -> Record:
        assets = self._project()["assets"].values()
        found: Record = next(asset for asset in assets if unquote(asset["name"]) == name)
        return found

    def _file(self, asset: Record) -> Path:
        return self.folder / f"{asset['id']}-asset.json"

    def _vott(self) -> Path:
        return next(self.folder.glob("*.vott"))

    def _project(self) -> Record:
        found: Record = json.loads(self._vott().read_text("utf-8"))
        return found


@dataclass
class Hand1(Hand):
    """VoTT 1.7.2 on a project file, which it writes whole, in one line."""

    path: Path = Path()
    own_id = "UID"

    def names(self) -> list[str]:
        """The pictures that have a frame."""
        return list(self._project()["frames"])

    def regions(self, name: str) -> list[Record]:
        """The regions in the picture's frame."""
        found: list[Record] = self._project()["frames"].get(name, [])
        return found

    def _drawn(self, box: Box, label: str, count: int) -> Record:
        record = {**self._place(box), "UID": secrets.token_hex(4), "id": count, "type": "rect", "tags": [label]}
        return record | {"name": count + 1}

    def _place(self, box: Box) -> Record:
        return _sides(box)

    def _save(self, name: str, regions: list[Record]) -> None:
        project = self._project()
        project["frames"][name] = regions
        project["visitedFrames"] = list(dict.fromkeys([*project["visitedFrames"], name]))
        self.path.write_text(json.dumps(project, ensure_ascii=False, separators=(",", ":")), "utf-8")

    def _project(self) -> Record:
        found: Record = json.loads(self.path.read_text("utf-8"))
        return found


def box_of(region: Record) -> Box:
    """Where a region of either version lies."""
    if "boundingBox" in region:
        box = region["boundingBox"]
        return Box(box["left"], box["top"], box["left"] + box["width"], box["top"] + box["height"])
    box = region["box"]
    return Box(box["x1"], box["y1"], box["x2"], box["y2"])


def _shape(box: Box) -> Record:
    corners = ((box.left, box.top), (box.right, box.top), (box.right, box.bottom), (box.left, box.bottom))
    sides = {"height": box.height, "width": box.width, "left": box.left, "top": box.top}
    return {"boundingBox": sides, "points": [{"x": x, "y": y} for x, y in corners]}


def _sides(box: Box) -> Record:
    corners = ((box.left, box.top), (box.right, box.top), (box.right, box.bottom), (box.left, box.bottom))
    sides = {"x1": box.left, "y1": box.top, "x2": box.right, "y2": box.bottom}
    return {**sides, "box": sides, "points": [{"x": x, "y": y} for x, y in corners]}


def _dump(path: Path, content: Record) -> None:
    path.write_text(json.dumps(content, ensure_ascii=False, indent=4), "utf-8")


def rest(place: Path) -> None:
    """Let the files of a project look a minute older than they are, so that nobody waits for them to be at rest."""
    for path in place.iterdir() if place.is_dir() else [place]:
        then = path.stat().st_mtime_ns
        if path.is_file() and time.time_ns() - then < 30e9:
            os.utime(path, ns=(then - 60_000_000_000, then - 60_000_000_000))
