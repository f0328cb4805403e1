"""The course of a training in one picture: loss and mean AP over iterations, the best checkpoint marked.

A chart is a Vega-Lite spec (plain data, the same for file and page), rendered to SVG by vl-convert, whose JavaScript
is bundled: nothing is fetched. The colours are those of base.css in daylight; report.css maps them for the dark.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Any

from markupsafe import Markup, escape

from bridge.model.report import CheckpointRow, Report
from bridge.reporting.measure import measure, percent
from bridge.texts import render

INK, MUTED, LINE, PAPER = "#20292b", "#636e6d", "#e0ddd4", "#fbfaf7"
SCORE, LOSS = "#0b7a69", "#b4602a"

# Wide for a desk and narrow for a phone (width, height): shrinking one drawing would make its letters unreadable.
WIDE = (880, 330)
NARROW = (270, 270)
# Points of the loss curve that are drawn; more could not be told apart.
_POINTS = 400
# From this ratio on a loss is drawn on a logarithmic scale (darknet starts in the hundreds and ends near 1).
_LOG_FROM = 20.0

Spec = dict[str, Any]
Loss = tuple[int, float, float]


def course_spec(report: Report, language: str = "en", size: tuple[int, int] = WIDE) -> Spec | None:
    """The chart as a Vega-Lite spec; None while there is nothing to draw."""
    losses = thinned(report.losses)
    rows = sorted((r for r in report.checkpoints if math.isfinite(r.scores.map)), key=lambda r: r.iteration)
    axis = _iterations(report, language, size)
    parts = [
        layer for layer in (_loss_layer(losses, axis, language), _score_layer(report, rows, axis, language)) if layer
    ]
    if not parts:
        return None
    return {
        "$schema": "https://vega.github.io/schema/vega-lite/v6.json",
        "width": size[0],
        "height": size[1],
        "background": "transparent",
        "layer": parts,
        "resolve": {"scale": {"y": "independent"}},
        "config": _CONFIG,
    }


def chart_svg(report: Report, language: str = "en", size: tuple[int, int] = WIDE) -> Markup:
    """The chart as one SVG element, described for those who cannot see it; empty while there is nothing to draw."""
    spec = course_spec(report, language, size)
    if spec is None:
        return Markup("")
    label = escape(render("report", "chart.describe", {"project": report.project}, language))
    svg = _svg(json.dumps(spec, ensure_ascii=False))
    return Markup(svg.replace("<svg ", f'<svg role="img" aria-label="{label}" ', 1))


@lru_cache(maxsize=64)
def _svg(spec: str) -> str:
    import vl_convert  # It brings a JavaScript engine: loaded when the first chart is drawn.

    return str(vl_convert.vegalite_to_svg(spec))


def thinned(losses: Sequence[Loss], points: int = _POINTS) -> list[dict[str, float]]:
    """At most so many points: average loss, and lowest and highest loss, of equal stretches; not-a-number left out."""
    sound = [entry for entry in losses if math.isfinite(entry[1]) and math.isfinite(entry[2])]
    step = max(1, math.ceil(len(sound) / points))
    return [_stretch(sound[start : start + step]) for start in range(0, len(sound), step)]


def _stretch(part: Sequence[Loss]) -> dict[str, float]:
    singles = [loss for _, loss, _ in part]
    average = sum(entry[2] for entry in part) / len(part)
    return {"iteration": part[-1][0], "average": average, "low": min(singles), "high": max(singles)}


def first_nan(losses: Sequence[Loss]) -> int | None:
    """The iteration from which the average loss is no number any more."""
    return next((iteration for iteration, _, average in losses if not math.isfinite(average)), None)


def _iterations(report: Report, language: str, size: tuple[int, int]) -> Spec:
    last = max([i for i, _, _ in report.losses] + [r.iteration for r in report.checkpoints], default=1)
    return {
        "field": "iteration",
        "type": "quantitative",
        "title": render("report", "chart.iteration", None, language),
        "scale": {"domain": [0, last], "nice": False},
        "axis": {"grid": False, "tickCount": max(3, size[0] // 90), "format": ",d"},
    }


def _loss_layer(points: list[dict[str, float]], x: Spec, language: str) -> Spec | None:
    if not points:
        return None
    averages = [p["average"] for p in points]
    low, high = max(min(averages), 1e-4), max(averages)
    logarithmic = high / low >= _LOG_FROM
    # The scale follows the average: a single wild batch must not flatten it.
    domain = [low / 1.25, high * 1.25] if logarithmic else [0, high * 1.1]
    title = render("report", "chart.loss-log" if logarithmic else "chart.loss", None, language)
    scale: Spec = {"type": "log" if logarithmic else "linear", "domain": domain, "nice": False, "clamp": True}
    axis = {"orient": "right", "grid": False, "titleColor": LOSS, "labelColor": LOSS, "format": "~g"}
    axis |= {"values": log_ticks(*domain)} if logarithmic else {"tickCount": 4}
    return {
        "data": {"values": points},
        "encoding": {"x": x},
        "layer": [
            {
                "mark": {"type": "area", "color": LOSS, "opacity": 0.16},
                "encoding": {
                    "y": {"field": "low", "type": "quantitative", "scale": scale, "axis": axis, "title": title},
                    "y2": {"field": "high"},
                },
            },
            {
                "mark": {"type": "line", "color": LOSS, "strokeWidth": 1.25},
                "encoding": {
                    "y": {"field": "average", "type": "quantitative", "scale": scale, "axis": axis, "title": title}
                },
            },
        ],
    }


def log_ticks(low: float, high: float) -> list[float]:
    """1, 2, 5, 10, … between two numbers; only whole decades where that would be too many."""
    decades = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    steps = (1, 2, 5) if len(decades) <= 4 else (1,)
    return [tick for d in decades for s in steps if low <= (tick := float(f"{s}e{d}")) <= high]


def _score_layer(report: Report, rows: list[CheckpointRow], x: Spec, language: str) -> Spec | None:
    if not rows:
        return None
    name = measure(rows[0].scores, language)
    axis = {"titleColor": SCORE, "labelColor": SCORE, "grid": True, "tickCount": 5}
    y = {
        "field": "map",
        "type": "quantitative",
        "title": f"{name} (%)",
        "scale": {"domain": [0, 100], "clamp": True},
        "axis": axis,
    }
    points = [{"iteration": r.iteration, "map": 100 * r.scores.map} for r in rows]
    return {
        "data": {"values": points},
        "encoding": {"x": x, "y": y},
        "layer": [
            {"mark": {"type": "line", "color": SCORE, "strokeWidth": 2.5}},
            {"mark": {"type": "point", "color": SCORE, "fill": PAPER, "size": 46, "strokeWidth": 2, "opacity": 1}},
            *_best_marks(report),
        ],
    }


def _best_marks(report: Report) -> Iterator[Spec]:
    """A full dot on the best checkpoint, and its number above."""
    best = report.best_row
    if best is None or not math.isfinite(best.scores.map):
        return
    last = max([i for i, _, _ in report.losses] + [r.iteration for r in report.checkpoints])
    side = "right" if best.iteration > 0.85 * last else "left" if best.iteration < 0.15 * last else "center"
    point = {"iteration": best.iteration, "map": 100 * best.scores.map, "text": f"{percent(best.scores.map)}%"}
    data = {"data": {"values": [point]}}
    yield {
        **data,
        "mark": {"type": "point", "color": SCORE, "fill": SCORE, "size": 150, "strokeWidth": 2, "opacity": 1},
    }
    text = {"type": "text", "dy": -16, "align": side, "fontSize": 15, "fontWeight": 600, "color": SCORE}
    yield {**data, "mark": text, "encoding": {"text": {"field": "text", "type": "nominal"}}}


_CONFIG: Spec = {
    "font": "sans-serif",
    "aria": False,  # It would read out every point; the table beside has the numbers.
    "view": {"stroke": None},
    "axis": {
        "domainColor": LINE,
        "gridColor": LINE,
        "tickColor": LINE,
        "labelColor": MUTED,
        "titleColor": INK,
        "labelFontSize": 12,
        "titleFontSize": 12,
        "titleFontWeight": 600,
        "titlePadding": 10,
        "labelPadding": 6,
    },
}
