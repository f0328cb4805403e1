"""darknet's own way to anchors, as AlexeyAB's `calc_anchors` goes it, to say what it would reach and for who wants it.

It begins with as many random boxes, gives every box to the anchor of the highest IoU, moves each anchor to the mean of
its boxes, until no box changes hands; one run, seeded by the clock, though it prints "k-means++". pjreddie's darknet
has no such command.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from bridge.overlap import average_iou
from plugins.anchors.clusters import cluster, means, sample

if TYPE_CHECKING:
    from bridge.overlap import Sizes

# Every run ends elsewhere: the middle one of so many is told. Of very many boxes it is given a sample.
_RUNS, _BOXES = 5, 20_000


def darknet_iou(boxes: Sizes, n: int, seed: int) -> float:
    """The average IoU that calc_anchors reaches on these boxes: the median of several of its runs.

    Of more than 20 000 boxes a random 20 000 are clustered; the IoU of the middle run is that on all.
    """
    import numpy as np

    rng = np.random.default_rng([seed, n])
    some = sample(boxes.astype(np.float32), _BOXES, rng)  # darknet, too, counts in single precision.
    starts = [some[rng.choice(len(some), n, replace=False)] for _ in range(_RUNS)]
    found = sorted((cluster(some, start, means) for start in starts), key=lambda anchors: average_iou(some, anchors))
    return average_iou(boxes, found[_RUNS // 2].astype(np.float64))
