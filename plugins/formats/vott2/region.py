"""One region of an asset file: VoTT's record on one side, our noun on the other, in the pixels that VoTT shows.

What VoTT writes is rebuilt from the noun alone. Where that would not give the same record, extra["vott"] keeps for
the way back what is missing: width, height and far corner where they differ from each other in the last digit (VoTT
scales each by itself), or the whole record (unknown fields, other point order, what cannot be understood).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from bridge.model.annotation import Kind, Point, Region
from bridge.model.finding import Severity
from plugins.formats.pixels import AGREE, MOST
from plugins.formats.shapes import KINDS, SHOWN
from plugins.formats.vott2.asset import Record
from plugins.formats.vott2.outline import Flaw, outline, rectangle
from plugins.formats.vott2.plain import KEY, ROUNDING

# In a project's extra: the asset files that belong to no picture.
FILES = "vott-files"
LOST: Any = object()

_TYPES = {"rectangle": "RECTANGLE", "polygon": "POLYGON", "polyline": "POLYLINE", "point": "POINT"}
_LEAST_POINTS = {"polygon": 3, "polyline": 2, "point": 1}

_NUMBERS, _TEXT = {int, float}, {str}

_ELLIPSE_CORNERS = 32


def read_region(raw: Any) -> tuple[Region, tuple[Flaw, ...]]:
    """A region and what is wrong with it; one that cannot be understood is kept as kind "damaged"."""
    if type(raw) is not dict:
        return Region("damaged", (), extra={KEY: raw}), ()
    region = _usual(raw)
    return (region, ()) if region is not None else _unusual(raw)


def _usual(raw: Record) -> Region | None:
    """A tagged rectangle exactly as VoTT writes it; nearly all regions are, and there may be a million of them."""
    try:
        region_id, box, tags, far = raw["id"], raw["boundingBox"], raw["tags"], raw["points"][2]
        sides = box["left"], box["top"], box["width"], box["height"], far["x"], far["y"]
        if type(region_id) is not str or not region_id or not set(map(type, sides)) <= _NUMBERS:
            return None
        if not tags or not set(map(type, tags)) <= _TEXT or not all(tags) or raw != _record(region_id, tags, *sides):
            return None
        left, top, width, height, right, bottom = map(float, sides)
    except (KeyError, TypeError, IndexError, OverflowError):
        return None
    far = (left + width, top + height)
    off = max(abs(far[0] - right), abs(far[1] - bottom))
    is_sound = max(map(abs, (left, top, right, bottom))) < MOST  # Also where one is not a number.
    if not (is_sound and off <= AGREE and width >= 0 and height >= 0):
        return None
    far = (right, bottom) if off <= ROUNDING else far
    exact = far == (right, bottom) and (width, height) == (right - left, bottom - top)
    return Region("rectangle", ((left, top), far), tuple(tags), region_id, extra={} if exact else {KEY: sides[2:]})


def _unusual(raw: Record) -> tuple[Region, tuple[Flaw, ...]]:
    """Any other region; its record is kept unless VoTT would write it so."""
    labels, region_id = _labels(raw.get("tags")), raw.get("id")
    region_id = region_id if isinstance(region_id, str) and region_id else None
    kind, flaws = _kind(raw.get("type"))
    flaws += _tag_flaws(raw.get("tags"), labels)
    points, found = rectangle(raw) if kind == "rectangle" else outline(raw, _LEAST_POINTS[kind])
    if points is None:
        return Region("damaged", (), labels, region_id, extra={KEY: raw}), ()
    region = Region(kind, points, labels, region_id)
    # One without an id keeps having none until it is changed.
    as_written = region_id is not None and raw == render_region(region, region_id)
    kept = region if as_written else replace(region, extra={KEY: raw})
    return kept, (*flaws, *found)


def _kind(type_: object) -> tuple[Kind, tuple[Flaw, ...]]:
    """The kind of a region; one that nobody has heard of is what its box says."""
    kind = KINDS.get(type_.lower() if isinstance(type_, str) else "")
    if kind is not None:
        return kind, ()
    return "rectangle", (("unknown-kind", Severity.WARNING, {"type": str(type_)[:SHOWN]}),)


def _tag_flaws(raw: object, labels: tuple[str, ...]) -> tuple[Flaw, ...]:
    """That there is no tag, and what stands among the tags and is none."""
    tags = raw if isinstance(raw, list) else [] if raw is None else [raw]
    bad = [tag for tag in tags if tag != "" and not _labels([tag])]
    fields = {"labels": ", ".join(labels), "tags": ", ".join(map(str, bad))[:SHOWN]}
    found: tuple[Flaw, ...] = (("bad-tag", Severity.WARNING, fields),) if bad else ()
    return found if labels else (("untagged", Severity.ERROR, {}), *found)


def _labels(tags: object) -> tuple[str, ...]:
    """Tag names, a single text being one; the first preview of version 2 wrote objects with a name."""
    if not isinstance(tags, list):
        return (tags,) if isinstance(tags, str) and tags else ()
    names = (tag.get("name") if isinstance(tag, dict) else tag for tag in tags)
    return tuple(name for name in names if isinstance(name, str) and name)


def _drawn(kind: Kind, region_id: str | None, labels: Sequence[str], points: tuple[Point, ...]) -> Record:
    """The record of any shape."""
    xs, ys = [p[0] for p in points], [p[1] for p in points]
    left, top = (xs[0], ys[0]) if kind == "rectangle" else (min(xs), min(ys))
    right, bottom = (xs[1], ys[1]) if kind == "rectangle" else (max(xs), max(ys))
    record = _record(region_id, labels, left, top, right - left, bottom - top, right, bottom)
    if kind == "rectangle":
        return record
    return record | {"type": _TYPES[kind], "points": [{"x": x, "y": y} for x, y in points]}


def _record(
    region_id: str | None,
    labels: Sequence[str],
    left: float,
    top: float,
    width: float,
    height: float,
    right: float,
    bottom: float,
) -> Record:
    """The record of a rectangle as VoTT writes it, key by key."""
    return {
        "id": region_id,
        "type": "RECTANGLE",
        "tags": list(labels),
        "boundingBox": {"height": height, "width": width, "left": left, "top": top},
        "points": [{"x": left, "y": top}, {"x": right, "y": top}, {"x": right, "y": bottom}, {"x": left, "y": bottom}],
    }


def render_region(region: Region, region_id: str) -> Any:
    """VoTT's record of a region; LOST where VoTT has no shape for it and no record was kept.

    A kept record is used as it is while it still says the same, else its unknown fields go into a new one.
    """
    kept = region.extra.get(KEY)
    if isinstance(kept, dict):
        said, _ = read_region(kept)
        if (said.kind, said.labels) == (region.kind, region.labels) and _same(said.points, region.points):
            return kept
    elif region.kind == "damaged" and KEY in region.extra:
        return kept  # Not even an object; it goes back as it came.
    drawn = drawable(region)
    if drawn is None:
        return LOST
    if isinstance(kept, (list, tuple)) and len(kept) == 4 and _same(_from_sides(drawn, kept), drawn.points):
        return _record(region_id, drawn.labels, *drawn.points[0], *kept)
    record = _drawn(drawn.kind, region_id, drawn.labels, drawn.points)
    return {**kept, **record} if isinstance(kept, dict) else record


def _from_sides(region: Region, kept: Sequence[float]) -> tuple[Point, ...]:
    """The corners that the kept width and height give."""
    left, top = region.points[0]
    return ((left, top), (left + kept[0], top + kept[1]))


def _same(a: tuple[Point, ...], b: tuple[Point, ...]) -> bool:
    """Whether the points are equal but for what turning or scaling them there and back does to the last digits."""
    if a == b:
        return True
    pairs = zip(a, b, strict=True) if len(a) == len(b) else ()
    return len(a) == len(b) and all(abs(p[0] - q[0]) < 1e-6 and abs(p[1] - q[1]) < 1e-6 for p, q in pairs)


def drawable(region: Region) -> Region | None:
    """The region in a shape that VoTT has: ellipses and turned boxes become polygons; None where there is no shape."""
    if region.kind == "rectangle" and region.box is not None:
        box = region.box  # VoTT draws nothing for corners out of order.
        return Region(region.kind, ((box.left, box.top), (box.right, box.bottom)), region.labels)
    if region.kind in _TYPES and region.points:
        return region
    if region.kind == "rotated" and region.points:
        return Region("polygon", region.points, region.labels)
    if region.kind == "ellipse" and len(region.points) == 4:
        return Region("polygon", _ellipse(region.points), region.labels)
    return None


def _ellipse(ends: tuple[Point, ...]) -> tuple[Point, ...]:
    (ax, ay), (bx, by), (cx, cy), _ = ends
    x, y = (ax + cx) / 2, (ay + cy) / 2
    turns = (2 * math.pi * n / _ELLIPSE_CORNERS for n in range(_ELLIPSE_CORNERS))
    return tuple(
        (x + (ax - x) * math.cos(t) + (bx - x) * math.sin(t), y + (ay - y) * math.cos(t) + (by - y) * math.sin(t))
        for t in turns
    )
