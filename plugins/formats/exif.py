"""The EXIF turn of points: between the pixel grid as stored in the file and the picture as viewers show it.

Orientation n of a stored picture of width x height pixels is shown after a flip or quarter turns; 5 to 8 swap width
and height. Pixel edges are turned, not centres, so that a box turned there and back is the same box.
"""

from __future__ import annotations

from collections.abc import Callable

from bridge.model.annotation import Point

_Turn = Callable[[float, float, float, float], Point]

# By orientation: x, y, width, height of the stored picture → x, y as shown.
_SHOWN: dict[int, _Turn] = {
    2: lambda x, y, w, h: (w - x, y),
    3: lambda x, y, w, h: (w - x, h - y),
    4: lambda x, y, w, h: (x, h - y),
    5: lambda x, y, w, h: (y, x),
    6: lambda x, y, w, h: (h - y, x),
    7: lambda x, y, w, h: (h - y, w - x),
    8: lambda x, y, w, h: (y, w - x),
}
# By orientation: x, y as shown → stored; width and height are still those of the stored picture.
_STORED: dict[int, _Turn] = _SHOWN | {
    6: lambda x, y, w, h: (y, h - x),
    7: lambda x, y, w, h: (w - y, h - x),
    8: lambda x, y, w, h: (w - y, x),
}


def shown_size(width: int, height: int, orientation: int) -> tuple[int, int]:
    """Width and height of the picture as viewers show it."""
    return (height, width) if orientation >= 5 else (width, height)


def to_shown(points: tuple[Point, ...], width: float, height: float, orientation: int) -> tuple[Point, ...]:
    """Points of the stored picture (of width x height) as they lie in the shown one."""
    turn = _SHOWN.get(orientation)
    return tuple(turn(x, y, width, height) for x, y in points) if turn else points


def to_stored(points: tuple[Point, ...], width: float, height: float, orientation: int) -> tuple[Point, ...]:
    """Points of the shown picture as they lie in the stored one (of width x height)."""
    turn = _STORED.get(orientation)
    return tuple(turn(x, y, width, height) for x, y in points) if turn else points


def upright(points: tuple[Point, ...], turned: tuple[Point, ...], orientation: int) -> tuple[Point, ...]:
    """The two corners of a turned rectangle in the order they had before: top-left first, or as wrong as it was.

    So the way there and back gives the same corners, and a box in order stays in order.
    """
    (ax, ay), (bx, by) = points
    wrong = (ay > by, ax > bx) if orientation >= 5 else (ax > bx, ay > by)
    left, right = sorted((x for x, _ in turned), reverse=wrong[0])
    top, bottom = sorted((y for _, y in turned), reverse=wrong[1])
    return ((left, top), (right, bottom))
