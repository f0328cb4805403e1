"""Intervals over pictures: repeatable, exact where they can be, honest where little is known."""

from __future__ import annotations

import time
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from bench.detectors import crowd, pictures_of, ranked
from bridge.errors import InputError
from bridge.loop import resampling
from bridge.loop.intervals import compare, interval, intervals
from bridge.loop.resampling import precisions, precisions_as_drawn
from bridge.plugin import BoxTable, Ranking, ScoreOptions
from plugins.evaluators.curve import average_precision
from plugins.evaluators.darknet import DarknetProtocol


def ranking(pictures: int = 120, seed: int = 0, skill: float = 1.0) -> Ranking:
    return ranked(pictures_of(pictures, np.random.default_rng(seed)), skill, np.random.default_rng(seed + 1))


def copied(made: Ranking, drawn: NDArray[np.int64]) -> list[float]:
    """AP of each class when each picture stands there as often as it was drawn, counted one by one."""
    found = []
    for k in range(len(made.classes)):
        own = [(p, r) for p, c, r in zip(made.picture, made.class_id, made.right, strict=True) if c == k]
        right = [r for p, r in own for _ in range(drawn[p])]
        found.append(average_precision(np.array(right, np.bool_), int((made.truths[:, k] * drawn).sum()), made.points))
    return found


@settings(deadline=None, max_examples=25)
@given(st.integers(0, 10_000), st.sampled_from([0, 11, 101]))
def test_a_draw_counts_each_picture_as_often_as_it_was_drawn(seed: int, points: int) -> None:
    made = replace(ranking(8, seed), points=points)
    drawn = np.bincount(np.random.default_rng(seed).integers(0, 8, 8), minlength=8)
    wanted = copied(made, drawn)
    found = precisions(made, seed, 1)[:, 0]
    objects = drawn @ made.truths
    assert [np.isnan(ap) for ap in found] == [n == 0 for n in objects]
    assert [ap for ap in found if not np.isnan(ap)] == pytest.approx(
        [ap for ap, n in zip(wanted, objects, strict=True) if n], abs=1e-6
    )


@pytest.mark.parametrize("points", [0, 11])
def test_the_number_itself_is_the_protocols(points: int) -> None:
    one = np.zeros(3, np.int64)
    names = (("a", "b", "c"), ("nut", "none"))
    truth = BoxTable(*names, np.array([0, 1, 2]), one, np.array([[0, 0, 9, 9]] * 3, np.float64))
    found = BoxTable(
        *names, np.array([0, 2, 1]), one, truth.corners + np.array([[0], [5], [1]]), np.array([0.9, 0.8, 0.7])
    )
    options = ScoreOptions(points=points)
    scores = DarknetProtocol().score(truth, found, options)
    told = intervals(DarknetProtocol().rank(truth, found, options), resamples=50)
    assert told.mean.value == pytest.approx(scores.map, abs=1e-12)
    assert told.classes[0] is not None
    assert told.classes[0].value == pytest.approx(scores.classes[0].ap, abs=1e-12)
    assert told.classes[1] is None
    assert told.mean.low <= scores.map <= told.mean.high


def test_the_same_seed_gives_the_same_interval_however_it_is_reckoned(monkeypatch: pytest.MonkeyPatch) -> None:
    made = ranking()
    first = intervals(made, seed=3, resamples=100)
    monkeypatch.setattr(resampling, "_CELLS", 1)
    assert intervals(made, seed=3, resamples=100) == first
    assert interval(made, seed=4, resamples=100) != first.mean
    assert first.mean.low < first.mean.value < first.mean.high


def test_more_pictures_make_an_interval_narrower() -> None:
    few, many = (interval(ranking(n), resamples=300) for n in (60, 960))
    assert 2.5 < (few.high - few.low) / (many.high - many.low) < 7


def test_where_nothing_varies_the_interval_is_a_point() -> None:
    perfect = replace(ranking(), right=np.ones(len(ranking().right), np.bool_))
    truths = np.zeros_like(perfect.truths)
    np.add.at(truths, (perfect.picture, perfect.class_id), 1)
    told = interval(replace(perfect, truths=truths), resamples=100)
    assert (told.low, told.value, told.high) == pytest.approx((1, 1, 1))


def test_a_run_without_objects_pictures_or_detections() -> None:
    made = ranking(4)
    nothing = np.zeros(0, np.int64)
    blind = replace(made, picture=nothing, class_id=nothing, right=np.zeros(0, np.bool_))
    assert interval(blind, resamples=20) == interval(replace(blind, truths=made.truths * 0), resamples=20)
    assert interval(blind, resamples=20).high == 0
    assert interval(replace(blind, pictures=(), truths=made.truths[:0]), resamples=20).high == 0
    assert intervals(replace(blind, classes=(), truths=made.truths[:, :0]), resamples=20).classes == ()


def test_a_better_model_on_the_same_pictures_is_told_where_apart_nothing_could_be() -> None:
    scene = pictures_of(400, np.random.default_rng(5))
    dice = np.random.default_rng(6)
    good, better = ranked(scene, 1.0, dice), ranked(scene, 1.25, dice)
    answer = compare(better, good, resamples=300)
    assert answer.answer == "yes"
    assert compare(good, better, resamples=300).answer == "no"
    assert answer.gained.value == pytest.approx(_mean(better) - _mean(good))
    # Side by side their intervals overlap: only the same pictures tell.
    assert interval(good, resamples=300).high > interval(better, resamples=300).low
    assert compare(good, good, resamples=100).answer == "cannot-tell"


def _mean(made: Ranking) -> float:
    return float(np.mean(precisions_as_drawn(made)))


def test_models_on_other_pictures_or_labels_are_not_compared() -> None:
    made = ranking(6)
    for other in (ranking(7), replace(made, truths=made.truths + 1), replace(made, pictures=tuple("abcdef"))):
        with pytest.raises(InputError, match="evaluate-tables-differ"):
            compare(made, other)


def test_a_thousand_draws_of_a_large_set_take_seconds() -> None:
    made = crowd()
    start = time.process_time()
    interval(made, resamples=100)
    assert time.process_time() - start < 1.5
