"""Of boxes that show the same thing keep the best, by darknet's three rules."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from plugins.geometry import paired_iou

NmsKind = Literal["default", "greedynms", "diounms"]


@dataclass(frozen=True, slots=True)
class Nms:
    """The rule that a cfg names: plain overlap, or overlap less a share for how far apart the middles are.

    That share is (squared distance of the middles / squared diagonal of the box around both) to the power beta.
    """

    kind: NmsKind = "default"
    beta: float = 0.6


def keep(boxes: NDArray[np.float32], threshold: float, rule: Nms) -> NDArray[np.intp]:
    """Indices of the boxes (corners, best score first) that no better kept one covers by more than the threshold."""
    left: NDArray[np.intp] = np.arange(len(boxes))
    kept = []
    while len(left):
        best, left = left[0], left[1:]
        kept.append(best)
        # Written so that an overlap that is no number suppresses nothing, as in darknet.
        left = left[~(_cover(boxes[best : best + 1], boxes[left], rule) > threshold)]
    return np.array(kept, np.intp)


def _cover(best: NDArray[np.float32], others: NDArray[np.float32], rule: Nms) -> NDArray[np.floating]:
    overlap = paired_iou(best, others)
    if rule.kind == "default":
        return overlap
    apart = np.sum(((best[:, :2] + best[:, 2:]) - (others[:, :2] + others[:, 2:])) ** 2, axis=1) / 4
    around = np.maximum(best[:, 2:], others[:, 2:]) - np.minimum(best[:, :2], others[:, :2])
    diagonal = np.sum(around**2, axis=1)
    # greedynms has its 0.6 written into darknet's code; beta_nms counts for diounms only.
    beta = 0.6 if rule.kind == "greedynms" else rule.beta
    share = np.divide(apart, diagonal, out=np.zeros_like(apart), where=diagonal > 0) ** beta
    return np.asarray(overlap - share)
