"""Boxes that reach out of their picture."""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest

from bridge.model.annotation import Box, Region
from bridge.model.finding import Fix, Severity
from bridge.plugin import View
from bridge.texts import render
from plugins.validators.outside import Outside


@pytest.mark.parametrize(
    ("box", "severity", "fix", "pixels", "percent"),
    [
        (Box(0, 0, 200, 100), None, None, 0, 0),
        (Box(-0.9, 10, 50, 50), None, None, 0, 0),  # rounding of the annotator's tool
        (Box(-1.2, 0, 198.8, 100), Severity.INFO, Fix.CLIP, 1.2, 0.6),
        (Box(-1.5, 10, 50, 50), Severity.WARNING, Fix.CLIP, 1.5, 2.9),  # above 1 % of a small box
        (Box(0, -2.5, 200, 97), Severity.WARNING, Fix.CLIP, 2.5, 2.5),
        (Box(150, 50, 250, 150), Severity.WARNING, Fix.CLIP, 50, 75),
        (Box(-300, -300, 500, 500), Severity.WARNING, Fix.CLIP, 400, 96.9),
        (Box(210, 10, 230, 30), Severity.ERROR, None, 30, 100),
        (Box(200, 10, 230, 30), Severity.ERROR, None, 30, 100),
        (Box(199.6, 10, 230, 30), Severity.ERROR, None, 30, 98.7),  # a strip under a pixel is no object
        (Box(-50, -50, -10, -10), Severity.ERROR, None, 50, 100),
    ],
)
def test_severity_follows_how_much_is_lost(
    view: Callable[..., View], box: Box, severity: Severity | None, fix: Fix | None, pixels: float, percent: float
) -> None:
    found = list(Outside().check(view([Region.rectangle(Box(1, 1, 9, 9), "猫"), Region.rectangle(box, "犬")])))
    if severity is None:
        assert found == []
        return
    (finding,) = found
    assert (finding.severity, finding.fix, finding.image, finding.region) == (severity, fix, "犬.jpg", 1)
    assert (finding.fields["pixels"], finding.fields["percent"]) == (pixels, percent)
    assert finding.fields["box"] == 2
    assert "犬" in render("findings", finding.rule, finding.fields)


def test_a_polygon_is_told_but_not_cut(view: Callable[..., View]) -> None:
    polygon = Region("polygon", ((150.0, 50.0), (260.0, 60.0), (170.0, 90.0)), ("犬",))
    (finding,) = Outside().check(view([polygon]))
    assert (finding.severity, finding.fix) == (Severity.WARNING, None)


def test_what_has_no_sound_box_is_left_to_others(view: Callable[..., View]) -> None:
    regions = [
        Region("point", ((900.0, 900.0),), ("犬",)),
        Region.rectangle(Box(math.nan, 0, 900, 900), "犬"),
        Region.rectangle(Box(0, 0, math.inf, 900), "犬"),
        Region.rectangle(Box(900, 900, 900, 900), "犬"),
    ]
    assert list(Outside().check(view(regions))) == []
    assert list(Outside().check(view([Region.rectangle(Box(900, 900, 950, 950))], size=(0, 0)))) == []
    assert list(Outside().check(view(None))) == []
