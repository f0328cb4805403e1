"""The loss curve of a run as it grows: a small SVG that is cheap enough to be drawn every second."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from bridge.model.training import RunEvent
from bridge.reporting.charts import log_ticks

# Points that are drawn; more could not be told apart on a screen.
POINTS = 400
_WIDTH, _HEIGHT = 1000.0, 320.0
_LEFT, _RIGHT, _TOP, _BOTTOM = 64.0, 30.0, 12.0, 32.0
# darknet starts in the hundreds and ends near 1: from this ratio on the scale is logarithmic.
_LOG_FROM = 20.0

Point = tuple[int, float]


@dataclass(frozen=True, slots=True)
class Curve:
    """What the template draws: the path of the average loss, ticks with their places, and the last value."""

    path: str
    last: tuple[float, float] | None
    across: tuple[tuple[float, str], ...]
    up: tuple[tuple[float, str], ...]
    width: float = _WIDTH
    height: float = _HEIGHT


def points_of(events: Iterable[RunEvent]) -> list[Point]:
    """(iteration, average loss) of iteration events; a resumed attempt takes the place of what it trained again."""
    points: list[Point] = []
    for event in events:
        iteration, average = event.fields.get("iteration"), event.fields.get("avg_loss")
        if event.kind != "iteration" or iteration is None or average is None or not math.isfinite(average):
            continue
        while points and points[-1][0] >= iteration:
            points.pop()
        points.append((int(iteration), float(average)))
    return points


def thin(points: list[Point], most: int = 2 * POINTS) -> list[Point]:
    """Every second point when there are too many; the last one stays."""
    return points if len(points) <= most else points[:-1:2] + points[-1:]


def curve(points: Sequence[Point], max_batches: int) -> Curve | None:
    """The curve over the whole planned course; None while there is nothing to draw."""
    if not points:
        return None
    values = [max(average, 1e-4) for _, average in points]
    low, high = min(values), max(values)
    logarithmic = high / low >= _LOG_FROM
    bottom, top = (low / 1.3, high * 1.3) if logarithmic else (0.0, high * 1.15)
    last = max(max_batches, points[-1][0], 1)

    def x(iteration: float) -> float:
        return _LEFT + (_WIDTH - _LEFT - _RIGHT) * iteration / last

    def y(value: float) -> float:
        part = math.log(value / bottom) / math.log(top / bottom) if logarithmic else value / top
        return _HEIGHT - _BOTTOM - (_HEIGHT - _TOP - _BOTTOM) * part

    placed = [(x(i), y(v)) for (i, _), v in zip(points, values, strict=True)]
    path = "M" + "L".join(f"{a:.1f} {b:.1f}" for a, b in placed)
    ticks = log_ticks(bottom, top) if logarithmic else _round_values(high)
    across = tuple((round(x(n), 1), f"{n:,.0f}") for n in _round_steps(last))
    return Curve(path, placed[-1], across, tuple((round(y(v), 1), f"{v:,.4g}") for v in ticks))


def _round_values(high: float) -> list[float]:
    """0 and up to five round numbers up to high."""
    power = 10.0 ** math.floor(math.log10(high / 5))
    step = next(m * power for m in (1, 2, 2.5, 5, 10) if m * power >= high / 5)
    return [step * n for n in range(int(high / step) + 1)]


def _round_steps(last: int) -> list[int]:
    """0 and up to five round numbers up to last."""
    raw = last / 5
    power = 10 ** math.floor(math.log10(max(raw, 1)))
    step = next(int(m * power) for m in (1, 2, 2.5, 5, 10) if m * power >= raw) or 1
    return list(range(0, last + 1, step))
