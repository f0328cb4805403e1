"""Rectangles whose corners stand in the wrong order."""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest

from bridge.model.annotation import Region
from bridge.model.finding import Fix, Severity
from bridge.plugin import View
from plugins.validators.swapped import Swapped


@pytest.mark.parametrize(
    ("points", "wrong"),
    [
        (((10.0, 10.0), (20.0, 20.0)), False),
        (((20.0, 10.0), (10.0, 20.0)), True),
        (((10.0, 20.0), (20.0, 10.0)), True),
        (((10.0, 10.0), (10.0, 10.0)), False),
        (((math.nan, 20.0), (20.0, 10.0)), False),
    ],
)
def test_the_order_of_corners(view: Callable[..., View], points: tuple[tuple[float, float], ...], wrong: bool) -> None:
    found = list(Swapped().check(view([Region("rectangle", points, ("犬",))])))
    assert [(f.severity, f.fix, f.region) for f in found] == [(Severity.WARNING, Fix.SWAP, 0)] * wrong


def test_only_rectangles_have_an_order(view: Callable[..., View]) -> None:
    assert list(Swapped().check(view([Region("polyline", ((20.0, 20.0), (10.0, 10.0)), ("犬",))]))) == []
