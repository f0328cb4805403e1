"""Where a region lies by what VoTT keeps twice, its box and its points; and what is told where the two disagree."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from bridge.model.annotation import Point
from bridge.model.finding import Severity
from plugins.formats.pixels import AGREE, finite
from plugins.formats.vott2.asset import Record
from plugins.formats.vott2.plain import ROUNDING

Flaw = tuple[str, Severity, dict[str, Any]]
Corners = tuple[Point, Point]


def outline(raw: Record, least: int) -> tuple[tuple[Point, ...] | None, tuple[Flaw, ...]]:
    """The points of any shape but a rectangle, at least so many; the box beside them should be the one around them."""
    points, box = _points(raw.get("points"), least), _corners(raw.get("boundingBox"))
    return points, _unlike(_bounds(points), box) if points and box else ()


def rectangle(raw: Record) -> tuple[tuple[Point, ...] | None, tuple[Flaw, ...]]:
    """Corners of a rectangle, from its box; from its points where it has none or they say otherwise."""
    corners, points = _corners(raw.get("boundingBox")), _points(raw.get("points"))
    if points is None or len(points) < 2:
        return corners, ()
    bounds = _bounds(points)
    if corners is None:
        return bounds, ()
    if found := _unlike(bounds, corners):
        return bounds, found
    near = all(abs(p - q) <= ROUNDING for p, q in zip(corners[1], bounds[1], strict=True))
    return (corners[0], bounds[1]) if near else corners, ()


def _corners(box: object) -> Corners | None:
    if not isinstance(box, dict):
        return None
    left, top = finite(box.get("left")), finite(box.get("top"))
    width, height = finite(box.get("width")), finite(box.get("height"))
    if left is None or top is None or width is None or height is None:
        return None
    return ((left, top), (left + width, top + height))


def _points(raw: object, least: int = 0) -> tuple[Point, ...] | None:
    points = []
    for point in raw if isinstance(raw, list) else ():
        x, y = (finite(point.get("x")), finite(point.get("y"))) if isinstance(point, dict) else (None, None)
        if x is None or y is None:
            return None
        points.append((x, y))
    return tuple(points) if len(points) >= max(least, 1) else None


def _bounds(points: Sequence[Point]) -> Corners:
    xs, ys = [p[0] for p in points], [p[1] for p in points]
    return (min(xs), min(ys)), (max(xs), max(ys))


def _unlike(bounds: Corners, corners: Corners) -> tuple[Flaw, ...]:
    """The flaw that box and points are further apart than by rounding."""
    boxed = _bounds(corners)
    if all(abs(p - q) <= AGREE for a, b in zip(boxed, bounds, strict=True) for p, q in zip(a, b, strict=True)):
        return ()
    return (("disagreement", Severity.WARNING, {"case": "box", "ours": _text(bounds), "theirs": _text(boxed)}),)


def _text(corners: Corners) -> str:
    return ", ".join(f"{value:g}" for point in corners for value in point)
