"""From a head's raw numbers to boxes and scores, as darknet's [yolo] layer reads them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from plugins.geometry import Fit

# A network gone astray may ask for exp(100) widths. Such boxes stay wrong, but finite: in units of the network's size.
_LARGEST = np.float32(1e4)

Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Head:
    """One [yolo] layer: its anchors (those its mask names) in network pixels, classes, and how positions are scaled."""

    anchors: tuple[tuple[float, float], ...]
    classes: int
    scale: float = 1.0
    new_coords: bool = False

    @property
    def channels(self) -> int:
        """How many numbers each cell of the layer before must give."""
        return len(self.anchors) * (5 + self.classes)


class Candidates(NamedTuple):
    """Boxes before suppression: corners (k, 4) and score per class (k, classes), 0 where not above the threshold."""

    corners: Floats
    scores: Floats


def decode(raw: Floats, head: Head, net_width: int, net_height: int, threshold: float) -> Candidates:
    """All boxes of one head (1, channels, rows, columns) whose objectness passes, in shares of the network's size."""
    rows, columns = raw.shape[2:]
    cells = raw.reshape(len(head.anchors), 5 + head.classes, rows, columns)
    passes = (cells[:, 4] if head.new_coords else _logistic(cells[:, 4])) > threshold
    # A place or size that is no number is no box.
    passes &= np.isfinite(cells[:, :4]).all(axis=1)
    # Anchors change fastest, as in darknet: equal scores keep its order.
    row, column, anchor = np.nonzero(passes.transpose(1, 2, 0))
    found = cells[anchor, :, row, column]
    # With new_coords the layer before has applied the logistic function already.
    shares = found if head.new_coords else _logistic(found)
    likely = shares[:, 4:5] * shares[:, 5:]
    scale, cell = np.float32(head.scale), np.stack((column, row), axis=1).astype(np.float32)
    middle = (cell + shares[:, :2] * scale - (scale - 1) / 2) / _pixels(columns, rows)
    size = _size(found[:, 2:4], head) * np.array(head.anchors, np.float32)[anchor] / _pixels(net_width, net_height)
    corners: Floats = np.concatenate((middle - size / 2, middle + size / 2), axis=1)
    return Candidates(corners, np.where(likely > threshold, likely, np.float32(0)))


def to_picture(corners: Floats, place: Fit, net_width: int, net_height: int) -> Floats:
    """Boxes in shares of the picture instead of the network, which the picture may fill only in part.

    darknet takes half the rest as the border here, though it drew the picture at whole pixels; so do we.
    """
    net, fit = _pixels(net_width, net_height), _pixels(place.width, place.height)
    moved = (corners - np.tile((net - fit) / 2 / net, 2)) / np.tile(fit / net, 2)
    return moved.astype(np.float32, copy=False)


def _size(raw: Floats, head: Head) -> Floats:
    with np.errstate(over="ignore"):
        factor: Floats = (raw * 2) ** 2 if head.new_coords else np.exp(raw)
    return np.minimum(factor, _LARGEST)


def _logistic(raw: Floats) -> Floats:
    with np.errstate(over="ignore"):
        return (1 / (1 + np.exp(-raw.astype(np.float64)))).astype(np.float32)


def _pixels(width: int, height: int) -> Floats:
    return np.array((width, height), np.float32)
