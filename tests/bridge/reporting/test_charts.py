"""The chart of loss and score."""

from __future__ import annotations

import math
import xml.etree.ElementTree as ET
from dataclasses import replace

import altair
import pytest

from bridge.model.report import Report
from bridge.reporting import charts

NAN = math.nan


@pytest.mark.parametrize("language", ["en", "ja"])
def test_the_spec_is_valid_vega_lite(report: Report, language: str) -> None:
    spec = charts.course_spec(report, language)
    assert spec is not None
    altair.Chart.from_dict(spec).to_dict()  # raises on what the schema does not know


def test_the_chart_speaks_the_reader_s_language_and_names_the_best(report: Report) -> None:
    english, japanese = charts.chart_svg(report, "en"), charts.chart_svg(report, "ja")
    assert "iteration" in english
    assert "反復回数" in japanese
    for svg in (english, japanese):
        assert "64.7%" in svg
        assert "mAP@0.5 (%)" in svg
        assert ET.fromstring(svg).tag.endswith("svg")
        assert "http" not in svg.replace("http://www.w3.org/", "")


def test_every_checkpoint_is_a_point(report: Report) -> None:
    spec = charts.course_spec(report)
    assert spec is not None
    values = spec["layer"][1]["data"]["values"]
    assert [v["iteration"] for v in values] == [100 * i for i in range(1, 10)]
    assert values[7]["map"] == pytest.approx(64.65)


def test_a_long_curve_is_thinned_and_keeps_its_extremes() -> None:
    losses = [(i, float(i % 7), 3.0) for i in range(1, 100_001)]
    losses[5000] = (5001, 99.0, 3.0)
    points = charts.thinned(losses)
    assert len(points) == 400
    assert points[-1]["iteration"] == 100_000
    assert max(p["high"] for p in points) == 99.0
    assert min(p["low"] for p in points) == 0.0
    assert {p["average"] for p in points} == {3.0}


def test_what_is_not_a_number_is_left_out_and_found() -> None:
    losses = [(1, 5.0, 5.0), (2, NAN, 4.0), (3, NAN, NAN), (4, math.inf, math.inf)]
    assert [p["iteration"] for p in charts.thinned(losses)] == [1]
    assert charts.first_nan(losses) == 3
    assert charts.first_nan(losses[:1]) is None


def test_the_scale_of_the_loss_follows_its_range(report: Report) -> None:
    flat = replace(report, losses=((1, 3.0, 3.0), (2, 2.0, 2.5)))
    texts = [charts.chart_svg(r) for r in (report, flat)]
    assert ["logarithmic" in t for t in texts] == [True, False]
    assert charts.log_ticks(2.4, 370) == [5, 10, 20, 50, 100, 200]
    assert charts.log_ticks(0.05, 90_000) == [0.1, 1, 10, 100, 1000, 10_000]


def test_missing_halves_are_simply_not_drawn(report: Report) -> None:
    assert charts.chart_svg(replace(report, losses=(), checkpoints=())) == ""
    only_loss = charts.chart_svg(replace(report, checkpoints=(), best=None))
    assert "loss" in only_loss
    assert "mAP" not in only_loss
    only_score = charts.chart_svg(replace(report, losses=()))
    assert "mAP" in only_score
    assert "loss" not in only_score.partition(">")[2]  # the description names both
    single = replace(report, losses=((1, 3.0, 3.0),), checkpoints=report.checkpoints[:1], best=None)
    assert charts.chart_svg(single) != ""


def test_names_cannot_break_out_of_the_description(report: Report) -> None:
    svg = charts.chart_svg(replace(report, project='"><script>alert(1)</script>'))
    assert "<script" not in svg
    ET.fromstring(svg)
