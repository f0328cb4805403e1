"""darknet's mean average precision, the number that `darknet detector map` prints (AlexeyAB and hank-ai).

The rule: every detection belongs to the truth of its own class that it overlaps most, if strictly more than the
threshold, whether or not that truth is taken already. Detections are walked from the highest score down, equal
scores in the order given; the first one of a truth is right, every other one is wrong. AP is the area under the
curve made monotone, or the mean of its height at 11 or 101 recalls.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from bridge.errors import InputError
from bridge.model.scores import ClassScore, Scores
from bridge.plugin import BoxTable, ScoreOptions
from plugins.evaluators.tables import require_alike
from plugins.geometry import paired_iou

# Pairs of detection and truth compared at once; bounds the memory in crowded pictures.
_PAIRS = 2_000_000


class DarknetProtocol:
    """Mean AP as darknet computes it; classes without truth count as 0 in the mean, as they do there."""

    name = "darknet"

    def score(self, truth: BoxTable, detections: BoxTable, options: ScoreOptions) -> Scores:
        """AP per class and their mean; raises InputError when the tables are not over the same pictures and classes."""
        scored, ignored = _scored(truth, detections, options)
        matched = assign(truth, scored, options.iou)
        classes = tuple(
            _class_score(truth, scored, matched, class_id, name, options.points)
            for class_id, name in enumerate(truth.classes)
        )
        said = {
            "iou": options.iou,
            "points": options.points,
            "classes_without_truth": [c.name for c in classes if not c.truths],
            "ignored_detections": ignored,
        }
        mean = sum(c.ap for c in classes) / len(classes) if classes else 0.0
        return Scores(self.name, mean, classes, said, pictures=len(truth.pictures))


def _scored(truth: BoxTable, detections: BoxTable, options: ScoreOptions) -> tuple[BoxTable, int]:
    """The detections that have a score above 0, highest first, and how many have none."""
    score = require_alike(truth, detections)
    if options.points and options.points < 2:
        raise InputError("evaluate-points", points=options.points)
    kept = np.flatnonzero(score > 0)
    ranked = kept[np.argsort(-score[kept], kind="stable")]
    table = BoxTable(
        detections.pictures,
        detections.classes,
        detections.picture[ranked],
        detections.class_id[ranked],
        detections.corners[ranked],
        score[ranked],
    )
    return table, len(score) - len(kept)


def assign(truth: BoxTable, detections: BoxTable, threshold: float) -> NDArray[np.int64]:
    """For each detection the row of the truth it belongs to, -1 for none; of equal overlaps the first truth wins."""
    truth_key, key = _key(truth), _key(detections)
    by_key = np.argsort(truth_key, kind="stable")
    first = np.searchsorted(truth_key[by_key], key, "left")
    count = np.searchsorted(truth_key[by_key], key, "right") - first
    found = np.full(len(key), -1, np.int64)
    for rows in _slices(count):
        pairs = _Pairs(rows, first[rows], count[rows])
        overlap = paired_iou(detections.corners[pairs.row], truth.corners[by_key[pairs.other]])
        best = np.maximum.reduceat(overlap, pairs.start)
        # Of several truths with the best overlap the first is meant: write backwards, so that it is written last.
        top = np.flatnonzero(overlap == np.repeat(best, count[rows]))[::-1]
        found[pairs.row[top]] = by_key[pairs.other[top]]
        found[rows[~(best > threshold)]] = -1
    return found


def _key(table: BoxTable) -> NDArray[np.int64]:
    return table.picture * len(table.classes) + table.class_id


def _slices(count: NDArray[np.intp]) -> Iterator[NDArray[np.intp]]:
    """Rows that have anything to be compared with, in slices of bounded work."""
    rows = np.flatnonzero(count)
    if len(rows):
        yield from np.split(rows, np.flatnonzero(np.diff(np.cumsum(count[rows]) // _PAIRS)) + 1)


class _Pairs:
    """Every row beside each of its `count` others, which lie side by side from `first` on."""

    def __init__(self, rows: NDArray[np.intp], first: NDArray[np.intp], count: NDArray[np.intp]) -> None:
        self.start = np.concatenate(([0], np.cumsum(count)[:-1]))
        self.row = np.repeat(rows, count)
        self.other = np.arange(len(self.row)) + np.repeat(first - self.start, count)


def _class_score(
    truth: BoxTable, ranked: BoxTable, matched: NDArray[np.int64], class_id: int, name: str, points: int
) -> ClassScore:
    truths = int(np.count_nonzero(truth.class_id == class_id))
    own = matched[ranked.class_id == class_id]
    ap = average_precision(_right(own), truths, points)
    return ClassScore(class_id, name, ap, truths, len(own))


def _right(matched: NDArray[np.int64]) -> NDArray[np.bool_]:
    """True for the first detection of each truth."""
    right = np.zeros(len(matched), np.bool_)
    rows, first = np.unique(matched, return_index=True)
    right[first[rows >= 0]] = True
    return right


def average_precision(right: NDArray[np.bool_], truths: int, points: int) -> float:
    """AP of detections in order of falling score, each right or wrong; points 0 is the area under the curve."""
    if not truths or not len(right):
        return 0.0
    hits = np.cumsum(right)
    recall = hits / truths
    precision = hits / np.arange(1, len(hits) + 1)
    height = np.maximum.accumulate(precision[::-1])[::-1]
    if not points:
        return float(np.sum(np.diff(recall, prepend=0.0) * height))
    # darknet multiplies by the reciprocal: k / (points - 1) differs in the last bit, just where recalls are equal.
    grid = np.arange(points) * (1.0 / (points - 1))
    at = np.searchsorted(recall, grid, "left")
    return float(np.sum(np.append(height, 0.0)[at]) / points)
