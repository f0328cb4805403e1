"""Average precision: what is left of a precision-recall curve as one number."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def average_precision(right: NDArray[np.bool_], truths: int, points: int) -> float:
    """AP of detections in order of falling score, each right or wrong; points 0 is the area under the curve."""
    at = np.flatnonzero(right)
    if not truths or not len(at):
        return 0.0
    # Only a right detection raises the curve: the wrong ones between count by how many went before.
    hits = np.arange(1, len(at) + 1)
    height = np.maximum.accumulate((hits / (at + 1))[::-1])[::-1]
    if not points:
        return float(height.sum() / truths)
    reached = np.searchsorted(hits / truths, recalls(points), "left")
    return float(np.append(height, 0.0)[reached].sum() / points)


def recalls(points: int) -> NDArray[np.float64]:
    """The recalls at which the curve is measured.

    darknet multiplies by the reciprocal: k / (points - 1) differs in the last bit, just where recalls are equal.
    """
    return np.arange(points, dtype=np.float64) * (1.0 / (points - 1))
