"""Percent of the picture as shown ↔ pixels of the picture as stored, shape by shape.

Label Studio's numbers are percent of the picture after its EXIF turn. A box is turned clockwise about its top-left
corner, in pixels, not in percent. An ellipse has its centre, two radii (each in percent of its own side) and a turn.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bridge.model.annotation import Image, Kind, Point
from bridge.model.finding import Finding, Severity
from plugins.formats.exif import shown_size, to_shown, to_stored, upright
from plugins.formats.grid import fits, same_size
from plugins.formats.pixels import finite, snapped

Shape = tuple[Kind, tuple[Point, ...]]


@dataclass(frozen=True, slots=True)
class Shown:
    """The picture as an annotator saw it: width and height in pixels, and whether that is after an EXIF turn."""

    image: Image
    width: float
    height: float
    turned: bool = False
    untouched: bool = False
    recorded: Point | None = None

    @property
    def orientation(self) -> int:
        """The EXIF turn between the stored and the shown picture; 1 for none."""
        return self.image.orientation if self.turned else 1

    def stored(self, points: tuple[Point, ...]) -> tuple[Point, ...]:
        """Points of the shown picture in pixels of the stored one."""
        return snapped(to_stored(points, self.image.width, self.image.height, self.orientation))

    def shown(self, points: tuple[Point, ...]) -> tuple[Point, ...]:
        """Points of the stored picture in pixels of the shown one."""
        return to_shown(points, self.image.width, self.image.height, self.orientation)

    def findings(self) -> list[Finding]:
        """What a person should know of the grid that was taken."""
        name, turn = self.image.name, {"orientation": self.image.orientation}
        found = [Finding("exif", Severity.INFO, name, turn)] if self.turned else []
        found += [Finding("exif-untouched", Severity.INFO, name, turn)] if self.untouched else []
        if self.recorded is not None and not fits(self.recorded, (round(self.width), round(self.height))):
            recorded = f"{self.recorded[0]:g}x{self.recorded[1]:g}"
            size = f"{self.width:g}x{self.height:g}"
            found.append(Finding("aspect", Severity.WARNING, name, {"recorded": recorded, "size": size}))
        return found


def shown_by(image: Image, original: Point | None) -> Shown:
    """How a picture was shown when results say that it was of the original size; image is unsized if not at hand.

    The page of Label Studio notes the size after the turn. A program that notes the stored size did not turn.
    """
    if not image.width or not image.height:
        width, height = original or (0.0, 0.0)
        return Shown(image, width, height)
    stored = (image.width, image.height)
    shown = shown_size(*stored, image.orientation)
    untouched = shown != stored and original is not None and same_size(original, stored)
    size = stored if untouched else shown
    turned = image.orientation != 1 and not untouched
    return Shown(image, *size, turned, untouched, original)


def original_size(item: Mapping[str, Any]) -> Point | None:
    """The size that a result says the picture has."""
    width, height = finite(item.get("original_width")), finite(item.get("original_height"))
    return (width, height) if width and height and width > 0 and height > 0 else None


# ------------------------------------------------------------ reading


def shape_of(shape: str, value: Mapping[str, Any], on: Shown) -> Shape:
    """Kind and points in pixels of the stored picture; damaged where a number is missing or is none."""
    readers = {"rectangle": _rectangle, "polygon": _polygon, "keypoint": _point, "ellipse": _ellipse}
    kind, points = readers[shape](value, on) if on.width and on.height else ("damaged", ())
    if kind == "rectangle":
        return kind, upright(points, on.stored(points), on.orientation)
    return kind, _canonical(kind, on.stored(points))


def _numbers(value: Mapping[str, Any], on: Shown, *keys: str) -> list[float] | None:
    """Percents as pixels; keys that are sizes or places along the height end in y, Y or height."""
    found = []
    for key in keys:
        number = finite(value.get(key))
        if number is None:
            return None
        found.append(number * (on.height if key in ("y", "height", "radiusY") else on.width) / 100)
    return found


def _rectangle(value: Mapping[str, Any], on: Shown) -> Shape:
    numbers = _numbers(value, on, "x", "y", "width", "height")
    rotation = finite(value.get("rotation", 0) or 0)
    if numbers is None or rotation is None:
        return "damaged", ()
    x, y, width, height = numbers
    if rotation % 360 == 0:
        return "rectangle", ((x, y), (x + width, y + height))
    corners = ((0.0, 0.0), (width, 0.0), (width, height), (0.0, height))
    return "rotated", tuple(_turned(corner, (x, y), rotation) for corner in corners)


def _turned(offset: Point, about: Point, degrees: float) -> Point:
    """A point at an offset from a centre, clockwise as seen (y grows downwards)."""
    cos, sin = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    return about[0] + offset[0] * cos - offset[1] * sin, about[1] + offset[0] * sin + offset[1] * cos


def _ellipse(value: Mapping[str, Any], on: Shown) -> Shape:
    numbers = _numbers(value, on, "x", "y", "radiusX", "radiusY")
    rotation = finite(value.get("rotation", 0) or 0)
    if numbers is None or rotation is None:
        return "damaged", ()
    x, y, a, b = numbers
    return "ellipse", tuple(_turned(end, (x, y), rotation) for end in ((a, 0.0), (0.0, b), (-a, 0.0), (0.0, -b)))


def _point(value: Mapping[str, Any], on: Shown) -> Shape:
    numbers = _numbers(value, on, "x", "y")
    return ("point", ((numbers[0], numbers[1]),)) if numbers else ("damaged", ())


def _polygon(value: Mapping[str, Any], on: Shown) -> Shape:
    kind: Kind = "polyline" if value.get("closed") is False else "polygon"
    points: list[Point] = []
    listed = value.get("points")
    for pair in listed if isinstance(listed, list) else ():
        x, y = (
            (finite(pair[0]), finite(pair[1])) if isinstance(pair, (list, tuple)) and len(pair) == 2 else (None, None)
        )
        if x is None or y is None:
            return "damaged", ()
        points.append((x * on.width / 100, y * on.height / 100))
    return (kind, tuple(points)) if len(points) >= (2 if kind == "polyline" else 3) else ("damaged", ())


def _canonical(kind: Kind, points: tuple[Point, ...]) -> tuple[Point, ...]:
    """Corners clockwise, and the second axis of an ellipse clockwise of the first, also after a mirroring turn."""
    if kind not in ("rotated", "ellipse") or len(points) != 4:
        return points
    first, second, third, fourth = points
    if kind == "rotated":
        return points if _clockwise(first, second, fourth) else (second, first, fourth, third)
    centre = ((first[0] + third[0]) / 2, (first[1] + third[1]) / 2)
    return points if _clockwise(centre, first, second) else (first, fourth, third, second)


def _clockwise(about: Point, first: Point, second: Point) -> bool:
    ax, ay, bx, by = first[0] - about[0], first[1] - about[1], second[0] - about[0], second[1] - about[1]
    return ax * by - ay * bx >= 0


# ------------------------------------------------------------ writing


def value_of(kind: Kind, points: tuple[Point, ...], on: Shown) -> tuple[str, dict[str, Any]]:
    """Shape and value of a result, in percent of the picture as shown; a turned box that is none is a polygon."""
    seen = on.shown(points)
    if kind == "rectangle":
        return "rectangle", _rectangle_value(upright(points, seen, on.orientation), on)
    seen = _canonical(kind, seen)
    if kind == "rotated" and _is_box(seen):
        return "rectangle", _rotated_value(seen, on)
    if kind == "ellipse":
        return "ellipse", _ellipse_value(seen, on)
    if kind == "point":
        x, y = _percent(seen[0], on)
        return "keypoint", {"x": x, "y": y, "width": 0.5}
    return "polygon", {"points": [list(_percent(point, on)) for point in seen], "closed": kind != "polyline"}


def _percent(point: Point, on: Shown) -> Point:
    return point[0] / on.width * 100, point[1] / on.height * 100


def _rectangle_value(corners: tuple[Point, ...], on: Shown) -> dict[str, Any]:
    (left, top), (right, bottom) = (_percent(corner, on) for corner in corners)
    return {"x": left, "y": top, "width": right - left, "height": bottom - top, "rotation": 0}


def _rotated_value(corners: tuple[Point, ...], on: Shown) -> dict[str, Any]:
    first, second, _, fourth = corners
    x, y = _percent(first, on)
    width, height = math.dist(first, second) / on.width * 100, math.dist(first, fourth) / on.height * 100
    return {"x": x, "y": y, "width": width, "height": height, "rotation": _direction(first, second)}


def _ellipse_value(ends: tuple[Point, ...], on: Shown) -> dict[str, Any]:
    first, second, third, fourth = ends
    x, y = _percent(((first[0] + third[0]) / 2, (first[1] + third[1]) / 2), on)
    a, b = math.dist(first, third) / 2 / on.width * 100, math.dist(second, fourth) / 2 / on.height * 100
    centre = ((first[0] + third[0]) / 2, (first[1] + third[1]) / 2)
    return {"x": x, "y": y, "radiusX": a, "radiusY": b, "rotation": _direction(centre, first)}


def _direction(start: Point, end: Point) -> float:
    return math.degrees(math.atan2(end[1] - start[1], end[0] - start[0])) % 360


def _is_box(corners: tuple[Point, ...]) -> bool:
    """Whether four corners are a rectangle, to a hundredth of a pixel."""
    if len(corners) != 4:
        return False
    (ax, ay), (bx, by), (cx, cy), (dx, dy) = corners
    side = max(math.dist(corners[0], corners[1]), math.dist(corners[0], corners[3]), 1e-9)
    skew = abs((bx - ax) * (dx - ax) + (by - ay) * (dy - ay)) / side
    return max(abs(ax + cx - bx - dx), abs(ay + cy - by - dy), skew) <= 0.01
