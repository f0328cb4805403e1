"""How sure a mean AP is, and whether one model is better than another: a bootstrap over the held-out pictures.

The interval is what 95 % (or another level) of the resamplings give, widened for small numbers: a class whose objects
lie in m pictures varies a little more than its resamplings do (by m / (m - 1)), and the fewer pictures carry the doubt,
the longer its tails are (Student's t instead of the normal, its degrees of freedom by Welch and Satterthwaite). Without
that the intervals of runs with rare classes cover the truth too seldom.
"""

from __future__ import annotations

import math
from statistics import NormalDist
from typing import TYPE_CHECKING, Literal

from bridge.errors import InputError
from bridge.loop.resampling import precisions, precisions_as_drawn
from bridge.model.scores import Comparison, Interval, Intervals
from bridge.plugin import Ranking

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

RESAMPLES = 1000
LEVEL = 0.95
_LEAST_FREEDOM = 3.0


def interval(ranking: Ranking, seed: int = 0, resamples: int = RESAMPLES, level: float = LEVEL) -> Interval:
    """The mean AP with its interval; the same seed gives the same interval."""
    return intervals(ranking, seed, resamples, level).mean


def intervals(ranking: Ranking, seed: int = 0, resamples: int = RESAMPLES, level: float = LEVEL) -> Intervals:
    """Intervals of the mean AP and of the AP of each class (None for a class without objects)."""
    drawn, here = precisions(ranking, seed, resamples), precisions_as_drawn(ranking)
    spread = _Spread(ranking, level)
    classes = tuple(spread.of_class(k, here, drawn) for k in range(len(here)))
    return Intervals(spread.of_mean(here, drawn), classes, level, resamples, seed)


def compare(
    ranking: Ranking, other: Ranking, seed: int = 0, resamples: int = RESAMPLES, level: float = LEVEL
) -> Comparison:
    """Whether the first model is better than the other on the same pictures: yes, no, or it cannot be told.

    Both are judged on the same drawn pictures, so that what is hard for both does not count. Raises InputError
    evaluate-tables-differ when they were not measured on the same pictures, classes and labels.
    """
    import numpy as np

    same = (ranking.pictures, ranking.classes) == (other.pictures, other.classes)
    if not same or not np.array_equal(ranking.truths, other.truths):
        raise InputError("evaluate-tables-differ")
    drawn = precisions(ranking, seed, resamples) - precisions(other, seed, resamples)
    here = precisions_as_drawn(ranking) - precisions_as_drawn(other)
    gained = _Spread(ranking, level).of_mean(here, drawn)
    answer: Literal["yes", "no", "cannot-tell"] = (
        "yes" if gained.low > 0 else "no" if gained.high < 0 else "cannot-tell"
    )
    return Comparison(gained, answer, level, resamples, seed)


class _Spread:
    """Bounds of means and classes, as wide as the number of pictures with objects makes them."""

    def __init__(self, ranking: Ranking, level: float) -> None:
        import numpy as np

        self._holding: NDArray[np.int64] = np.maximum((ranking.truths > 0).sum(axis=0), 2)
        self._known: NDArray[np.bool_] = ranking.truths.sum(axis=0) > 0
        self._normal = NormalDist().inv_cdf((1 + level) / 2)

    def of_mean(self, here: NDArray[np.float64], drawn: NDArray[np.float64]) -> Interval:
        """The mean over all classes, of which those without any object count as 0, as in darknet.

        A class of which a resampling has drawn no object is left out of its mean.
        """
        import numpy as np

        known = self._known
        if not known.any() or not drawn.shape[1]:
            return Interval(0.0, 0.0, 0.0)
        share = np.count_nonzero(known) / len(known)
        counted = np.isfinite(drawn).sum(axis=0)
        sums = np.nansum(drawn, axis=0)
        means = np.divide(sums, counted, out=np.zeros_like(sums), where=counted > 0) * share
        value = float(here[known].mean()) * share
        return self._interval(value, means, drawn[known], self._holding[known])

    def of_class(self, k: int, here: NDArray[np.float64], drawn: NDArray[np.float64]) -> Interval | None:
        """One class."""
        import numpy as np

        own = drawn[k][np.isfinite(drawn[k])]
        if not self._known[k] or not len(own):
            return None
        return self._interval(float(here[k]), own, own[None], self._holding[k : k + 1])

    def _interval(
        self, value: float, means: NDArray[np.float64], parts: NDArray[np.float64], holding: NDArray[np.int64]
    ) -> Interval:
        import numpy as np

        outer = NormalDist().cdf(-_widened(self._normal, parts, holding))
        low, high = np.quantile(means, (outer, 1 - outer))
        return Interval(value, float(min(low, value)), float(max(high, value)))


def _widened(normal: float, parts: NDArray[np.float64], holding: NDArray[np.int64]) -> float:
    """How many standard deviations the interval reaches, where a large sample would take `normal`."""
    import numpy as np

    some = np.isfinite(parts).any(axis=1)
    drawn, holding = np.nanvar(parts[some], axis=1), holding[some]
    real = drawn * holding / (holding - 1)
    if not real.sum() > 0:
        return normal
    freedom = max(float(real.sum() ** 2 / (real**2 / (holding - 1)).sum()), _LEAST_FREEDOM)
    return _student(normal, freedom) * math.sqrt(float(real.sum() / drawn.sum()))


def _student(z: float, freedom: float) -> float:
    """Student's quantile where the normal distribution has z (the first terms of the Cornish-Fisher expansion)."""
    first = (z**3 + z) / (4 * freedom)
    return z + first + (5 * z**5 + 16 * z**3 + 3 * z) / (96 * freedom**2)
