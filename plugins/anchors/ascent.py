"""Climbing from anchors to better ones: gradient ascent on the mean best IoU itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bridge.overlap import nearest

if TYPE_CHECKING:
    from bridge.overlap import Sizes

# Adam's: how much of the last directions and of their squares is kept, and the first step, in parts of a side.
_KEPT, _KEPT_SQUARES = 0.8, 0.9
_STRIDE = 0.02


def climb(boxes: Sizes, anchors: Sizes, steps: int) -> Sizes:
    """So many steps of Adam, ever shorter, in the logarithms of the sides; the best point on the way."""
    import numpy as np

    point, best, top = np.log(anchors.astype(np.float64)), anchors, 0.0
    speed, power = np.zeros_like(point), np.zeros_like(point)
    for step in range(1, steps + 1):
        here = np.exp(point).astype(boxes.dtype)
        value, slope = gradient(boxes, here)
        if value > top:
            top, best = value, here
        speed = _KEPT * speed + (1 - _KEPT) * slope
        power = _KEPT_SQUARES * power + (1 - _KEPT_SQUARES) * slope**2
        ahead = (speed / (1 - _KEPT**step)) / (np.sqrt(power / (1 - _KEPT_SQUARES**step)) + 1e-12)
        point = point + _STRIDE * (1 - step / (steps + 1)) * ahead
    return best


def gradient(boxes: Sizes, anchors: Sizes) -> tuple[float, Sizes]:
    """Mean best IoU and its derivative by the logarithms of the anchors' sides.

    With IoU = inner / union and both areas together = union * (1 + IoU): a longer side of the anchor adds to inner only
    while it is the shorter one (IoU * (1 + IoU) a part), and always takes away IoU * area / union.
    """
    import numpy as np

    labels, iou = nearest(boxes, anchors)
    mine, n = anchors[labels], len(anchors)
    area = mine[:, 0] * mine[:, 1]
    loss = np.bincount(labels, iou * (1 + iou) * area / (area + boxes[:, 0] * boxes[:, 1]), n)
    gain = iou * (1 + iou)
    slope = [np.bincount(labels, gain * (mine[:, side] < boxes[:, side]), n) - loss for side in (0, 1)]
    return float(iou.mean(dtype=np.float64)), np.column_stack(slope) / len(boxes)
