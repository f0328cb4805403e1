"""k-means on sizes of boxes: how it begins, and what the middle of a cluster is."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from bridge.overlap import nearest

if TYPE_CHECKING:
    import numpy as np

    from bridge.overlap import Labels, Sizes

    Middle = Callable[[Sizes, Labels, Sizes], Sizes]

# darknet stops after so many rounds, and seldom needs a tenth of them.
_ROUNDS = 1000


def sample(boxes: Sizes, most: int, rng: np.random.Generator) -> Sizes:
    """So many boxes at random; all of them where there are no more."""
    return boxes if len(boxes) <= most else boxes[rng.choice(len(boxes), most, replace=False)]


def spread(boxes: Sizes, n: int, rng: np.random.Generator) -> Sizes:
    """k-means++: each further start is drawn with the square of its distance (1 - IoU) to the nearest one so far."""
    import numpy as np

    chosen = [int(rng.integers(len(boxes)))]
    far: Sizes = np.ones(len(boxes))
    while len(chosen) < n:
        far = np.minimum(far, 1 - nearest(boxes, boxes[chosen[-1:]])[1])
        weight = np.square(far)
        total = weight.sum()
        chosen.append(int(rng.choice(len(boxes), p=weight / total if total > 0 else None)))
    return boxes[chosen]


def cluster(boxes: Sizes, anchors: Sizes, middle: Middle, rounds: int = _ROUNDS) -> Sizes:
    """Give each box to its best anchor and move the anchors into the middle of theirs, until no box changes hands."""
    import numpy as np

    labels, _ = nearest(boxes, anchors)
    for _ in range(rounds):
        anchors = middle(boxes, labels, anchors)
        before, (labels, _) = labels, nearest(boxes, anchors)
        if np.array_equal(before, labels):
            break
    return anchors


def medians(boxes: Sizes, labels: Labels, anchors: Sizes) -> Sizes:
    """The median box of each anchor's boxes; an anchor without any stays."""
    import numpy as np

    members = (boxes[labels == i] for i in range(len(anchors)))
    return np.array([np.median(m, axis=0) if len(m) else a for m, a in zip(members, anchors, strict=True)])


def means(boxes: Sizes, labels: Labels, anchors: Sizes) -> Sizes:
    """The mean box of each anchor's boxes; an anchor without any stays."""
    import numpy as np

    count = np.bincount(labels, minlength=len(anchors))[:, None]
    sums = np.column_stack([np.bincount(labels, boxes[:, side], len(anchors)) for side in (0, 1)])
    return np.where(count > 0, sums / np.maximum(count, 1), anchors).astype(boxes.dtype)
