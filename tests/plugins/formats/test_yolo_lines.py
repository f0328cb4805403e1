from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.model.annotation import Box, Region
from plugins.formats.yolo.lines import label_lines, parse_lines, to_box


@pytest.mark.parametrize(
    ("text", "class_id", "flaw"),
    [
        ("0 0.5 0.5 0.3 0.3", 0, ""),
        ("  12\t0.5  .5 3e-1 1 ", 12, ""),
        ("-1 0.5 0.5 0.3 0.3", -1, ""),
        ("0 0.5 0.5 0.3 0.3 0.97", 0, "extra-columns"),
        ("0,0.5,0.5,0.3,0.3", 0, "label-comma"),
        ("0, 0.5, 0.5, 0.3, 0.3", 0, "label-comma"),
        ("0 0,5 0,5 0,3 0,3", 0, "label-comma"),
        ("0.0 0.5 0.5 0.3 0.3", 0, "float-class"),
        ("7.00 0.5 0.5 0.3 0.3", 7, "float-class"),
        ("1.5 0.5 0.5 0.3 0.3", -1, "bad-number"),
        ("0 0.5 0.5 0.3", -1, "bad-number"),
        ("kimono 0.5 0.5 0.3 0.3", -1, "bad-number"),
        ("0 0.5 nan 0.3 0.3", -1, "bad-number"),
        ("0 0.5 inf 0.3 0.3", -1, "bad-number"),
        ("0 1_0 0.5 0.3 0.3", -1, "bad-number"),
        ("０ 0.5 0.5 0.3 0.3", -1, "bad-number"),
        ("0", -1, "bad-number"),
        ("{", -1, "bad-number"),
    ],
)
def test_a_line_is_read_however_odd_it_is(text: str, class_id: int, flaw: str) -> None:
    (line,) = parse_lines(text)
    assert (line.class_id, line.flaw, line.number, line.text) == (class_id, flaw, 1, text)
    assert (line.fractions is None) == (flaw == "bad-number")


def test_fractions_are_those_of_the_line() -> None:
    for text in (
        "0 0.5 0.25 0.3 0.4",
        "0,0.5,0.25,0.3,0.4",
        "0 0,5 0,25 0,3 0,4",
        "0.0 0.5 0.25 0.3 0.4",
        "0 0.5 0.25 0.3 0.4 9",
    ):
        assert parse_lines(text)[0].fractions == (0.5, 0.25, 0.3, 0.4)


def test_blank_lines_are_none_and_numbers_are_those_of_the_file() -> None:
    assert [line.number for line in parse_lines("\n0 1 1 1 1\n \n\n0 1 1 1 1\n")] == [2, 5]
    assert parse_lines("") == []


def test_centre_and_size_become_corners() -> None:
    assert to_box((0.5, 0.5, 0.25, 0.5), 640, 480) == Box(240, 120, 400, 360)


@given(st.text(max_size=30))
@settings(max_examples=80, deadline=None)
def test_no_text_is_too_odd(text: str) -> None:
    for line in parse_lines(text):
        assert (line.fractions is None) == (line.flaw == "bad-number")


MIDDLE = "0.2000000000 0.4000000000 0.2000000000 0.4000000000"


def lines(*regions: Region) -> list[str]:
    return label_lines(regions, ("a", "b"), 100, 100)


def box(left: float, top: float, right: float, bottom: float, *labels: str) -> Region:
    return Region.rectangle(Box(left, top, right, bottom), *(labels or ("a",)))


def test_one_line_per_box_and_label() -> None:
    assert lines(box(10, 20, 30, 60, "b", "a", "b")) == [
        "1 0.2000000000 0.4000000000 0.2000000000 0.4000000000",
        "0 0.2000000000 0.4000000000 0.2000000000 0.4000000000",
    ]


@pytest.mark.parametrize(
    ("region", "place"),
    [
        (box(-10, -10, 20, 20), "0.1000000000 0.1000000000 0.2000000000 0.2000000000"),
        (box(90, 0, 900, 10), "0.9500000000 0.0500000000 0.1000000000 0.1000000000"),
        (box(30, 60, 10, 20), MIDDLE),
        (Region("polygon", ((10, 20), (30, 40), (20, 60)), ("a",)), MIDDLE),
        (Region("ellipse", ((30, 40), (20, 60), (10, 40), (20, 20)), ("a",)), MIDDLE),
    ],
)  # fmt: skip
def test_what_darknet_gets_lies_inside_and_in_order(region: Region, place: str) -> None:
    assert lines(region) == [f"0 {place}"]


@pytest.mark.parametrize(
    "region",
    [
        box(10, 10, 10, 20),
        box(10, 10, 20, 10.0001),
        box(100, 10, 120, 20),
        box(99.5, 10, 120, 20),  # a strip thinner than a pixel is no object
        box(-30, -30, -10, -10),
        box(math.nan, 0, 5, 5),
        box(10, 10, 20, 20, "no such label"),
        Region("rectangle", ((10, 10), (20, 20)), ()),
        Region("point", ((10, 10),), ("a",)),
        Region("polyline", ((10, 10), (50, 10)), ("a",)),
        Region("damaged", (), ("a",)),
        Region("brush", (), ("a",)),
    ],
)
def test_what_is_no_object_gives_no_line(region: Region) -> None:
    assert lines(region) == []


sides = st.tuples(st.floats(0, 4000), st.floats(0, 3000), st.floats(0.01, 4000), st.floats(0.01, 3000))


@given(sides, st.integers(1, 4000), st.integers(1, 3000))
@settings(max_examples=100, deadline=None)
def test_a_box_comes_back_to_the_thousandth_of_a_pixel(
    sides: tuple[float, float, float, float], width: int, height: int
) -> None:
    left, top, right, bottom = sides[0], sides[1], sides[0] + sides[2], sides[1] + sides[3]
    written = label_lines([box(left, top, right, bottom)], ("a",), width, height)
    inside = Box(left, top, right, bottom).clipped(width, height)
    assert len(written) <= 1
    for line in parse_lines("\n".join(written)):
        assert line.fractions is not None
        back = to_box(line.fractions, width, height)
        for side in ("left", "top", "right", "bottom"):
            assert getattr(back, side) == pytest.approx(getattr(inside, side), abs=1e-4)
