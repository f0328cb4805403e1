"""Regions as shapes over a picture; numbers are pixels of the picture as stored."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bridge.model.annotation import Region

_NO_LABEL = "#c8c8c8"


@dataclass(frozen=True, slots=True)
class Shape:
    """One region to draw: kind of element with its path, and where a name can stand: left end, above and below."""

    index: int
    kind: str
    path: str
    x: float
    y: float
    foot: float
    name: str
    colour: str
    score: float | None
    dashed: bool
    place: str


def shapes(regions: Sequence[Region], colours: Mapping[str, str], dashed: bool = False) -> list[Shape]:
    """What can be drawn of these regions, numbered by their place in the picture; damaged ones cannot."""
    found = [_shape(index, region, colours, dashed) for index, region in enumerate(regions)]
    return [shape for shape in found if shape is not None]


def _shape(index: int, region: Region, colours: Mapping[str, str], dashed: bool) -> Shape | None:
    points = region.points
    if not points or not all(math.isfinite(c) for point in points for c in point) or region.kind == "damaged":
        return None
    kind, path = _drawn(region)
    name = ", ".join(region.labels) or "?"
    colour = colours.get(region.labels[0], _NO_LABEL) if region.labels else _NO_LABEL
    corner = (min(p[0] for p in points), min(p[1] for p in points), max(p[1] for p in points))
    x, y, foot = (round(c, 1) for c in corner)
    return Shape(index, kind, path, x, y, foot, name, colour, region.score, dashed, _place(region))


def _drawn(region: Region) -> tuple[str, str]:
    points = region.points
    if region.kind == "rectangle" and region.box is not None:
        box = region.box
        return "path", _line(
            [(box.left, box.top), (box.right, box.top), (box.right, box.bottom), (box.left, box.bottom)]
        )
    if region.kind == "point":
        x, y = points[0]
        return "point", f"M{x - 0.01:.2f} {y:.2f}h.02"  # A line without length, made round by its caps.
    if region.kind == "ellipse":
        return "path", _ellipse(region)
    return "path", _line(points, closed=region.kind != "polyline")


def _line(points: Sequence[tuple[float, float]], closed: bool = True) -> str:
    return "M" + "L".join(f"{x:.2f} {y:.2f}" for x, y in points) + ("Z" if closed else "")


def _ellipse(region: Region) -> str:
    """Two half turns around the ends of the first axis."""
    (ax, ay), (bx, by), (cx, cy), (dx, dy) = region.points
    a, b = math.dist((ax, ay), (cx, cy)) / 2, math.dist((bx, by), (dx, dy)) / 2
    turn = math.degrees(math.atan2(ay - cy, ax - cx))
    half = f"A{a:.2f} {b:.2f} {turn:.2f} 0 1"
    return f"M{ax:.2f} {ay:.2f}{half} {cx:.2f} {cy:.2f}{half} {ax:.2f} {ay:.2f}Z"


def _place(region: Region) -> str:
    """Where it is and how large, for the list beside the picture."""
    box = region.box
    if box is None:
        return f"{region.points[0][0]:.0f}, {region.points[0][1]:.0f}"
    return f"{box.left:.0f}, {box.top:.0f} · {box.width:.0f} × {box.height:.0f}"
