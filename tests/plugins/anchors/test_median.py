"""Anchors: better than darknet's on its own measure, repeatable, and honest about what darknet reaches."""

from __future__ import annotations

import json
import statistics
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from bridge.errors import InputError
from bridge.overlap import average_iou
from plugins.anchors.masks import masks
from plugins.anchors.median import LongFitter, MedianFitter

FOLDER = Path(__file__).parents[2] / "fixtures" / "darknet" / "anchors"
# The best average IoU (percent) that any method reached on these boxes.
BEST = {
    ("mix_1000", 6): 64.65,
    ("mix_1000", 9): 70.30,
    ("logn_1000", 6): 65.20,
    ("logn_1000", 9): 69.58,
    ("mix_10000", 6): 64.87,
    ("mix_10000", 9): 70.18,
    ("logn_10000", 6): 65.12,
    ("logn_10000", 9): 69.57,
}
RUNS = {
    (r["boxes"], r["k"]): [run["avg_iou"] for run in r["runs"]]
    for r in json.loads((FOLDER / "alexeyab_runs_416x416.json").read_text("utf-8"))
}


def boxes(name: str) -> NDArray[np.float64]:
    return np.asarray(np.load(FOLDER / f"boxes_{name}.npy"), np.float64) * 416


# The large sets take a second each; one of them is enough for every day.
CASES = [
    pytest.param(*key, marks=pytest.mark.story if "10000" in key[0] and key != ("mix_10000", 6) else ()) for key in BEST
]


@pytest.mark.parametrize(("name", "n"), CASES)
def test_better_than_darknet_and_near_the_best(name: str, n: int) -> None:
    sizes, runs = boxes(name), RUNS[name, n]
    began = time.process_time()
    found = MedianFitter().fit(sizes, n, 0, (416, 416))
    took = time.process_time() - began
    reached = 100 * found.average_iou
    assert reached >= statistics.median(runs) + 1.0
    assert reached >= BEST[name, n] - 0.15
    assert min(runs) - 0.1 <= 100 * found.darknet_average_iou <= max(runs) + 0.1, "what darknet really reached"
    assert took < 3, "0.5 s on a free core"
    assert len(found.pairs) == n
    assert [w * h for w, h in found.pairs] == sorted(w * h for w, h in found.pairs)
    assert average_iou(sizes, np.array(found.pairs)) == pytest.approx(found.average_iou, abs=1e-12)
    assert (found.width, found.height, found.boxes, found.seed) == (416, 416, len(sizes), 0)


def test_a_seed_gives_the_same_anchors_again() -> None:
    sizes = boxes("mix_1000")[:200]
    assert MedianFitter().fit(sizes, 6, 5, (416, 416)) == MedianFitter().fit(sizes.copy(), 6, 5, (416, 416))


def test_the_scale_does_not_matter() -> None:
    sizes = boxes("logn_1000")[:200]
    one = MedianFitter().fit(sizes, 6, 0, (416, 416))
    two = MedianFitter().fit(sizes * [640 / 416, 384 / 416], 6, 0, (640, 384))
    assert two.average_iou == pytest.approx(one.average_iou, abs=2e-4)
    assert two.darknet_average_iou == pytest.approx(one.darknet_average_iou, abs=1e-9)
    assert np.allclose(two.pairs, one.scaled(640, 384).pairs, rtol=0.1)


def test_more_boxes_than_are_clustered() -> None:
    rng = np.random.default_rng(0)
    sizes = np.exp(rng.normal(4, 0.8, (21_000, 2)))
    found = MedianFitter().fit(sizes, 3, 0, (416, 416))
    assert found.boxes == 21_000
    assert found.average_iou > found.darknet_average_iou + 0.01
    assert average_iou(sizes, np.array(found.pairs)) == pytest.approx(found.average_iou)


def test_clear_clusters_are_found_exactly() -> None:
    sizes = np.repeat([[10.0, 20.0], [50.0, 40.0], [200.0, 210.0]], 30, axis=0)
    found = MedianFitter().fit(sizes, 3, 0, (416, 416))
    assert np.allclose(found.pairs, [(10, 20), (50, 40), (200, 210)])
    assert found.average_iou == pytest.approx(1)


def test_one_anchor() -> None:
    found = MedianFitter().fit(boxes("mix_1000")[:200], 1, 0, (416, 416))
    assert found.average_iou >= found.darknet_average_iou


def test_damaged_boxes_do_not_count() -> None:
    good = boxes("mix_1000")[:200]
    bad = np.array([[np.nan, 3.0], [0.0, 5.0], [-4.0, 4.0], [np.inf, 1.0]])
    both = MedianFitter().fit(np.vstack([good[:100], bad, good[100:]]), 6, 0, (416, 416))
    assert both == replace(MedianFitter().fit(good, 6, 0, (416, 416)), left_out=4)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf, 0.0, -5.0, 1e-9, 1e7, 1e200, 1e308])
def test_what_is_no_size_is_left_out_and_counted(bad: float) -> None:
    good = boxes("logn_1000")[:100]
    found = MedianFitter().fit(np.vstack([good, [[bad, 20.0], [20.0, bad]]]), 3, 0, (416, 416))
    assert (found.boxes, found.left_out) == (100, 2)
    assert replace(found, left_out=0) == MedianFitter().fit(good, 3, 0, (416, 416))


def test_sizes_at_both_ends_of_what_is_possible() -> None:
    ends = np.array([[1e-3, 1e6], [1e6, 1e-3], [1e6, 1e6], [1e-3, 1e-3], [1.0, 1.0]])
    found = MedianFitter().fit(np.repeat(ends, 5, axis=0), 5, 0, (416, 416))
    assert found.average_iou == pytest.approx(1, abs=1e-6)


def test_the_long_search_is_never_worse() -> None:
    sizes = boxes("mix_1000")[:150]
    assert LongFitter().fit(sizes, 4, 0, (416, 416)).average_iou >= (
        MedianFitter().fit(sizes, 4, 0, (416, 416)).average_iou - 1e-4
    )


@pytest.mark.parametrize(
    ("rows", "n", "rule"),
    [
        ([], 3, "anchors-too-few"),
        ([[1.0, 2.0]] * 50, 2, "anchors-too-few"),
        ([[1.0, 2.0], [2.0, 1.0], [0.0, 1.0]], 3, "anchors-too-few"),
        ([[1.0, 2.0]], 0, "anchors-none"),
    ],
)
def test_too_few_boxes(rows: list[list[float]], n: int, rule: str) -> None:
    with pytest.raises(InputError) as caught:
        MedianFitter().fit(np.array(rows).reshape(-1, 2), n, 0, (416, 416))
    assert caught.value.rule == rule


SIZE = st.floats(0.5, 800, allow_subnormal=False)


@settings(deadline=None, max_examples=8)
@given(st.lists(st.tuples(SIZE, SIZE), min_size=4, max_size=40, unique=True), st.integers(1, 4))
def test_any_boxes(rows: list[tuple[float, float]], n: int) -> None:
    found = MedianFitter().fit(np.array(rows), n, 1, (416, 416))
    assert 0 < found.average_iou <= 1
    assert all(np.isfinite(pair).all() and min(pair) > 0 for pair in found.pairs)
    low, high = np.array(rows).min(axis=0), np.array(rows).max(axis=0)
    assert (np.array(found.pairs) >= low * 0.9).all()
    assert (np.array(found.pairs) <= high * 1.1).all()


@pytest.mark.parametrize(
    ("n", "heads", "shares"),
    [
        (9, 3, ((0, 1, 2), (3, 4, 5), (6, 7, 8))),
        (6, 2, ((0, 1, 2), (3, 4, 5))),
        (4, 1, ((0, 1, 2, 3),)),
        (5, 2, ((0, 1), (2, 3, 4))),
        (3, 3, ((0,), (1,), (2,))),
    ],
)
def test_masks(n: int, heads: int, shares: tuple[tuple[int, ...], ...]) -> None:
    assert masks(n, heads) == MedianFitter().masks(n, heads) == shares


@given(st.integers(1, 40), st.integers(1, 6))
def test_masks_share_out_every_anchor_once(n: int, heads: int) -> None:
    if n < heads:
        with pytest.raises(InputError):
            masks(n, heads)
        return
    shares = masks(n, heads)
    assert [i for share in shares for i in share] == list(range(n))
    assert max(map(len, shares)) - min(map(len, shares)) <= 1
