"""Of boxes that show the same thing keep the best, by darknet's three rules."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from plugins.geometry import paired_iou

NmsKind = Literal["default", "greedynms", "diounms"]

# Pairs compared at once; bounds the memory when a network that has learnt nothing finds thousands of boxes.
_AT_ONCE = 1_000_000


@dataclass(frozen=True, slots=True)
class Nms:
    """The rule that a cfg names: plain overlap, or overlap less a share for how far apart the middles are.

    That share is (squared distance of the middles / squared diagonal of the box around both) to the power beta.
    """

    kind: NmsKind = "default"
    beta: float = 0.6


def covering(boxes: NDArray[np.float32], threshold: float, rule: Nms) -> NDArray[np.bool_]:
    """(n, n): whether of two boxes (corners) the better would suppress the other; the same for every class."""
    covered = np.empty((len(boxes), len(boxes)), np.bool_)
    step = max(1, _AT_ONCE // max(len(boxes), 1))
    for start in range(0, len(boxes), step):
        # An overlap that is no number suppresses nothing, as in darknet.
        covered[start : start + step] = _cover(boxes[start : start + step, None], boxes[None], rule) > threshold
    return covered


def keep(rows: NDArray[np.intp], covered: NDArray[np.bool_]) -> NDArray[np.intp]:
    """Those of the rows (best score first) that no better kept one covers."""
    gone = np.zeros(len(covered), np.bool_)
    kept = []
    for row in rows.tolist():
        if not gone[row]:
            kept.append(row)
            gone |= covered[row]
    return np.array(kept, np.intp)


def _cover(a: NDArray[np.float32], b: NDArray[np.float32], rule: Nms) -> NDArray[np.floating]:
    overlap = paired_iou(a, b)
    if rule.kind == "default":
        return overlap
    apart = np.sum(((a[..., :2] + a[..., 2:]) - (b[..., :2] + b[..., 2:])) ** 2, axis=-1) / 4
    around = np.maximum(a[..., 2:], b[..., 2:]) - np.minimum(a[..., :2], b[..., :2])
    diagonal = np.sum(around**2, axis=-1)
    # greedynms has its 0.6 written into darknet's code; beta_nms counts for diounms only.
    beta = 0.6 if rule.kind == "greedynms" else rule.beta
    share = np.divide(apart, diagonal, out=np.zeros_like(apart), where=diagonal > 0) ** beta
    return np.asarray(overlap - share)
