"""AP on resampled pictures: what the number would have been had other pictures of the same kind been held out.

Each resampling draws as many pictures as there are, with replacement; a picture drawn twice counts twice, with all that
is in it. The same seed draws the same pictures, so that two models can be compared picture by picture.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bridge.plugin import Ranking

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

# Numbers held at once for one class, about; several resamplings are made side by side as far as that goes.
_CELLS = 2_000_000
_LEAST, _MOST = 16, 512


def precisions(ranking: Ranking, seed: int, resamples: int) -> NDArray[np.float64]:
    """AP of each class in each resampling, (classes, resamples); not-a-number where no object was drawn."""
    import numpy as np

    curves = [_Curve.of(ranking, k) for k in range(len(ranking.classes))]
    width = min(max(_CELLS // max(len(ranking.picture), 1), _LEAST), _MOST)
    blocks = [_aps(curves, ranking, weight) for weight in _weights(len(ranking.pictures), seed, resamples, width)]
    return np.concatenate(blocks, axis=1)


def precisions_as_drawn(ranking: Ranking) -> NDArray[np.float64]:
    """AP of each class on the pictures as they are; not-a-number for a class without objects."""
    import numpy as np

    curves = [_Curve.of(ranking, k) for k in range(len(ranking.classes))]
    return _aps(curves, ranking, np.ones((len(ranking.pictures), 1)))[:, 0]


def _weights(pictures: int, seed: int, resamples: int, width: int) -> Iterator[NDArray[np.floating]]:
    """How often each picture is drawn, (pictures, a few resamplings)."""
    import numpy as np

    dice = np.random.default_rng(seed)
    for start in range(0, resamples, width):
        many = min(width, resamples - start)
        drawn = [np.bincount(dice.integers(0, max(pictures, 1), pictures), minlength=pictures) for _ in range(many)]
        # Whole numbers, which 32 bits hold exactly up to 16 million: far more than the detections of a run.
        yield np.stack(drawn, axis=1).astype(np.float32)


def _aps(curves: list[_Curve], ranking: Ranking, weight: NDArray[np.floating]) -> NDArray[np.float64]:
    import numpy as np

    objects = ranking.truths.T.astype(weight.dtype) @ weight
    aps = [curve.aps(weight, n, ranking.points) for curve, n in zip(curves, objects, strict=True)]
    return np.array(aps, np.float64).reshape(len(curves), weight.shape[1])


@dataclass(frozen=True, slots=True)
class _Curve:
    """Detections of a class: the picture of each, of the right ones (hit), and where the stretch up to each begins."""

    picture: NDArray[np.int64]
    start: NDArray[np.intp]
    hit: NDArray[np.int64]

    @classmethod
    def of(cls, ranking: Ranking, class_id: int) -> _Curve:
        import numpy as np

        own = np.flatnonzero(ranking.class_id == class_id)
        right = np.flatnonzero(ranking.right[own])
        # Wrong detections after the last right one change no AP.
        picture = ranking.picture[own[: right[-1] + 1]] if len(right) else own[:0]
        return cls(picture, np.concatenate(([0], right[:-1] + 1)), picture[right])

    def aps(self, weight: NDArray[np.floating], objects: NDArray[np.floating], points: int) -> NDArray[np.float64]:
        """AP in each resampling."""
        import numpy as np

        ap = np.where(objects > 0, 0.0, np.nan)
        if not len(self.hit):
            return ap
        own = weight[self.hit]
        hits = np.cumsum(own, axis=0)
        seen = np.cumsum(np.add.reduceat(weight[self.picture], self.start, axis=0), axis=0)
        precision = np.divide(hits, seen, out=np.zeros_like(hits), where=seen > 0)
        height = np.maximum.accumulate(precision[::-1], axis=0)[::-1]
        if points:
            return _at_recalls(ap, hits, height, objects, points)
        area = (own * height).sum(axis=0, dtype=np.float64)
        np.divide(area, objects, out=ap, where=objects > 0)
        return ap


def _at_recalls(
    ap: NDArray[np.float64],
    hits: NDArray[np.floating],
    height: NDArray[np.floating],
    objects: NDArray[np.floating],
    points: int,
) -> NDArray[np.float64]:
    """The mean height of each curve at so many recalls."""
    import numpy as np

    recalls = np.arange(points) * (1.0 / (points - 1))
    for k in np.flatnonzero(objects > 0):
        at = np.searchsorted(hits[:, k].astype(np.float64) / float(objects[k]), recalls, "left")
        ap[k] = np.append(height[:, k], 0.0)[at].sum() / points
    return ap
