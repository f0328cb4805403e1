"""Boxes without width or height."""

from __future__ import annotations

from collections.abc import Callable

from bridge.model.annotation import Box, Region
from bridge.model.finding import Severity
from bridge.plugin import View
from plugins.validators.zero_area import ZeroArea


def test_a_click_and_a_flat_line_are_errors(view: Callable[..., View]) -> None:
    regions = [
        Region.rectangle(Box(10, 10, 10, 30), "犬"),
        Region.rectangle(Box(10, 10, 30, 10.0004), "犬"),
        Region("polyline", ((10.0, 20.0), (90.0, 20.0)), ("犬",)),
        Region.rectangle(Box(10, 10, 10.5, 10.5), "犬"),  # small, but there: another rule
        Region("point", ((5.0, 5.0),), ("犬",)),
    ]
    found = list(ZeroArea().check(view(regions)))
    assert [(f.region, f.severity, f.fix) for f in found] == [(i, Severity.ERROR, None) for i in (0, 1, 2)]
    assert found[2].fields == {"box": 3, "label": "犬", "width": 80, "height": 0, "x": 10, "y": 20}
