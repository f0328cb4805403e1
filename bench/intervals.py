"""How often an interval holds the true number, and how long a thousand draws take.

The truth is what a simulated model reaches on so many pictures that chance is gone. 200 held-out sets of the usual
sizes are drawn from the same pictures; each gives an interval, and the share of those that hold the truth is what 95 %
should mean. The same for the difference of two models, and for the answer where there is no difference.
"""

from __future__ import annotations

import resource
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from bench.detectors import COMMON, crowd, pictures_of, ranked
from bench.measure import Row
from bridge.loop.intervals import compare, interval
from bridge.loop.resampling import precisions_as_drawn
from bridge.model.scores import Interval
from bridge.plugin import Ranking

_SKILLS = (1.0, 1.3)
_TRUTH = 200_000
_LEAST, _MOST = 0.90, 0.98
# Of fewer sets the share says nothing.
_ENOUGH = 200


def measure(folder: Path, quick: bool) -> list[Row]:
    """Small and large held-out sets, with and without rare classes."""
    sets, draws = (20, 100) if quick else (200, 1000)
    rows = []
    for pictures, often in ((60, COMMON), (100, COMMON[:2]), (300, COMMON), (1000, COMMON)):
        truths = [_mean(_model(_TRUTH, often, 0, skill)) for skill in _SKILLS]
        what = f"{pictures} pictures, {len(often)} classes"
        rows.append(_row(f"mAP of {what}", truths[0], sets, lambda seed: _alone(pictures, often, seed, draws)))  # noqa: B023
        gained = truths[1] - truths[0]
        rows.append(_row(f"gain of a model, {what}", gained, sets, lambda seed: _paired(pictures, often, seed, draws)))  # noqa: B023
    return [*rows, _same_row(sets, draws), _speed_row(draws)]


def _model(pictures: int, often: tuple[float, ...], seed: int, skill: float) -> Ranking:
    """The same seed gives the same pictures to models of every skill."""
    return ranked(pictures_of(pictures, np.random.default_rng(seed), often), skill, np.random.default_rng((seed, 1)))


def _mean(made: Ranking) -> float:
    return float(precisions_as_drawn(made).mean())


def _alone(pictures: int, often: tuple[float, ...], seed: int, draws: int) -> Interval:
    return interval(_model(pictures, often, seed, _SKILLS[0]), seed, draws)


def _paired(pictures: int, often: tuple[float, ...], seed: int, draws: int) -> Interval:
    usual, better = (_model(pictures, often, seed, skill) for skill in _SKILLS)
    return compare(better, usual, seed, draws).gained


def _row(what: str, truth: float, sets: int, of: Callable[[int], Interval]) -> Row:
    found = [of(seed) for seed in range(1, sets + 1)]
    share = sum(one.low <= truth <= one.high for one in found) / sets
    met = _LEAST <= share <= _MOST if sets >= _ENOUGH else None
    width = 100 * sum(one.high - one.low for one in found) / sets
    beside = f"{sets} sets; true {100 * truth:.1f} %, mean width {width:.1f} points"
    return Row(f"95 % interval: {what}", f"{100 * share:.1f} % hold it", beside, "-", "90 to 98 %", met)


def _same_row(sets: int, draws: int) -> Row:
    """Two models of equal skill on the same pictures: a plain yes or no is wrong."""
    wrong = 0
    for seed in range(1, sets + 1):
        scene = pictures_of(300, np.random.default_rng(seed))
        one, other = (ranked(scene, _SKILLS[0], np.random.default_rng((seed, n))) for n in (1, 2))
        wrong += compare(one, other, seed, draws).answer != "cannot-tell"
    told = f"{100 * (1 - wrong / sets):.1f} % cannot tell"
    met = wrong / sets <= 1 - _LEAST if sets >= _ENOUGH else None
    return Row("two models alike, 300 pictures", told, f"{sets} sets", "-", "90 to 100 %", met)


def _speed_row(draws: int) -> Row:
    made = crowd()
    began = time.process_time()
    interval(made, resamples=draws)
    taken = time.process_time() - began
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6
    what = f"{draws:,} draws of {len(made.pictures):,} pictures, {len(made.picture):,} detections"
    return Row(what, f"{taken:.1f} CPU s, {memory:.0f} MB", "-", "-", "≤ 5 CPU s", taken <= 5 * draws / 1000)
