from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.model.annotation import Box, Region
from plugins.formats.vott2.region import LOST, drawable, read_region, render_region


def raw(left: float, top: float, width: float, height: float, **changes: Any) -> dict[str, Any]:
    right, bottom = left + width, top + height
    corners = [(left, top), (right, top), (right, bottom), (left, bottom)]
    return {
        "id": "aB3_xYz-0",
        "type": "RECTANGLE",
        "tags": ["水着"],
        "boundingBox": {"height": height, "width": width, "left": left, "top": top},
        "points": [{"x": x, "y": y} for x, y in corners],
    } | changes


# The order in which VoTT's own import of a v1 project leaves them.
OTHER_ORDER = [{"x": 1, "y": 2}, {"x": 1, "y": 6}, {"x": 4, "y": 2}, {"x": 4, "y": 6}]


def rules(record: object) -> list[str]:
    return [flaw[0] for flaw in read_region(record)[1]]


def test_a_rectangle_as_vott_writes_it_needs_nothing_kept() -> None:
    region, flaws = read_region(raw(10, 20, 30, 40, tags=["kimono", "水着"]))
    assert region == Region.rectangle(Box(10, 20, 40, 60), "kimono", "水着", region_id="aB3_xYz-0")
    assert flaws == ()
    assert (region.extra, render_region(region, "x")) == (
        {},
        raw(10, 20, 30, 40, tags=["kimono", "水着"]) | {"id": "x"},
    )


@pytest.mark.parametrize(
    ("record", "kind", "points"),
    [
        (raw(1, 2, 3, 4, type="SQUARE"), "rectangle", ((1, 2), (4, 6))),
        (raw(1, 2, 3, 4, type="POLYGON"), "polygon", ((1, 2), (4, 2), (4, 6), (1, 6))),
        (raw(1, 2, 3, 4, type="POLYLINE", points=[{"x": 1, "y": 2}, {"x": 9, "y": 9}]), "polyline", ((1, 2), (9, 9))),
        (raw(5, 6, 0, 0, type="POINT", points=[{"x": 5, "y": 6}]), "point", ((5, 6),)),
        (raw(10, 10, -4, -3, points=[]), "rectangle", ((10, 10), (6, 7))),  # swapped corners stay as they are
        (raw(1, 2, 3, 4, points=None), "rectangle", ((1, 2), (4, 6))),
        (raw(1, 2, 3, 4, boundingBox=None), "rectangle", ((1, 2), (4, 6))),
        (raw(1, 2, 3, 4, points=OTHER_ORDER), "rectangle", ((1, 2), (4, 6))),
        (raw(1, 2, 3, 4, type="CIRCLE"), "rectangle", ((1, 2), (4, 6))),
        (raw(1, 2, 3, 4, type="POLYGON", points=[{"x": 1, "y": 2}]), "damaged", ()),
        (raw(1, 2, 3, 4, type=None), "rectangle", ((1, 2), (4, 6))),
        ("nonsense", "damaged", ()),
    ],
)  # fmt: skip
def test_shapes_are_read_and_come_back_as_they_were(record: Any, kind: str, points: Any) -> None:
    region, _ = read_region(record)
    assert (region.kind, region.points) == (kind, points)
    assert render_region(region, region.region_id or "") == record


def test_points_that_contradict_the_box_win_and_it_is_said() -> None:
    record = raw(10, 10, 10, 10) | {"points": raw(10, 10, 15, 10)["points"]}
    region, flaws = read_region(record)
    assert region.points == ((10, 10), (25, 20))
    assert [(flaw[0], flaw[2]["ours"], flaw[2]["theirs"]) for flaw in flaws] == [
        ("disagreement", "10, 10, 25, 20", "10, 10, 20, 20")
    ]


def test_a_pixel_of_rounding_is_no_contradiction() -> None:
    assert rules(raw(10, 10, 10, 10) | {"points": raw(10, 10, 10.9, 10)["points"]}) == []


@pytest.mark.parametrize("value", ["36", None, True, [1], math.nan, math.inf, 10**400])
def test_what_is_no_number_is_kept_and_never_a_box(value: Any) -> None:
    for key in ("left", "width"):
        record = raw(1, 2, 3, 4, points=[{"x": value, "y": 1}] * 4)
        record["boundingBox"][key] = value
        region, _ = read_region(record)
        assert (region.kind, region.box, region.labels) == ("damaged", None, ("水着",))
        assert render_region(region, "aB3_xYz-0") is record


@pytest.mark.parametrize(
    ("tags", "found"),
    [
        ([], ["untagged"]),
        (None, ["untagged"]),
        ([""], ["untagged"]),
        (5, ["untagged", "bad-tag"]),
        ([1, None], ["untagged", "bad-tag"]),
    ],
)
def test_a_region_without_tags_is_kept_and_said(tags: Any, found: list[str]) -> None:
    region, _ = read_region(raw(1, 2, 3, 4, tags=tags))
    assert region.labels == ()
    assert rules(raw(1, 2, 3, 4, tags=tags)) == found
    assert render_region(region, "aB3_xYz-0")["tags"] == tags


def test_tags_of_the_first_preview_are_objects() -> None:
    record = raw(1, 2, 3, 4, tags=[{"name": "kimono", "properties": {}}])
    region, flaws = read_region(record)
    assert (region.labels, flaws) == (("kimono",), ())
    assert render_region(region, "aB3_xYz-0") == record


def test_unknown_fields_outlive_a_change() -> None:
    region, _ = read_region(raw(1, 2, 3, 4, confidence=0.5))
    moved = replace(region, points=((2.0, 2.0), (5.0, 6.0)), labels=("kimono",))
    assert render_region(moved, "aB3_xYz-0") == raw(2, 2, 3, 4, tags=["kimono"], confidence=0.5)


def test_last_digits_that_differ_come_back_exactly_and_a_move_forgets_them() -> None:
    record = raw(100.1, 0.2, 0.3, 50.7)
    record["points"][1]["x"] = record["points"][2]["x"] = math.nextafter(100.4, 200)
    region, _ = read_region(record)
    assert render_region(region, "aB3_xYz-0") == record
    assert len(region.extra["vott"]) == 4
    moved = render_region(replace(region, points=((1.0, 2.0), (3.0, 5.0))), "aB3_xYz-0")
    assert moved == raw(1, 2, 2, 3)


numbers = st.one_of(st.integers(-50, 5000), st.floats(-50, 5000, allow_nan=False))
junk = st.one_of(st.none(), st.text(max_size=3), st.booleans(), numbers)
sides = st.sampled_from(["left", "top", "width", "height"])
records = st.one_of(
    st.builds(raw, numbers, numbers, numbers, numbers, tags=st.lists(st.text(max_size=4), max_size=3)),
    st.builds(raw, numbers, numbers, numbers, numbers, type=st.sampled_from(["SQUARE", "POLYGON", "POINT", "x"])),
    st.dictionaries(st.sampled_from(["id", "type", "tags", "boundingBox", "points", "k"]), junk),
    st.fixed_dictionaries({"type": st.just("RECTANGLE"), "boundingBox": st.dictionaries(sides, junk)}),
)  # fmt: skip


@given(records)
@settings(max_examples=150, deadline=None)
def test_whatever_was_read_is_written_back(record: dict[str, Any]) -> None:
    region, _ = read_region(record)
    again = render_region(region, region.region_id or "")
    assert again == record or {**record, "id": again["id"]} == again


def test_a_turned_box_and_an_ellipse_become_polygons_of_the_same_place() -> None:
    turned = Region("rotated", ((10, 0), (20, 10), (10, 20), (0, 10)), ("a",))
    assert drawable(turned) == Region("polygon", turned.points, ("a",))
    ellipse = Region("ellipse", ((30, 20), (10, 40), (-10, 20), (10, 0)), ("a",))
    polygon = drawable(ellipse)
    assert polygon is not None
    assert polygon.kind == "polygon"
    box, wanted = polygon.box, ellipse.box
    assert box is not None
    assert wanted is not None
    assert (box.left, box.top) == pytest.approx((wanted.left, wanted.top))
    assert (box.right, box.bottom) == pytest.approx((wanted.right, wanted.bottom))


def test_a_brush_has_no_shape_here() -> None:
    assert render_region(Region("brush", (), ("a",)), "x") is LOST
    assert render_region(Region("damaged", (), ("a",)), "x") is LOST
    assert render_region(read_region(None)[0], "x") is None
