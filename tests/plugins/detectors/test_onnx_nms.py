from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from plugins.detectors.onnx import nms
from plugins.detectors.onnx.nms import Nms, covering

# Quarters, so that the plain rule in 64 bits and ours in 32 see the same numbers.
quarter = st.integers(0, 40).map(lambda n: n / 4)
side = st.integers(1, 24).map(lambda n: n / 4)
boxes = st.lists(st.tuples(quarter, quarter, side, side), max_size=25).map(
    lambda rows: np.array([(x, y, x + w, y + h) for x, y, w, h in rows], np.float32).reshape(-1, 4)
)


def keep(rows: NDArray[Any], threshold: float, rule: Nms) -> NDArray[np.intp]:
    return nms.keep(np.arange(len(rows)), covering(rows, threshold, rule))


def plain_cover(a: Any, b: Any, exponent: float | None) -> float:
    w, h = min(a[2], b[2]) - max(a[0], b[0]), min(a[3], b[3]) - max(a[1], b[1])
    shared = max(w, 0) * max(h, 0)
    overlap = shared / ((a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - shared)
    if exponent is None:
        return float(overlap)
    apart = ((a[0] + a[2]) - (b[0] + b[2])) ** 2 / 4 + ((a[1] + a[3]) - (b[1] + b[3])) ** 2 / 4
    around = (max(a[2], b[2]) - min(a[0], b[0])) ** 2 + (max(a[3], b[3]) - min(a[1], b[1])) ** 2
    return float(overlap - (apart / around) ** exponent)


def plain_keep(rows: NDArray[Any], threshold: float, exponent: float | None) -> list[int]:
    kept: list[int] = []
    for k, box in enumerate(rows.tolist()):
        if all(plain_cover(rows[best].tolist(), box, exponent) <= threshold for best in kept):
            kept.append(k)
    return kept


@settings(deadline=None, max_examples=80)
@given(
    boxes,
    # No fraction of small quarters meets these by accident.
    st.sampled_from([0.4501, 0.6003, 0.1007, 0.9013]),
    st.sampled_from([(Nms(), None), (Nms("greedynms", 0.9), 0.6), (Nms("diounms", 0.9), 0.9)]),
)
def test_it_is_the_plain_rule(rows: NDArray[Any], threshold: float, rule: tuple[Nms, float | None]) -> None:
    assert keep(rows, threshold, rule[0]).tolist() == plain_keep(rows, threshold, rule[1])


def test_boxes_side_by_side_survive_greedynms_longer_than_plain_overlap() -> None:
    rows = np.array([[0, 0, 10, 10], [0, 3, 10, 13]], np.float32)
    assert keep(rows, 0.45, Nms()).tolist() == [0]
    share = math.pow(9 / (100 + 169), 0.6)
    assert 7 / 13 - share < 0.45
    assert keep(rows, 0.45, Nms("greedynms")).tolist() == [0, 1]


@pytest.mark.parametrize("kind", ["default", "greedynms", "diounms"])
def test_equal_boxes_are_one_and_none_stays_none(kind: Any) -> None:
    rows = np.repeat(np.array([[1, 1, 4, 4]], np.float32), 5, axis=0)
    assert keep(rows, 0.45, Nms(kind)).tolist() == [0]
    assert keep(rows[:0], 0.45, Nms(kind)).tolist() == []


def test_points_suppress_each_other_only_where_darknet_does() -> None:
    points = np.zeros((3, 4), np.float32)
    assert keep(points, 0.45, Nms()).tolist() == [0, 1, 2]


def test_slices_of_work_do_not_change_the_result(monkeypatch: pytest.MonkeyPatch) -> None:
    start = np.random.default_rng(1).uniform(0, 10, (50, 2))
    rows = np.concatenate((start, start + 4), axis=1).astype(np.float32)
    whole = covering(rows, 0.3, Nms("greedynms"))
    monkeypatch.setattr(nms, "_AT_ONCE", 120)
    assert np.array_equal(covering(rows, 0.3, Nms("greedynms")), whole)
    assert np.array_equal(whole, whole.T)


def test_only_the_rows_given_count_and_their_order_decides() -> None:
    rows = np.array([[0, 0, 10, 10], [0, 1, 10, 11], [50, 50, 60, 60]], np.float32)
    covered = covering(rows, 0.45, Nms())
    assert nms.keep(np.array([1, 0, 2]), covered).tolist() == [1, 2]
    assert nms.keep(np.array([0]), covered).tolist() == [0]
