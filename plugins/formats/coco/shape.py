"""Annotations of one region ↔ the region: one annotation per label, tied together under the key labelbridge."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import inf
from typing import Any, cast

from bridge.model.annotation import Box, Image, Kind, Point, Region, content_hash
from plugins.formats.grid import Grid
from plugins.formats.pixels import finite, snap

# The name under which regions and pictures keep what only COCO says, and the key of what only we say.
EXTRA = "coco"
OURS = "labelbridge"

_KNOWN = frozenset({"id", "image_id", "category_id", "bbox", OURS})
_SLACK = 0.01  # Other programs round.

# Fewest and most points of each kind.
_COUNTS: dict[str, tuple[float, float]] = {
    "rectangle": (2, 2),
    "polygon": (1, inf),
    "polyline": (1, inf),
    "point": (1, 1),
    "ellipse": (4, 4),
    "rotated": (4, 4),
    "brush": (0, inf),
    "damaged": (0, inf),
}


def region_of(annotations: Sequence[dict[str, Any]], labels: tuple[str, ...], grid: Grid) -> Region:
    """The region that these annotations (one per label) stand for."""
    first = annotations[0]
    kind, points = _shape(first)
    ours = first.get(OURS)
    own = ours.get("id") if isinstance(ours, dict) else None
    placed = grid.stored_corners(points) if kind == "rectangle" else grid.stored(points)
    rests = [{key: value for key, value in a.items() if key not in _KNOWN} for a in annotations]
    extra = {EXTRA: {"bbox": first.get("bbox"), "annotations": rests}}
    return Region(kind, placed, labels, own if isinstance(own, str) else None, extra=extra)


def bare_region(raw: Mapping[str, Any]) -> Region | None:
    """A region that has no annotation (no box, or no label), as we wrote it beside its picture."""
    shape, labels, own = _own_shape(raw), raw.get("labels"), raw.get("id")
    if shape is None or not isinstance(labels, list):
        return None
    kept = raw.get("kept")
    extra = {EXTRA: kept if isinstance(kept, dict) else {}}
    return Region(*shape, tuple(map(str, labels)), own if isinstance(own, str) else None, extra=extra)


def again_of(region: Region) -> Region | None:
    """The region as it would be read back; None where it would not."""
    annotations = annotations_of(region, 0)
    if not annotations:
        return bare_region(bare_of(region, 0))
    return region_of(annotations, region.labels, Grid(Image("")))


def annotations_of(region: Region, index: int) -> list[dict[str, Any]]:
    """One annotation per label, without ids; none for a region without a box or a label."""
    box = region.box
    if box is None:
        return []
    bbox = [_number(v) for v in (box.left, box.top, box.width, box.height)]
    ours: dict[str, Any] = {"region": index} | ({"id": region.region_id} if region.region_id else {})
    segmentation = [[_number(v) for point in region.points for v in point]] if region.kind == "polygon" else []
    common = {"bbox": bbox, "area": _number(bbox[2] * bbox[3]), "iscrowd": 0, "segmentation": segmentation}
    if not _equal(Region(*_shape(common)), region):
        ours |= {"kind": region.kind, "points": [list(point) for point in region.points]}
    rests = _rests(region, bbox)
    return [{**common, **rests.get(i, rests.get(0, {})), OURS: ours} for i in range(len(region.labels))]


def bare_of(region: Region, index: int) -> dict[str, Any]:
    """What is written beside the picture for a region without a box or a label."""
    points = [list(point) for point in region.points]
    own = {"id": region.region_id} if region.region_id else {}
    kept = {"kept": region.extra[EXTRA]} if region.extra.get(EXTRA) else {}  # What stood in its annotation.
    return {"region": index, "kind": region.kind, "points": points, "labels": list(region.labels), **own, **kept}


def _equal(plain: Region, region: Region) -> bool:
    """Whether the shape alone is the same to all who compare labels."""
    return content_hash("", 0, 0, [plain]) == content_hash("", 0, 0, [Region(region.kind, region.points)])


def _rests(region: Region, bbox: list[float | int]) -> dict[int, dict[str, Any]]:
    """The fields we do not know, by label; mask and area only while the box is still the one they were made for."""
    kept = region.extra.get(EXTRA, {})
    old, new = _box(kept.get("bbox")), _box(bbox)
    same = old is not None and new is not None and _near(old, new)
    dropped = {"segmentation"} if region.kind == "polygon" else set()
    dropped |= set() if same else {"segmentation", "area"}
    return {
        i: {key: value for key, value in rest.items() if key not in dropped}
        for i, rest in enumerate(kept.get("annotations", ()))
    }


def _shape(annotation: Mapping[str, Any]) -> tuple[Kind, tuple[Point, ...]]:
    """Kind and points: what we wrote ourselves if its box still is the annotation's, a single outline, else the box."""
    box, outline = _box(annotation.get("bbox")), _outline(annotation.get("segmentation"))
    ours = _own_shape(annotation.get(OURS))
    if ours and box and _near(Region(*ours).box, box):
        return ours
    if outline and not (box and _is_rectangle(outline, box)):
        return "polygon", outline
    return ("rectangle", ((box.left, box.top), (box.right, box.bottom))) if box else ("damaged", ())


def _own_shape(ours: object) -> tuple[Kind, tuple[Point, ...]] | None:
    """Kind and points as we wrote them ourselves; None if anything of it is not as we write it."""
    kind, points = (ours.get("kind"), _points(ours.get("points"))) if isinstance(ours, Mapping) else (None, None)
    if not isinstance(kind, str) or kind not in _COUNTS or points is None:
        return None
    least, most = _COUNTS[kind]
    return (cast(Kind, kind), points) if least <= len(points) <= most else None


def _box(bbox: object) -> Box | None:
    numbers = [finite(v) for v in bbox] if isinstance(bbox, (list, tuple)) else []
    if len(numbers) != 4 or None in numbers:
        return None
    x, y, width, height = (float(v or 0) for v in numbers)
    return Box(x, y, snap(x + width), snap(y + height))


def _outline(segmentation: object) -> tuple[Point, ...]:
    """The points of a segmentation that is one polygon; a mask or several parts are no outline."""
    if not isinstance(segmentation, list) or len(segmentation) != 1 or not isinstance(segmentation[0], list):
        return ()
    numbers = [finite(v) for v in segmentation[0]]
    if len(numbers) < 6 or len(numbers) % 2 or None in numbers:
        return ()
    values = [float(v or 0) for v in numbers]
    return tuple(zip(values[::2], values[1::2], strict=True))


def _points(raw: object) -> tuple[Point, ...] | None:
    """Pairs of numbers; None if one of them is something else."""
    points: list[Point] = []
    for pair in raw if isinstance(raw, list) else [None]:
        x, y = (finite(pair[0]), finite(pair[1])) if isinstance(pair, list) and len(pair) == 2 else (None, None)
        if x is None or y is None:
            return None
        points.append((x, y))
    return tuple(points)


def _is_rectangle(outline: tuple[Point, ...], box: Box) -> bool:
    """Whether an outline is only the box again, as some programs write it for every box."""
    corners = {(box.left, box.top), (box.right, box.top), (box.right, box.bottom), (box.left, box.bottom)}
    near = [min(corners, key=lambda c: abs(c[0] - x) + abs(c[1] - y)) for x, y in outline]
    return set(near) == corners and all(
        abs(c[0] - x) <= _SLACK and abs(c[1] - y) <= _SLACK for c, (x, y) in zip(near, outline, strict=True)
    )


def _near(a: Box | None, b: Box) -> bool:
    if a is None:
        return False
    gaps = (a.left - b.left, a.top - b.top, a.right - b.right, a.bottom - b.bottom)
    return max(map(abs, gaps)) <= _SLACK


def _number(value: float) -> float | int:
    return int(value) if value % 1 == 0 else value
