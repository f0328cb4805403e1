from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from plugins import geometry

coordinates = st.floats(-50, 400, allow_nan=False)
sides = st.floats(0, 300, allow_nan=False)
boxes = st.lists(st.tuples(coordinates, coordinates, sides, sides), min_size=1, max_size=6).map(
    lambda rows: np.array([(x, y, x + w, y + h) for x, y, w, h in rows])
)


def plain_iou(a: Any, b: Any) -> float:
    width = min(a[2], b[2]) - max(a[0], b[0])
    height = min(a[3], b[3]) - max(a[1], b[1])
    if width <= 0 or height <= 0:
        return 0.0
    union = (a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - width * height
    return float(width * height / union) if union > 0 else 0.0


@settings(deadline=None, max_examples=50)
@given(boxes, boxes)
def test_iou_is_the_plain_rule_and_symmetric(a: NDArray[Any], b: NDArray[Any]) -> None:
    found = geometry.iou(a, b)
    assert found == pytest.approx(np.array([[plain_iou(p, q) for q in b] for p in a]), abs=1e-12)
    assert found == pytest.approx(geometry.iou(b, a).T)


def test_touching_boxes_do_not_overlap_and_a_box_covers_itself() -> None:
    box, beside = np.array([[0.0, 0, 10, 10]]), np.array([[10.0, 0, 20, 10]])
    assert geometry.paired_iou(box, beside).tolist() == [0.0]
    assert geometry.paired_iou(box, box).tolist() == [1.0]


def test_corners_out_of_order_have_no_area() -> None:
    assert geometry.areas(np.array([[5.0, 5, 1, 9], [0, 0, 2, 3]])).tolist() == [0.0, 6.0]


@settings(deadline=None, max_examples=30)
@given(boxes)
def test_clipped_boxes_are_inside_and_clipping_again_changes_nothing(rows: NDArray[Any]) -> None:
    clipped = geometry.clip(rows, 320, 240)
    assert (clipped >= 0).all()
    assert (clipped[:, 0::2] <= 320).all()
    assert (clipped[:, 1::2] <= 240).all()
    assert np.array_equal(geometry.clip(clipped, 320, 240), clipped)


def test_rotating_turns_clockwise_about_the_top_left_corner() -> None:
    turned = geometry.rotate(np.array([[10.0, 20, 14, 22]]), np.array([90.0]))
    assert turned[0] == pytest.approx(np.array([(10, 20), (10, 24), (8, 24), (8, 20)]))


@settings(deadline=None, max_examples=30)
@given(boxes, st.floats(-360, 360))
def test_rotating_keeps_the_sides(rows: NDArray[Any], degrees: float) -> None:
    corners = geometry.rotate(rows, np.full(len(rows), degrees))
    assert np.hypot(*(corners[:, 1] - corners[:, 0]).T) == pytest.approx(rows[:, 2] - rows[:, 0], abs=1e-9)
    assert np.hypot(*(corners[:, 3] - corners[:, 0]).T) == pytest.approx(rows[:, 3] - rows[:, 1], abs=1e-9)


@pytest.mark.parametrize(
    ("picture", "network", "fit"),
    [
        ((320, 240), (128, 96), (128, 96, 0, 0)),
        ((500, 100), (128, 96), (128, 25, 0, 35)),
        ((60, 60), (128, 96), (96, 96, 16, 0)),
        ((333, 777), (416, 416), (178, 416, 119, 0)),
        ((9000, 10), (416, 416), (416, 1, 0, 207)),
    ],
)
def test_letterbox_fits_whole_pixels(
    picture: tuple[int, int], network: tuple[int, int], fit: tuple[int, int, int, int]
) -> None:
    assert geometry.letterbox(*picture, *network) == fit


def darknet_resize(picture: NDArray[np.uint8], width: int, height: int) -> NDArray[np.float32]:
    """What darknet does in resize_image, line by line, with its 32-bit steps."""
    f = np.float32
    rows, columns, channels = picture.shape
    image = picture.astype(f) / f(255)
    part = np.zeros((rows, width, channels), f)
    out = np.zeros((height, width, channels), f)
    across, down = f(columns - 1) / f(width - 1), f(rows - 1) / f(height - 1)
    for c in range(width):
        at = f(c) * across
        x = int(at)
        share = f(at - f(x))
        if c == width - 1 or columns == 1:
            part[:, c] = image[:, columns - 1]
        else:
            part[:, c] = (f(1) - share) * image[:, x] + share * image[:, x + 1]
    for r in range(height):
        at = f(r) * down
        y = int(at)
        share = f(at - f(y))
        out[r] = (f(1) - share) * part[y]
        if r != height - 1 and rows != 1:
            out[r] += share * part[y + 1]
    return out


@pytest.mark.parametrize("size", [(1, 1), (7, 5), (40, 30), (96, 64), (61, 33), (200, 3)])
@pytest.mark.parametrize("network", [(32, 32), (64, 32), (61, 33)])
def test_resizing_is_darknets_own(size: tuple[int, int], network: tuple[int, int]) -> None:
    picture = np.random.default_rng(1).integers(0, 256, (size[1], size[0], 3), np.uint8)
    assert np.array_equal(geometry.resize(picture, *network, "darknet"), darknet_resize(picture, *network))


def test_the_black_last_row_of_some_sizes_is_kept() -> None:
    # 32-bit rounding ends above the source's last row here; darknet then counts a 1/30000 share of one row only.
    heights = [h for h in range(20, 400) if int(np.float32(95) * (np.float32(h - 1) / np.float32(95))) != h - 1]
    assert heights, "no such size: the rule would not be tested"
    white = np.full((heights[0], 10, 3), 255, np.uint8)
    resized = geometry.resize(white, 64, 96, "darknet")
    assert resized[-1].max() < 0.01
    assert resized[:-1] == pytest.approx(1.0)


def test_half_pixel_resizing_is_opencvs() -> None:
    cv2 = pytest.importorskip("cv2")
    picture = np.random.default_rng(2).integers(0, 256, (51, 77, 3), np.uint8)
    for size in ((32, 32), (128, 96), (77, 51)):
        ours = np.rint(geometry.resize(picture, *size, "half-pixel") * 255)
        exact = cv2.resize(picture, size, interpolation=cv2.INTER_LINEAR_EXACT)
        fast = cv2.resize(picture, size, interpolation=cv2.INTER_LINEAR)
        assert np.abs(ours - exact).max() <= 1
        assert (ours != exact).mean() < 0.01
        assert np.abs(ours - fast).max() <= 1


def test_the_same_size_changes_no_pixel() -> None:
    picture = np.random.default_rng(3).integers(0, 256, (24, 36, 1), np.uint8)
    for how in ("darknet", "half-pixel"):
        assert np.array_equal(np.rint(geometry.resize(picture, 36, 24, how) * 255), picture)


def test_rotation_by_a_full_circle_is_none() -> None:
    box = np.array([[3.0, 4, 8, 9]])
    assert geometry.rotate(box, np.array([360.0]))[0, 2] == pytest.approx((8, 9), abs=1e-12)
    assert math.isclose(geometry.rotate(box, np.array([180.0]))[0, 2, 0], -2)
