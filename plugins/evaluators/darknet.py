"""darknet's mean average precision, the number that `darknet detector map` prints (AlexeyAB and hank-ai).

The rule: every detection belongs to the truth of its own class that it overlaps most, if strictly more than the
threshold, whether or not that truth is taken already. Detections are walked from the highest score down, equal
scores in the order given; the first one of a truth is right, every other one is wrong. AP is the area under the
curve made monotone, or the mean of its height at 11 or 101 recalls.

The counts above a score (TP, FP, FN, precision, recall, F1, average IoU) are made by the same walk. darknet's own
line of them walks in the order in which its boxes happen to lie, so that two builds count differently on the same
boxes, and it divides the overlaps of the right ones by the number of all: ours is the mean over the right ones.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from bridge.errors import InputError
from bridge.model.scores import ClassScore, Scores
from bridge.plugin import BoxTable, Ranking, ScoreOptions
from plugins.evaluators.curve import average_precision
from plugins.evaluators.matching import assign
from plugins.evaluators.tables import require_alike

_COCO_POINTS, _COCO_IOU = 101, 0.5


class DarknetProtocol:
    """Mean AP as darknet computes it; classes without truth count as 0 in the mean, as they do there."""

    name = "darknet"

    def score(self, truth: BoxTable, detections: BoxTable, options: ScoreOptions) -> Scores:
        """AP per class and their mean; raises InputError when the tables are not over the same pictures and classes."""
        walk = _walk(truth, detections, options)
        aps = walk.precisions(options.points)
        found = np.bincount(walk.class_id, minlength=len(truth.classes)).tolist()
        known = walk.truths.tolist()
        classes = tuple(ClassScore(k, name, aps[k], known[k], found[k]) for k, name in enumerate(truth.classes))
        said = {
            "iou": options.iou,
            "points": options.points,
            "classes_without_truth": [c.name for c in classes if not c.truths],
            "ignored_detections": len(detections.picture) - len(walk.order),
        }
        mean = sum(aps) / len(aps) if aps else 0.0
        counts, steps = walk.counts(options), _towards_coco(walk, aps, truth, detections, options)
        return Scores(self.name, mean, classes, said, counts, pictures=len(truth.pictures), steps=steps)

    def rank(self, truth: BoxTable, detections: BoxTable, options: ScoreOptions) -> Ranking:
        """What the AP is made of; raises InputError as score does."""
        walk, size = _walk(truth, detections, options), (len(truth.pictures), len(truth.classes))
        truths = np.bincount(truth.picture * size[1] + truth.class_id, minlength=size[0] * size[1]).reshape(size)
        picture = detections.picture[walk.order]
        return Ranking(truth.pictures, truth.classes, picture, walk.class_id, walk.right, truths, options.points)


@dataclass(frozen=True, slots=True)
class _Walk:
    """The detections that have a score above 0, highest first, which of them are right, and objects of each class.

    order are their rows, overlap is that with the object that they belong to.
    """

    order: NDArray[np.intp]
    class_id: NDArray[np.int64]
    score: NDArray[np.float64]
    right: NDArray[np.bool_]
    overlap: NDArray[np.float64]
    truths: NDArray[np.int64]

    def precisions(self, points: int) -> list[float]:
        """AP of each class."""
        by_class = np.argsort(self.class_id, kind="stable")
        ends = np.cumsum(np.bincount(self.class_id, minlength=len(self.truths)))
        parts = np.split(self.right[by_class], ends[:-1]) if len(ends) else []
        return [average_precision(right, int(n), points) for right, n in zip(parts, self.truths, strict=True)]

    def counts(self, options: ScoreOptions) -> dict[str, float]:
        """What is right, wrong and missed among the detections above the threshold, and what follows from that."""
        shown = int(np.count_nonzero(self.score > options.threshold))
        right = self.right[:shown]
        hits, objects = int(np.count_nonzero(right)), int(self.truths.sum())
        return {
            "threshold": options.threshold,
            "TP": hits,
            "FP": shown - hits,
            "FN": objects - hits,
            "precision": hits / shown if shown else 0.0,
            "recall": hits / objects if objects else 0.0,
            "F1": 2 * hits / (shown + objects) if shown + objects else 0.0,
            "average_iou": float(self.overlap[:shown][right].mean()) if hits else 0.0,
        }


def _walk(truth: BoxTable, detections: BoxTable, options: ScoreOptions) -> _Walk:
    score = require_alike(truth, detections)
    if options.points and options.points < 2:
        raise InputError("evaluate-points", points=options.points)
    order = np.argsort(-score, kind="stable")[: np.count_nonzero(score > 0)]  # What is no number comes last.
    # Matched as they come, picture by picture, where what is compared lies close together.
    row, overlap = assign(truth, detections, options.iou)
    right = _first_of_each(row[order], len(truth.corners))
    known = np.bincount(truth.class_id, minlength=len(truth.classes))
    return _Walk(order, detections.class_id[order], score[order], right, overlap[order], known)


def _first_of_each(row: NDArray[np.int64], truths: int) -> NDArray[np.bool_]:
    """True for the first detection of each truth."""
    matched = np.flatnonzero(row >= 0)
    first = np.full(truths, -1, np.int64)
    first[row[matched[::-1]]] = matched[::-1]  # Written from the last to the first, so that the first one stays.
    right = np.zeros(len(row), np.bool_)
    right[first[first >= 0]] = True
    return right


def _towards_coco(
    walk: _Walk, aps: list[float], truth: BoxTable, detections: BoxTable, options: ScoreOptions
) -> dict[str, float]:
    """The mean when, one after the other, classes without truth, recalls and overlap are as COCO has them."""
    known = [k for k, n in enumerate(walk.truths) if n]
    if not known:
        return {}
    at_101 = walk.precisions(_COCO_POINTS)
    at_half = at_101
    if options.iou != _COCO_IOU:
        row, _ = assign(truth, detections, _COCO_IOU)
        right = _first_of_each(row[walk.order], len(truth.corners))
        at_half = replace(walk, right=right).precisions(_COCO_POINTS)
    named = zip(("no-truth", "points", "overlap"), (aps, at_101, at_half), strict=True)
    return {cause: sum(each[k] for k in known) / len(known) for cause, each in named}
