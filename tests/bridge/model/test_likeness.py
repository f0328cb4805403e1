"""When two regions are the same thing marked twice."""

from __future__ import annotations

from bridge.model.annotation import Box, Region
from bridge.model.likeness import likeness


def test_ids_order_of_labels_and_of_corners_do_not_count() -> None:
    a = Region("rectangle", ((1.0, 2.0), (3.0, 4.0)), ("犬", "猫"), "a", None, None, {"x": 1})
    b = Region("rectangle", ((3.0, 2.0004), (1.0, 4.0)), ("猫", "犬"), "b", "checkpoint:1", 0.5)
    assert likeness(a) == likeness(b) is not None


def test_place_labels_and_shape_do() -> None:
    region = Region.rectangle(Box(1, 2, 3, 4), "犬")
    others = [
        Region.rectangle(Box(1, 2, 3, 4.01), "犬"),
        Region.rectangle(Box(1, 2, 3, 4), "猫"),
        Region("polygon", ((1.0, 2.0), (3.0, 4.0)), ("犬",)),
    ]
    assert likeness(region) not in [likeness(r) for r in others]


def test_without_a_sound_box_there_is_none() -> None:
    assert likeness(Region("point", ((1.0, 1.0),))) is None
    assert likeness(Region.rectangle(Box(float("nan"), 0, 1, 1))) is None
    assert likeness(Region("polygon", ((0.0, 0.0), (float("inf"), 1.0)))) is None
