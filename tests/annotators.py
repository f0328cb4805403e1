"""People at VoTT, scripted: what the program keeps in memory, and how it writes (in place, bit by bit, whole files)."""

from __future__ import annotations

import json
import os
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from plugins.formats.vott2.asset import decoded_path

Record = dict[str, Any]


def write_in_place(path: Path, text: str, pause: float = 0.0, pieces: int = 4) -> None:
    """As fs.writeFile does: the file is empty first, and grows."""
    size = len(text) // pieces + 1
    with path.open("w", encoding="utf-8") as file:
        for start in range(0, len(text), size):
            file.write(text[start : start + size])
            file.flush()
            time.sleep(pause)


@dataclass
class VottTwo:
    """VoTT 2 with a project open: it has read the .vott file once, and the asset file of the picture that is shown."""

    folder: Path
    pause: float = 0.0
    project: Record = field(default_factory=dict)
    shown: Record = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.reopen()

    @property
    def path(self) -> Path:
        return next(self.folder.glob("*.vott"))

    def reopen(self) -> None:
        """Close the project and open it again."""
        self.project, self.shown = json.loads(self.path.read_text("utf-8")), {}

    def show(self, name: str) -> None:
        """Go to a picture: its asset file is read now, an unreadable one as if there were none."""
        asset = next(a for a in self.project["assets"].values() if decoded_path(a).endswith(f"/{name}"))
        file = self._file(asset)
        try:
            self.shown = json.loads(file.read_text("utf-8"))
        except (OSError, ValueError):
            self.shown = {"asset": asset, "regions": [], "version": self.project["version"]}

    def draw(self, name: str, label: str, left: float, top: float, right: float, bottom: float) -> str:
        """One more box; gives its id."""
        own = secrets.token_urlsafe(7)
        self._change(name, lambda regions: [*regions, region(own, label, left, top, right, bottom)])
        return own

    def move(self, name: str, own: str, by: float) -> None:
        """Move a box sideways."""

        def moved(one: Record) -> Record:
            box = one["boundingBox"]
            left, top = box["left"] + by, box["top"]
            return {**one, **region(own, one["tags"][0], left, top, left + box["width"], top + box["height"])}

        self._change(name, lambda regions: [moved(r) if r["id"] == own else r for r in regions])

    def relabel(self, name: str, own: str, label: str) -> None:
        """Give a box another tag."""
        self._change(name, lambda regions: [{**r, "tags": [label]} if r["id"] == own else r for r in regions])

    def delete(self, name: str, own: str) -> None:
        """Take a box away."""
        self._change(name, lambda regions: [r for r in regions if r["id"] != own])

    def save(self) -> None:
        """As after every edit: first the asset file, then the whole project, both from memory."""
        asset = self.shown["asset"]
        asset["state"] = 2 if self.shown["regions"] else 1
        if self.shown["regions"]:
            write_in_place(self._file(asset), text(self.shown), self.pause)
        else:
            self._file(asset).unlink(missing_ok=True)
        time.sleep(self.pause)
        used = [tag for r in self.shown["regions"] for tag in r["tags"]]
        known = {tag["name"] for tag in self.project["tags"]}
        self.project["tags"] += [{"name": t, "color": "#123456"} for t in dict.fromkeys(used) if t not in known]
        self.project["assets"][asset["id"]] = asset
        write_in_place(self.path, text(self.project), self.pause)

    def _change(self, name: str, act: Callable[[list[Record]], list[Record]]) -> None:
        if not self.shown or not decoded_path(self.shown["asset"]).endswith(f"/{name}"):
            self.show(name)
        self.shown["regions"] = act(self.shown["regions"])
        self.save()

    def _file(self, asset: Record) -> Path:
        return self.folder / f"{asset['id']}-asset.json"


@dataclass
class VottOne:
    """VoTT 1.7.2: it has read the whole project once (Node's require keeps it), and writes all of it at every step."""

    path: Path
    pause: float = 0.0
    size: tuple[int, int] = (64, 48)
    project: Record = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.reopen()

    def reopen(self) -> None:
        """Restart the program."""
        self.project = json.loads(self.path.read_text("utf-8"))

    def draw(self, name: str, label: str, left: float, top: float, right: float, bottom: float) -> str:
        """One more box; gives its UID."""
        own, frame = secrets.token_hex(4), self.project["frames"].setdefault(name, [])
        corners = {"x1": left, "y1": top, "x2": right, "y2": bottom}
        outline = [(left, top), (right, top), (right, bottom), (left, bottom)]
        raw = {
            **corners,
            "width": self.size[0],
            "height": self.size[1],
            "box": corners,
            "points": [{"x": x, "y": y} for x, y in outline],
            "UID": own,
            "id": len(frame),
            "type": "rect",
            "tags": [label],
            "name": len(frame) + 1,
        }
        frame.append(raw)
        self.save(name)
        return own

    def delete(self, name: str, own: str) -> None:
        """Take a box away."""
        self.project["frames"][name] = [r for r in self.project["frames"][name] if r["UID"] != own]
        self.save(name)

    def relabel(self, name: str, own: str, label: str) -> None:
        """Give a box another tag."""
        for raw in self.project["frames"][name]:
            raw["tags"] = [label] if raw["UID"] == own else raw["tags"]
        self.save(name)

    def save(self, name: str | None = None) -> None:
        """As at every step; the picture that is left counts as visited."""
        if name is not None and name not in self.project["visitedFrames"]:
            self.project["visitedFrames"].append(name)
        write_in_place(self.path, json.dumps(self.project, ensure_ascii=False, separators=(",", ":")), self.pause)


def region(own: str, label: str, left: float, top: float, right: float, bottom: float) -> Record:
    """A rectangle as VoTT 2 writes it."""
    points = [(left, top), (right, top), (right, bottom), (left, bottom)]
    return {
        "id": own,
        "type": "RECTANGLE",
        "tags": [label],
        "boundingBox": {"height": bottom - top, "width": right - left, "left": left, "top": top},
        "points": [{"x": x, "y": y} for x, y in points],
    }


def text(content: Record) -> str:
    """JSON as VoTT 2 writes it."""
    return json.dumps(content, ensure_ascii=False, indent=4)


_clock = iter(range(1_000_000_000, 2_000_000_000))


def rest(*places: Path) -> None:
    """Let files look as if they had been written a while ago, each time at another moment."""
    for place in places:
        for path in [place] if place.is_file() else [p for p in place.iterdir() if p.is_file()]:
            os.utime(path, (moment := next(_clock), moment))
