"""What a person drew: pictures, boxes, regions and the revisions that hold them."""

from __future__ import annotations

import hashlib
import math
import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from functools import lru_cache
from typing import Any, Literal

from bridge.model.finding import Finding

Point = tuple[float, float]
Kind = Literal["rectangle", "polygon", "polyline", "point", "ellipse", "rotated", "brush", "damaged"]

# Kinds that darknet can be given a box of; the others are kept and reported, never trained on.
BOXED: frozenset[str] = frozenset({"rectangle", "polygon", "polyline", "ellipse", "rotated"})


class State(StrEnum):
    """What is known of a picture; only REVIEWED_EMPTY may become a negative example."""

    UNKNOWN = "unknown"
    REVIEWED_EMPTY = "reviewed-empty"
    LABELLED = "labelled"


# Places are compared to 1/1000 px; a side below that is none.
LEAST_SIDE = 1e-3


@dataclass(frozen=True, slots=True)
class Box:
    """An axis-aligned bounding box in float pixels, top-left origin, corner to corner."""

    left: float
    top: float
    right: float
    bottom: float

    @property
    def width(self) -> float:
        """Width in pixels."""
        return self.right - self.left

    @property
    def height(self) -> float:
        """Height in pixels."""
        return self.bottom - self.top

    def clipped(self, width: float, height: float) -> Box:
        """The part of the box inside a picture of width x height pixels."""
        return Box(
            min(max(self.left, 0.0), width),
            min(max(self.top, 0.0), height),
            min(max(self.right, 0.0), width),
            min(max(self.bottom, 0.0), height),
        )

    def inside(self, width: float, height: float) -> Box | None:
        """The part of the box in a picture of width x height that is an object; None where there is none.

        That is a pixel each way, or the box's full side if that is less; a side below 1/1000 px is none.
        """
        part = self.clipped(width, height)
        least_width, least_height = min(1.0, self.width), min(1.0, self.height)
        is_there = part.width >= max(least_width, LEAST_SIDE) and part.height >= max(least_height, LEAST_SIDE)
        return part if is_there else None


@dataclass(frozen=True, slots=True)
class Region:
    """One marked thing in a picture: its shape, its labels, and what the tool said beside.

    points are float pixels: a rectangle has two opposite corners as the tool wrote them; a rotated box its
    four corners; an ellipse the four ends of its axes (+a, +b, -a, -b). author is None for a person and
    "checkpoint:<id>" for a model. extra keeps every field we do not know, for the way back.
    """

    kind: Kind
    points: tuple[Point, ...]
    labels: tuple[str, ...] = ()
    region_id: str | None = None
    author: str | None = None
    score: float | None = None
    extra: dict[str, Any] = field(default_factory=dict)

    @property
    def box(self) -> Box | None:
        """The box darknet gets for this shape, corners in order; None where there is none."""
        if self.kind not in BOXED or not self.points:
            return None
        if self.kind == "ellipse":
            return _ellipse_bounds(self.points)
        if self.kind == "rectangle" and len(self.points) == 2:  # Nearly all are, and there may be a million.
            (left, top), (right, bottom) = self.points
            if left <= right and top <= bottom:
                return Box(left, top, right, bottom)
        xs = [p[0] for p in self.points]
        ys = [p[1] for p in self.points]
        return Box(min(xs), min(ys), max(xs), max(ys))

    @classmethod
    def rectangle(cls, box: Box, *labels: str, **rest: Any) -> Region:
        """A rectangle region of one box."""
        return cls("rectangle", ((box.left, box.top), (box.right, box.bottom)), tuple(labels), **rest)


def _ellipse_bounds(points: tuple[Point, ...]) -> Box:
    (ax, ay), (bx, by), (cx, cy), _ = points
    x, y = (ax + cx) / 2, (ay + cy) / 2
    # The bounds of the ellipse itself, not of its turned rectangle.
    half_w, half_h = math.hypot(ax - x, bx - x), math.hypot(ay - y, by - y)
    return Box(x - half_w, y - half_h, x + half_w, y + half_h)


@dataclass(frozen=True, slots=True)
class FileStamp:
    """Where a picture's bytes lie and how they looked when they were hashed."""

    path: str
    size: int
    mtime_ns: int


@dataclass(frozen=True, slots=True)
class Image:
    """One picture of a project; width and height are as stored in the file, without EXIF turn (0 = not known).

    name is the original name, decoded, relative to the image root, with "/". sha256 and file are None for
    missing pictures, video frames not extracted and remote ones not fetched. item is the tool's own id of it. format
    is what the file's first bytes say it is ("JPEG"), "" where nobody has looked.
    """

    name: str
    width: int = 0
    height: int = 0
    sha256: str | None = None
    orientation: int = 1
    file: FileStamp | None = None
    item: str | None = None
    id: int | None = None
    format: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class Document:
    """One picture's labels as a tool holds them; regions None means that nobody has looked at it yet.

    extra is what the tool wrote about this picture that we do not know. findings are what reading it showed.
    held_out is True or False where the tool (a darknet valid.txt) says so, else None. predictions are regions
    that a checkpoint wrote there and no person has touched: they are not labels. looked tells that a person has
    seen the picture in the tool since then.
    """

    image: Image
    regions: Sequence[Region] | None = None
    findings: tuple[Finding, ...] = ()
    extra: dict[str, Any] = field(default_factory=dict)
    held_out: bool | None = None
    author: str | None = None
    predictions: tuple[Region, ...] = ()
    looked: bool = False

    @property
    def state(self) -> State:
        """Unknown, reviewed-empty or labelled."""
        if self.regions is None:
            return State.UNKNOWN
        return State.LABELLED if self.regions else State.REVIEWED_EMPTY


@dataclass(frozen=True, slots=True)
class Label:
    """A class of a project; its id never changes, its name may.

    alias is the old name of a label that was renamed or merged: name is then that of the class it is read as now,
    and it is no class of its own.
    """

    id: int
    name: str
    color: str | None = None
    alias: str | None = None


@dataclass(frozen=True, slots=True)
class Revision:
    """One picture's complete set of regions at one time; append-only."""

    id: int
    image_id: int
    regions: tuple[Region, ...]
    content_hash: str
    at: str
    author: str
    source: str
    parent_id: int | None = None
    extra: dict[str, Any] = field(default_factory=dict)

    @property
    def state(self) -> State:
        """A revision is never unknown."""
        return State.LABELLED if self.regions else State.REVIEWED_EMPTY


def fold_name(name: str) -> str:
    """The form in which picture names are compared: NFC (macOS writes NFD)."""
    return name if name.isascii() else unicodedata.normalize("NFC", name)


def content_hash(name: str, width: int, height: int, regions: Iterable[Region]) -> str:
    """SHA-256 over name, size, state and regions; ids, extra, author and time do not count.

    Points count to 1e-3 px and the order of regions does not, so that reading the same labels again is equal.
    """
    return hash_lines(name, width, height, map(_content_line, regions))


def _content_line(region: Region) -> str:
    points = ";".join(f"{_milli(x)},{_milli(y)}" for x, y in region.points)
    return f"{region.kind}|{joined(region.labels)}|{points}"


def hash_lines(name: str, width: int, height: int, lines: Iterable[str]) -> str:
    """The hash of a picture whose regions give these lines: kind, labels and points in 1e-3 px."""
    lines = sorted(lines)
    state = State.LABELLED if lines else State.REVIEWED_EMPTY
    head = f"{fold_name(name)}\n{width}x{height}\n{state}\n"
    return hashlib.sha256((head + "\n".join(lines)).encode("utf-8", "surrogatepass")).hexdigest()


@lru_cache(maxsize=4096)
def joined(labels: tuple[str, ...]) -> str:
    """Label names, each once, so that one label with a comma in it is not taken for two."""
    return ",".join(sorted({_SEPARATOR.sub(lambda sign: f"\\{ord(sign[0])}", label) for label in labels}))


_SEPARATOR = re.compile(r"[,|\\\n]")


def _milli(value: float) -> str:
    try:
        return str(round(value * 1000))
    except (ValueError, OverflowError):
        return "nan"
