"""The overlap of boxes and anchors, against a plain statement of it."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge import overlap
from bridge.overlap import average_iou, nearest

SIDE = st.floats(0.01, 2000, allow_subnormal=False)
SIZES = st.lists(st.tuples(SIDE, SIDE), min_size=1, max_size=30)


def plain(box: tuple[float, float], anchor: tuple[float, float]) -> float:
    inner = min(box[0], anchor[0]) * min(box[1], anchor[1])
    return inner / (box[0] * box[1] + anchor[0] * anchor[1] - inner)


@settings(deadline=None, max_examples=60)
@given(SIZES, SIZES)
def test_each_box_gets_its_best_anchor(boxes: list[tuple[float, float]], anchors: list[tuple[float, float]]) -> None:
    labels, iou = nearest(np.array(boxes), np.array(anchors))
    for box, label, value in zip(boxes, labels, iou, strict=True):
        every = [plain(box, anchor) for anchor in anchors]
        assert value == pytest.approx(max(every), rel=1e-9)
        assert every[label] == pytest.approx(max(every), rel=1e-9)
    assert average_iou(np.array(boxes), np.array(anchors)) == pytest.approx(float(np.mean(iou)), rel=1e-12)


def test_of_equals_the_first() -> None:
    assert nearest(np.array([[3.0, 4.0]]), np.array([[9.0, 9.0], [3.0, 4.0], [3.0, 4.0]]))[0].tolist() == [1]


def test_many_boxes_are_gone_through_in_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(0)
    boxes, anchors = rng.uniform(1, 400, (1000, 2)), rng.uniform(1, 400, (7, 2))
    labels, iou = nearest(boxes, anchors)
    monkeypatch.setattr(overlap, "_BLOCK", 64)
    again = nearest(boxes, anchors)
    assert np.array_equal(labels, again[0])
    assert np.array_equal(iou, again[1])


def test_stretching_changes_nothing() -> None:
    rng = np.random.default_rng(1)
    boxes, anchors = rng.uniform(1, 400, (500, 2)), rng.uniform(1, 400, (9, 2))
    stretched = average_iou(boxes * (1.5, 0.75), anchors * (1.5, 0.75))
    assert stretched == pytest.approx(average_iou(boxes, anchors), abs=1e-12)
