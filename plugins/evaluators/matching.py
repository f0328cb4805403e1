"""Which truth each detection belongs to, as darknet has it: the one it overlaps most, taken or not."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from bridge.plugin import BoxTable
from plugins.geometry import paired_iou

# Pairs of detection and truth compared at once; bounds the memory in crowded pictures.
_PAIRS = 500_000


def assign(truth: BoxTable, detections: BoxTable, threshold: float) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """For each detection the row of the truth that it belongs to and their overlap; -1 and 0 for none.

    Of equal overlaps the first truth wins; the overlap must be more than the threshold.
    """
    truth_key, key = _key(truth), _key(detections)
    by_key = np.argsort(truth_key, kind="stable")
    ordered = truth_key[by_key]
    first = np.searchsorted(ordered, key, "left")
    count = np.searchsorted(ordered, key, "right") - first
    found, overlaps = np.full(len(key), -1, np.int64), np.zeros(len(key))
    for rows in _slices(count):
        pairs = _Pairs(rows, first[rows], count[rows])
        overlap = paired_iou(detections.corners[pairs.row], truth.corners[by_key[pairs.other]])
        best = np.maximum.reduceat(overlap, pairs.start)
        # Of several truths with the best overlap the first is meant: write backwards, so that it is written last.
        top = np.flatnonzero(overlap == np.repeat(best, count[rows]))[::-1]
        found[pairs.row[top]] = by_key[pairs.other[top]]
        overlaps[rows] = best
        weak = rows[~(best > threshold)]
        found[weak], overlaps[weak] = -1, 0
    return found, overlaps


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
