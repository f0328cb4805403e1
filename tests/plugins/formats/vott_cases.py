"""A small project of either VoTT with one odd thing in it, read into a store: what the edge case tests share."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from PIL import Image as Pillow

from bridge.loop.export import export
from bridge.loop.intake import Imported, IntakeOptions, import_path
from bridge.model.annotation import Document
from bridge.model.finding import Finding
from bridge.plugin import ReadOptions, WriteOptions
from bridge.registry import Registry
from bridge.settings import Settings
from bridge.store import projects, revisions
from bridge.store.blobs import Blobs
from bridge.store.database import Database
from bridge.texts import LANGUAGES, render
from bridge.workspace import Workspace
from plugins.formats.vott2.asset import new_asset
from plugins.formats.yolo import Yolo

SIZE = (640, 480)
Corners = tuple[Any, Any, Any, Any]


def picture(path: Path, size: tuple[int, int] = SIZE, orientation: int = 1, shade: int = 0) -> Path:
    """A picture file with bytes of its own for each name."""
    path.parent.mkdir(parents=True, exist_ok=True)
    exif = Pillow.Exif()
    exif[0x0112] = orientation
    tone = hashlib.sha256(f"{path.name} {shade}".encode("utf-8", "surrogateescape")).digest()
    kind = {".png": "PNG", ".gif": "GIF", ".bmp": "BMP"}.get(path.suffix.lower(), "JPEG")
    Pillow.new("RGB", size, (tone[0], tone[1], tone[2])).save(path, kind, exif=exif)
    return path


@dataclass
class Case:
    """A project of version 1 or 2 in a folder of its own; pictures lie in imgs/."""

    version: int
    folder: Path
    tags: tuple[str, ...] = ("a", "b")
    frames: dict[str, Any] = field(default_factory=dict)
    visited: list[Any] = field(default_factory=list)
    top: dict[str, Any] = field(default_factory=dict)
    sizes: dict[str, tuple[int, int] | None] = field(default_factory=dict)
    assets: dict[str, dict[str, Any]] = field(default_factory=dict)
    _n: int = 0

    @property
    def images(self) -> Path:
        return self.folder / "imgs"

    @property
    def place(self) -> Path:
        """What a person imports."""
        return self.folder / ("imgs.json" if self.version == 1 else "target")

    def add(
        self, name: str, *regions: Any, size: tuple[int, int] | None = SIZE, here: bool = True, **more: Any
    ) -> None:
        """A picture that was looked at, with its regions; size is what the tool recorded."""
        if here:
            picture(self.images / name, size or SIZE)
        self.frames[name] = [self._record(region, size) for region in regions]
        self.visited.append(name)
        self.sizes[name], self.assets[name] = size, more

    def box(self, *corners: Any, tags: Any = ("a",), **more: Any) -> dict[str, Any]:
        return {"corners": corners, "tags": tags, "type": "rect", **more}

    def shape(self, kind: str, *points: tuple[Any, Any], tags: Any = ("a",), **more: Any) -> dict[str, Any]:
        return {"points": points, "tags": tags, "type": kind, **more}

    def write(self) -> Path:
        """The project on disk, nothing else touched."""
        if self.version == 1:
            told = {"frames": self.frames, "inputTags": ",".join(self.tags), "visitedFrames": self.visited, **self.top}
            self.place.write_text(json.dumps(told, ensure_ascii=False), "utf-8")
            return self.place
        self.place.mkdir(exist_ok=True)
        assets = {}
        for name, regions in self.frames.items():
            width, height = self.sizes[name] or (0, 0)
            state = 2 if regions else 1 if name in self.visited else 0
            asset = new_asset(str(self.images / name), width, height) | {"state": state} | self.assets[name]
            assets[asset["id"]] = asset
            if regions:
                file = {"asset": asset, "regions": regions, "version": "2.2.0"}
                self.asset_file(name).write_text(json.dumps(file, ensure_ascii=False, indent=4), "utf-8")
        tags = [{"name": tag, "color": "#5db300"} for tag in self.tags]
        told = {"name": "p", "securityToken": "t", "tags": tags, "version": "2.2.0", "assets": assets, **self.top}
        (self.place / "p.vott").write_text(json.dumps(told, ensure_ascii=False, indent=4), "utf-8")
        return self.place

    def asset_file(self, name: str) -> Path:
        return self.place / f"{new_asset(str(self.images / name), 0, 0)['id']}-asset.json"

    def _record(self, region: Any, size: tuple[int, int] | None) -> Any:
        if not isinstance(region, dict) or not region:
            return region
        region = dict(region)
        self._n += 1
        raw = self._first(region, size) if self.version == 1 else self._second(region)
        return raw | {key: value for key, value in region.items() if key not in ("corners", "points", "tags", "type")}

    def _first(self, region: dict[str, Any], size: tuple[int, int] | None) -> dict[str, Any]:
        corners = region.get("corners") or _bounds(region["points"])
        box = dict(zip(("x1", "y1", "x2", "y2"), corners, strict=True))
        points = {"points": [{"x": x, "y": y} for x, y in region["points"]]} if "points" in region else {}
        recorded = {"width": size[0], "height": size[1]} if size else {}
        head = {**box, **recorded, "box": box, **points, "UID": f"{self._n:08x}"}
        return {**head, "id": self._n, "type": region["type"], "tags": region["tags"], "name": 1}

    def _second(self, region: dict[str, Any]) -> dict[str, Any]:
        left, top, right, bottom = region.get("corners") or _bounds(region["points"])
        points = region.get("points") or ((left, top), (right, top), (right, bottom), (left, bottom))
        box = {"height": _minus(bottom, top), "width": _minus(right, left), "left": left, "top": top}
        kind = "RECTANGLE" if region["type"] == "rect" else str(region["type"]).upper()
        head = {"id": f"r{self._n}", "type": kind, "tags": region["tags"], "boundingBox": box}
        return {**head, "points": [{"x": x, "y": y} for x, y in points]}


def _bounds(points: Iterable[tuple[Any, Any]]) -> Corners:
    xs, ys = zip(*points, strict=True)
    return min(xs), min(ys), max(xs), max(ys)


def _minus(a: Any, b: Any) -> Any:
    numbers = all(isinstance(value, (int, float)) for value in (a, b))
    return a - b if numbers else a if not isinstance(a, (int, float)) else b


class Desk:
    """A store, and what a person does with it."""

    def __init__(self, folder: Path, template: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        shutil.copy(template, folder / "store.sqlite3")
        url = f"sqlite:///{folder / 'store.sqlite3'}"
        self.folder = folder
        self.ws = Workspace(
            Settings(data=folder, database_url=url),
            Database(url),
            Blobs(folder / "blobs"),
            Registry(folder / "plugins"),
        )

    def take(self, path: Path, **options: Any) -> Imported:
        """Import; every finding must have its sentence in both languages, with all of its fields."""
        done = import_path(self.ws, "p", path, IntakeOptions(read=ReadOptions(**options)))
        for finding in done.findings:
            told(finding)
        return done

    def documents(self) -> dict[str, Document]:
        with self.ws.db.read() as tx:
            labels = projects.labels(tx, "p")
            return {c.document.image.name: c.document for c in revisions.current(tx, "p", labels)}

    def darknet(self) -> tuple[dict[str, list[tuple[Any, ...]]], list[Finding]]:
        """The boxes that darknet would get, by picture, rounded to whole pixels; and what was said."""
        out = self.folder / "darknet"
        found = export(self.ws, "p", "yolo", out, WriteOptions("copy"), allow_loss=True)
        for finding in found:
            told(finding)
        drawn = Yolo().read(out, ReadOptions()).documents
        return {
            d.image.name: [(*r.labels, *(round(v) for point in r.points for v in point)) for r in d.regions]
            for d in drawn
            if d.regions is not None
        }, found


def told(finding: Finding) -> str:
    """The English sentence; both languages must have one, and all of its fields must be filled."""
    sentences = [render("findings", finding.rule, finding.fields, language) for language in LANGUAGES]
    for sentence in sentences:
        assert not sentence.startswith(f"{finding.rule} "), finding
        assert not re.search(r"\{\w+\}", sentence), finding
    return sentences[0]


def of(done: Imported | Iterable[Finding], image: str | None = None, *, quiet: Iterable[str] = ()) -> list[str]:
    """Rules that were found, of one picture or of all; quiet are left out."""
    found = done.findings if isinstance(done, Imported) else tuple(done)
    return sorted(f.rule for f in found if f.rule not in quiet and (image is None or f.image == image))


def only(done: Imported | Iterable[Finding], rule: str, image: str | None = None) -> Finding:
    """The one finding of a rule (about a picture)."""
    found = done.findings if isinstance(done, Imported) else tuple(done)
    [one] = [f for f in found if f.rule == rule and (image is None or f.image == image)]
    return one


def old(path: Path) -> Path:
    """The file as if it had been written long ago, so that nobody is still writing it."""
    os.utime(path, ns=(10**18, 10**18))
    return path
