"""Numbers from outside as pixels: finite or not a number at all, and free of the noise of going there and back."""

from __future__ import annotations

from bridge.model.annotation import Point

# No picture is so large, and products of such numbers are still finite.
MOST = 1e9
# Box and points of one region may differ by rounding; beyond this many pixels one of them is wrong.
AGREE = 1.0
# Some roundings to 16 digits, of a picture some thousand pixels wide.
_NOISE = 1e-14


def finite(value: object) -> float | None:
    """The number, or None for anything else: text, null, true, NaN, infinity, a number beyond any picture."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    return float(value) if -MOST < value < MOST else None


def number(text: str) -> float | None:
    """The number that a text spells in plain digits, as finite; Python alone takes 1_000 and full-width digits too."""
    if not text.isascii() or "_" in text:
        return None
    try:
        return finite(float(text))
    except ValueError:
        return None


def snap(value: float) -> float:
    """The pixel without the rounding noise of percent or width arithmetic: 10.2, not 10.200000000000001.

    A number that is no nearer to a round one than noise can bring it stays: moved, it could fall on the other side of
    where contents are told apart.
    """
    round_one = round(value, 9)
    return (round_one if abs(round_one - value) <= _NOISE * max(abs(value), 1000.0) else value) + 0.0  # No -0.0.


def snapped(points: tuple[Point, ...]) -> tuple[Point, ...]:
    """All points without rounding noise."""
    return tuple((snap(x), snap(y)) for x, y in points)
