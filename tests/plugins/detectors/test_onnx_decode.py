from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from plugins.detectors.onnx.decode import Head, decode, to_picture
from plugins.geometry import letterbox

ANCHORS = ((10.0, 14.0), (40.0, 20.0))


def logistic(value: float) -> float:
    return 1 / (1 + math.exp(-value))


def plain(raw: NDArray[Any], head: Head, width: int, height: int, threshold: float) -> list[list[float]]:
    """One cell and anchor after the other: corners and class scores."""
    found = []
    rows, columns = raw.shape[2:]
    same = float if head.new_coords else logistic
    for row in range(rows):
        for column in range(columns):
            for n, anchor in enumerate(head.anchors):
                start = n * (5 + head.classes)
                tx, ty, tw, th, to, *classes = raw[0, start : start + 5 + head.classes, row, column].tolist()
                if same(to) <= threshold:
                    continue
                x = (column + same(tx) * head.scale - (head.scale - 1) / 2) / columns
                y = (row + same(ty) * head.scale - (head.scale - 1) / 2) / rows
                grow = (lambda t: 4 * t * t) if head.new_coords else math.exp
                w, h = grow(tw) * anchor[0] / width, grow(th) * anchor[1] / height
                scores = [same(to) * same(c) for c in classes]
                kept = [s if s > threshold else 0.0 for s in scores]
                found.append([x - w / 2, y - h / 2, x + w / 2, y + h / 2, *kept])
    return found


@pytest.mark.parametrize(("scale", "new_coords"), [(1.0, False), (1.05, False), (2.0, True)])
def test_it_is_the_plain_rule(scale: float, new_coords: bool) -> None:
    head = Head(ANCHORS, 3, scale, new_coords)
    rng = np.random.default_rng(4)
    raw = (rng.random if new_coords else rng.standard_normal)((1, head.channels, 3, 4)).astype(np.float32)
    found = decode(raw, head, 128, 96, 0.25)
    wanted = np.array(plain(raw, head, 128, 96, 0.25))
    assert 0 < len(wanted) < 24
    assert np.concatenate((found.corners, found.scores), axis=1) == pytest.approx(wanted, abs=1e-5)


def test_boxes_of_a_network_gone_astray_stay_finite_or_are_none() -> None:
    head = Head(ANCHORS, 1)
    raw = np.zeros((1, head.channels, 1, 1), np.float32)
    raw[0, 2:5, 0, 0] = 1000, 1000, 5
    raw[0, 6:8, 0, 0] = np.nan
    found = decode(raw, head, 128, 96, 0.3)
    assert len(found.corners) == 1
    assert np.isfinite(found.corners).all()
    assert found.corners[0, 2] > 100


def test_objectness_that_is_no_number_is_no_box() -> None:
    head = Head(ANCHORS, 1)
    assert len(decode(np.full((1, head.channels, 2, 2), np.nan, np.float32), head, 128, 96, 0.0).corners) == 0


def test_a_letter_boxed_pictures_own_shares() -> None:
    place = letterbox(500, 100, 128, 96)
    inside = np.array([[0, (96 - 25) / 2 / 96, 1, (96 + 25) / 2 / 96]], np.float32)
    assert to_picture(inside, place, 128, 96)[0] == pytest.approx([0, 0, 1, 1], abs=1e-6)
