"""Asset files exactly as VoTT writes them: tagged rectangles and nothing else.

Nearly all are so, and there may be ten thousand of them with a million rectangles. They are decoded straight into
fields, which also checks them; whatever differs in any way is read the long way, which says what differs.
"""

from __future__ import annotations

import os
import re
from functools import lru_cache

import msgspec

from bridge.model.rectangles import Rectangles

# Box and points of one rectangle may differ by rounding; beyond this many pixels one of them is wrong.
AGREE = 1.0
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


class _Asset(msgspec.Struct, gc=False):
    regions: list[_Region]


_IS_MARK = re.compile("lb-").match
_DECODER = msgspec.json.Decoder(_Asset)


def plain_regions(path: str, max_megabytes: int) -> Rectangles | None:
    """The rectangles of an asset file, in the pixels of its numbers; None where it holds anything else."""
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
    return _rectangles(raw.regions)


def _rectangles(records: list[_Region]) -> Rectangles | None:
    boxes = [record.boundingBox for record in records]
    left, top = [box.left for box in boxes], [box.top for box in boxes]
    right, bottom = [box.left + box.width for box in boxes], [box.top + box.height for box in boxes]
    for record, x, y, far_x, far_y in zip(records, left, top, right, bottom, strict=True):
        first, second, third, fourth = record.points
        if not (
            first.x == x == fourth.x
            and first.y == y == second.y
            and second.x == third.x
            and fourth.y == third.y
            and abs(far_x - third.x) <= AGREE
            and abs(far_y - third.y) <= AGREE
            and x <= far_x
            and y <= far_y
            and record.type == "RECTANGLE"
        ):
            return None
    labels = tuple([_one_copy(tuple(record.tags)) for record in records])
    ids = tuple([record.id for record in records])
    # An untagged region is the long way's to tell of, and an id that begins so may be a model's.
    if () in labels or any("" in tags for tags in set(labels)) or any(map(_IS_MARK, ids)):
        return None
    return Rectangles(labels, tuple(left), tuple(top), tuple(right), tuple(bottom), ids)


@lru_cache(maxsize=4096)
def _one_copy(labels: tuple[str, ...]) -> tuple[str, ...]:
    """The same object for equal labels, of which a project has a million."""
    return labels
