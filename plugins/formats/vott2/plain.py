"""Asset files exactly as VoTT writes them: tagged rectangles and nothing else.

Nearly all are so, and there may be ten thousand of them with a million rectangles. They are decoded straight into
fields, which also checks them; whatever differs in any way is read the long way, which says what differs.
"""

from __future__ import annotations

import os

import msgspec

from bridge.model.annotation import Region

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


_DECODER = msgspec.json.Decoder(_Asset)


def plain_regions(path: str, max_megabytes: int) -> tuple[Region, ...] | None:
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
    regions = []
    shared: dict[tuple[str, ...], tuple[str, ...]] = {}
    for record in raw.regions:
        box, tags = record.boundingBox, tuple(record.tags)
        left, top, width, height = box.left, box.top, box.width, box.height
        first, second, third, fourth = record.points
        right, bottom = left + width, top + height
        if not (
            first.x == left == fourth.x
            and first.y == top == second.y
            and second.x == third.x
            and fourth.y == third.y
            and -AGREE <= right - third.x <= AGREE
            and -AGREE <= bottom - third.y <= AGREE
            and width >= 0
            and height >= 0
            and tags
            and "" not in tags
            and record.type == "RECTANGLE"
            and record.id[:3] != "lb-"  # Perhaps a model's.
        ):
            return None
        if -ROUNDING <= right - third.x <= ROUNDING and -ROUNDING <= bottom - third.y <= ROUNDING:
            right, bottom = third.x, third.y
        regions.append(Region("rectangle", ((left, top), (right, bottom)), shared.setdefault(tags, tags), record.id))
    return tuple(regions)
