"""The slope is that of the overlap, and climbing only goes up."""

from __future__ import annotations

import numpy as np
import pytest

from bridge.overlap import average_iou
from plugins.anchors.ascent import climb, gradient

RNG = np.random.default_rng(3)
BOXES = np.exp(RNG.normal(3.5, 0.8, (400, 2)))
ANCHORS = np.exp(RNG.normal(3.5, 0.8, (5, 2)))


def test_the_slope_is_the_difference_quotient() -> None:
    value, slope = gradient(BOXES, ANCHORS)
    assert value == pytest.approx(average_iou(BOXES, ANCHORS), abs=1e-12)
    for index in np.ndindex(ANCHORS.shape):
        up, down = np.log(ANCHORS), np.log(ANCHORS)
        up[index] += 1e-6
        down[index] -= 1e-6
        quotient = (average_iou(BOXES, np.exp(up)) - average_iou(BOXES, np.exp(down))) / 2e-6
        assert slope[index] == pytest.approx(quotient, abs=1e-4)


def test_climbing_never_ends_below_its_start() -> None:
    start = average_iou(BOXES, ANCHORS)
    reached = [average_iou(BOXES, climb(BOXES, ANCHORS, steps)) for steps in (1, 5, 80)]
    assert reached[0] == pytest.approx(start, abs=1e-12), "the start is the first point"
    assert start <= reached[1] <= reached[2]
    assert reached[2] > start + 0.02
