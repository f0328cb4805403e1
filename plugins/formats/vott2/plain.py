"""Asset files exactly as VoTT writes them: tagged rectangles and nothing else.

Nearly all are so, and there may be ten thousand of them with a million rectangles. They are decoded straight into
fields, which also checks them; whatever differs in any way is read the long way, which says what differs.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import msgspec

from bridge.model.rectangles import Rectangles
from plugins.formats.pixels import MOST

# Where in extra we keep what VoTT wrote.
KEY = "vott"
# What adding left and width may be off: then the far point says what was meant.
ROUNDING = 1e-6


class _Point(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    x: float
    y: float


class _Box(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    left: float
    top: float
    width: float
    height: float


class _Region(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    id: str
    type: str
    tags: list[str]
    boundingBox: _Box
    points: tuple[_Point, _Point, _Point, _Point]


class _Asset(msgspec.Struct, forbid_unknown_fields=True):
    asset: msgspec.Raw
    regions: list[_Region]
    version: Any = None


_IS_MARK = re.compile("lb-").match
_DECODER = msgspec.json.Decoder(_Asset)


@dataclass(frozen=True, slots=True)
class Plain:
    """A plain asset file: its rectangles, in the pixels of its numbers, and the rest of it."""

    regions: Rectangles
    _asset: msgspec.Raw
    _version: Any

    def rest(self) -> dict[str, Any]:
        """The other fields, in the order in which VoTT writes them."""
        return {"asset": msgspec.json.decode(self._asset), "version": self._version}


def read_plain(path: str, max_megabytes: int, extras: bool) -> Plain | None:
    """An asset file that holds tagged rectangles only; None for any other.

    extras asks for what VoTT's numbers say beyond the corners, for the way back.
    """
    try:
        handle = os.open(path, os.O_RDONLY | getattr(os, "O_BINARY", 0) | getattr(os, "O_NONBLOCK", 0))
        try:
            size = os.fstat(handle).st_size
            data = os.read(handle, size + 1) if size <= max_megabytes * 1_000_000 else b""
        finally:
            os.close(handle)
        raw = _DECODER.decode(data)
    except (OSError, ValueError, msgspec.DecodeError, RecursionError):
        return None
    in_order = not extras or (data.rfind(b"]") < data.rfind(b'"version"') and data.find(b'"asset"') < data.find(b"["))
    regions = _rectangles(raw.regions, extras) if raw.regions and in_order else None
    return Plain(regions, raw.asset, raw.version) if regions is not None else None


def _rectangles(records: list[_Region], extras: bool) -> Rectangles | None:
    left: list[float] = []
    top: list[float] = []
    right: list[float] = []
    bottom: list[float] = []
    for record in records:
        box, (near, upper, far, lower) = record.boundingBox, record.points
        a, b, c, d = box.left, box.top, far.x, far.y
        if not (
            near.x == a == lower.x
            and near.y == b == upper.y
            and upper.x == c
            and lower.y == d
            and -ROUNDING <= a + box.width - c <= ROUNDING
            and -ROUNDING <= b + box.height - d <= ROUNDING
            and box.width >= 0
            and box.height >= 0
            and a > -MOST
            and b > -MOST
            and c < MOST
            and d < MOST
            and record.type == "RECTANGLE"
        ):
            return None
        left.append(a)
        top.append(b)
        right.append(c)
        bottom.append(d)
    labels = tuple([_one_copy(tuple(record.tags)) for record in records])
    ids = tuple([record.id for record in records])
    # Regions without tags or id are the long way's to tell of, and an id that begins so may be a model's.
    if () in labels or any("" in tags for tags in set(labels)) or "" in ids or any(map(_IS_MARK, ids)):
        return None
    kept = tuple(map(_beyond, records)) if extras else ()
    return Rectangles(labels, tuple(left), tuple(top), tuple(right), tuple(bottom), ids, kept)


def _beyond(record: _Region) -> dict[str, Any]:
    """Width, height and far corner, where width and height are not exactly between the corners."""
    box, far = record.boundingBox, record.points[2]
    exact = box.width == far.x - box.left and box.height == far.y - box.top
    return {} if exact else {KEY: (box.width, box.height, far.x, far.y)}


@lru_cache(maxsize=4096)
def _one_copy(labels: tuple[str, ...]) -> tuple[str, ...]:
    """The same object for equal labels, of which a project has a million."""
    return labels
