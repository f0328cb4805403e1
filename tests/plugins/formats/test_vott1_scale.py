from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.model.annotation import Image
from plugins.formats.vott1.scale import placed


def raw(corners: tuple[float, ...], size: tuple[float, float], box: tuple[float, ...] | None = None) -> dict[str, Any]:
    keys = ("x1", "y1", "x2", "y2")
    region: dict[str, Any] = dict(zip(keys, corners, strict=True)) | {"width": size[0], "height": size[1]}
    return region | ({"box": dict(zip(keys, box, strict=True))} if box else {})


def test_canvas_pixels_become_source_pixels() -> None:
    found = placed(raw((182, 137, 366, 412), (733, 550)), Image("a.jpg", 640, 480))
    assert found is not None
    assert found.corners == pytest.approx((158.9, 119.56, 319.56, 359.56), abs=0.01)
    assert (found.canvas, found.scale.note) == (True, "")


def test_a_tall_picture_keeps_its_own_factors() -> None:
    # 333 x 777 on a stage 550 high: the canvas is 235 wide, cut off from 235.7.
    found = placed(raw((61, 77, 200, 357), (235, 550)), Image("a.jpg", 333, 777))
    assert found is not None
    assert (found.scale.y, found.scale.note) == (777 / 550, "")


def test_the_stages_height_on_a_wide_picture_is_not_believed() -> None:
    # VoTT 1.0.9: drawn at y 0.25 to 0.75 of a 1200 x 400 picture, stored against the stage's 550.
    found = placed(raw((275, 91, 550, 274), (1100, 550)), Image("wide.jpg", 1200, 400))
    assert found is not None
    assert found.corners == pytest.approx((300, 100, 600, 300), abs=1.2)
    assert found.scale.note == "canvas-height"


def test_a_dragged_region_of_a_wide_picture_is_consistent() -> None:
    found = placed(raw((283, 68, 558, 190), (1100, 366)), Image("wide.jpg", 1200, 400))
    assert found is not None
    assert (found.scale.y, found.scale.note) == (400 / 366, "")


def test_a_migrated_region_is_worked_out_from_what_was_drawn() -> None:
    # 1.7.2 baked the wrong height into the box.
    region = raw((275, 91, 550, 274), (1100, 550), box=(300, 66.2, 600, 199.3))
    found = placed(region, Image("wide.jpg", 1200, 400))
    assert found is not None
    assert found.corners == pytest.approx((300, 100, 600, 300), abs=1.2)


def test_source_pixels_are_taken_as_they_are() -> None:
    corners = (160.0679172056921, 120.00000000000001, 320.1358344113842, 360)
    found = placed(raw(corners, (640, 480), box=corners), Image("a.jpg", 640, 480))
    assert found is not None
    assert (found.corners, found.canvas) == (corners, False)


def test_a_picture_made_smaller_since_takes_its_boxes_along() -> None:
    found = placed(raw((100, 100, 200, 200), (640, 480), box=(100, 100, 200, 200)), Image("a.jpg", 320, 240))
    assert found is not None
    assert (found.corners, found.scale.note) == ((50, 50, 100, 100), "resized")


def test_a_picture_of_another_shape_moves_nothing_and_says_so() -> None:
    found = placed(raw((100, 100, 200, 200), (640, 480), box=(100, 100, 200, 200)), Image("a.jpg", 500, 500))
    assert found is not None
    assert (found.corners, found.scale.note) == ((100, 100, 200, 200), "aspect")


def test_a_size_that_only_fits_the_turned_picture_means_turned_boxes() -> None:
    region = raw((10, 20, 110, 220), (480, 640), box=(10, 20, 110, 220))
    turned = placed(region, Image("a.jpg", 640, 480, orientation=6))
    plain = placed(region, Image("a.jpg", 640, 480, orientation=1))
    assert turned is not None
    assert plain is not None
    assert (turned.turned, turned.scale.note) == (True, "")
    assert (plain.turned, plain.scale.note) == (False, "aspect")


@pytest.mark.parametrize("bad", [None, "12", True, float("nan"), float("inf"), 10**400, [1]])
def test_what_is_no_number_places_nothing(bad: object) -> None:
    assert placed({"x1": 1, "y1": 1, "x2": bad, "y2": 5}, Image("a.jpg", 640, 480)) is None


@given(
    st.tuples(st.integers(50, 4000), st.integers(50, 4000)),
    st.tuples(st.integers(400, 1400), st.integers(300, 900)),
    st.tuples(*[st.floats(0, 1)] * 4),
)
@settings(max_examples=100, deadline=None)
def test_what_vott_stores_comes_back_to_a_canvas_pixel(
    size: tuple[int, int], stage: tuple[int, int], part: tuple[float, float, float, float]
) -> None:
    """A box drawn on any picture on any stage, stored as 1.0.9 does (also its wrong height), comes back."""
    fit = min(stage[0] / size[0], stage[1] / size[1])
    canvas = (size[0] * fit, size[1] * fit)
    corners = tuple(round(p * canvas[i % 2]) for i, p in enumerate(part))
    for height in (int(canvas[1]), stage[1]):
        found = placed(raw(corners, (int(canvas[0]), height)), Image("a.jpg", *size))
        assert found is not None
        slack = 3.5 / fit + 0.02 * max(size)
        for value, p, side in zip(found.corners, part, size * 2, strict=True):
            assert abs(value - p * side) <= slack


def test_a_picture_that_is_too_wide_for_the_stage_only_after_its_turn() -> None:
    # Stored 30 x 90, seen 90 x 30 on a stage of 1100 x 550: the canvas was 366 high, the stage's height was noted.
    found = placed(raw((275, 91, 550, 274), (1100, 550)), Image("a.jpg", 30, 90, orientation=6))
    assert found is not None
    assert found.corners == pytest.approx((22.5, 7.5, 45, 22.5), abs=0.1)
    assert (found.turned, found.scale.note) == (True, "canvas-height")
    seen_as_stored = placed(raw((275, 91, 550, 274), (1100, 550)), Image("a.jpg", 90, 30, orientation=6))
    assert seen_as_stored is not None
    assert not seen_as_stored.turned
