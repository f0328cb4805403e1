"""How scores are named and written."""

from __future__ import annotations

import math

from bridge.model.scores import Scores
from bridge.reporting.measure import measure, percent


def test_the_measure_says_its_protocol() -> None:
    assert measure(Scores("darknet", 0.5, (), {"iou": 0.5}), "en") == "mAP@0.5"
    assert measure(Scores("darknet", 0.5, (), {"iou": 0.75}), "ja") == "mAP@0.75"
    assert measure(Scores("coco", 0.5, ()), "en") == "AP@[.50:.95]"
    assert measure(Scores("mine", 0.5, ()), "en") == "Mean AP (mine)"


def test_percents() -> None:
    assert [percent(f) for f in (0, 0.6467, 1, -1, math.nan)] == ["0.0", "64.7", "100.0", "–", "–"]
