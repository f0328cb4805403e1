"""Boxes and pictures as numpy arrays: areas, overlap, clipping, turning, and the ways darknet resizes a picture."""

from __future__ import annotations

from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

Boxes = NDArray[np.floating]
"""(…, 4): left, top, right, bottom."""

Resize = Literal["darknet", "half-pixel"]

_ONE, _WHITE = np.float32(1), np.float32(255)


def areas(boxes: Boxes) -> Boxes:
    """Area of each box; 0 where corners are not in order."""
    return _positive(boxes[..., 2] - boxes[..., 0]) * _positive(boxes[..., 3] - boxes[..., 1])


def paired_iou(a: Boxes, b: Boxes) -> Boxes:
    """Overlap of a[i] with b[i] as intersection over union, 0 where there is none; shapes broadcast."""
    width = np.minimum(a[..., 2], b[..., 2]) - np.maximum(a[..., 0], b[..., 0])
    height = np.minimum(a[..., 3], b[..., 3]) - np.maximum(a[..., 1], b[..., 1])
    shared = _positive(width) * _positive(height)
    return np.divide(shared, areas(a) + areas(b) - shared, out=np.zeros_like(shared), where=shared > 0)


def iou(a: Boxes, b: Boxes) -> Boxes:
    """Overlap of every a with every b, (n, m)."""
    return paired_iou(a[:, None], b[None])


def _positive(lengths: Boxes) -> Boxes:
    kept: Boxes = np.maximum(lengths, 0)
    return kept


def clip(boxes: Boxes, width: float, height: float) -> Boxes:
    """The parts of the boxes inside a picture of width x height."""
    return np.clip(boxes, 0, np.array((width, height, width, height), boxes.dtype))


def rotate(boxes: Boxes, degrees: Boxes) -> Boxes:
    """The four corners (n, 4, 2) of boxes turned clockwise, as seen on a screen, about their top-left corner."""
    turn = np.deg2rad(degrees)[:, None]
    x = np.stack((np.zeros(len(boxes)), boxes[:, 2] - boxes[:, 0]), axis=1)[:, [0, 1, 1, 0]]
    y = np.stack((np.zeros(len(boxes)), boxes[:, 3] - boxes[:, 1]), axis=1)[:, [0, 0, 1, 1]]
    turned = (x * np.cos(turn) - y * np.sin(turn), x * np.sin(turn) + y * np.cos(turn))
    return np.stack(turned, axis=2) + boxes[:, None, :2]


class Fit(NamedTuple):
    """Where a picture lies inside a network of another shape: its size there, and darknet's whole-pixel offset."""

    width: int
    height: int
    left: int
    top: int


def letterbox(width: int, height: int, net_width: int, net_height: int) -> Fit:
    """The largest size of the picture's own shape that fits the network, rounded down as in darknet, but not to 0."""
    if np.float32(net_width) / np.float32(width) < np.float32(net_height) / np.float32(height):
        fit_width, fit_height = net_width, max(height * net_width // width, 1)
    else:
        fit_width, fit_height = max(width * net_height // height, 1), net_height
    return Fit(fit_width, fit_height, (net_width - fit_width) // 2, (net_height - fit_height) // 2)


def resize(picture: NDArray[np.uint8], width: int, height: int, how: Resize) -> NDArray[np.float32]:
    """A (h, w, c) picture of bytes at another size, as floats 0 to 1.

    "darknet" aligns the corner pixels, as darknet's own code does; "half-pixel" aligns the pixels' edges and rounds
    to whole grey levels, as OpenCV does, which builds of darknet with OpenCV use. Neither smooths when shrinking.
    """
    if how == "half-pixel":
        x, y = _edges_aligned(picture.shape[1], width), _edges_aligned(picture.shape[0], height)
        levels: NDArray[np.float32] = np.floor(_blend(picture, x, y, _ONE) + np.float32(0.5))
        return levels / _WHITE
    return _blend(picture, _columns(picture.shape[1], width), _rows(picture.shape[0], height), _WHITE)


class _Axis(NamedTuple):
    """For each pixel along one side: the two source pixels and the share that each has."""

    first: NDArray[np.intp]
    second: NDArray[np.intp]
    first_share: NDArray[np.float32]
    second_share: NDArray[np.float32]


def _rows(source: int, target: int) -> _Axis:
    # darknet computes in 32 bits; where rounding puts the last row just above the source's last, only the
    # upper row's tiny share is counted, and the row comes out black. Networks have learnt that: keep it.
    at = np.arange(target, dtype=np.float32) * (np.float32(source - 1) / np.float32(max(target - 1, 1)))
    first = at.astype(np.intp)
    share = at - first.astype(np.float32)
    lower = share.copy()
    lower[-1] = 0
    return _Axis(first, np.minimum(first + 1, source - 1), _ONE - share, lower)


def _columns(source: int, target: int) -> _Axis:
    axis = _rows(source, target)
    axis.first[-1], axis.first_share[-1] = source - 1, 1  # The last column is copied.
    return axis


def _edges_aligned(source: int, target: int) -> _Axis:
    at = ((np.arange(target) + 0.5) * (source / target) - 0.5).clip(0, source - 1)
    first = at.astype(np.intp)
    share = (at - first).astype(np.float32)
    return _Axis(first, np.minimum(first + 1, source - 1), _ONE - share, share)


def _blend(picture: NDArray[np.uint8], x: _Axis, y: _Axis, white: np.float32) -> NDArray[np.float32]:
    """Columns first, then rows, in 32 bits; only the source pixels that count are touched."""
    x_first, x_second = x.first_share[:, None], x.second_share[:, None]

    def across(rows: NDArray[np.intp]) -> NDArray[np.float32]:
        lines = picture[rows]
        left, right = lines[:, x.first].astype(np.float32), lines[:, x.second].astype(np.float32)
        return x_first * (left / white) + x_second * (right / white)

    blended: NDArray[np.float32] = y.first_share[:, None, None] * across(y.first)
    return blended + y.second_share[:, None, None] * across(y.second)
