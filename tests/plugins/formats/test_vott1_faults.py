"""The formulas of VoTT's exports, each applied to regions drawn at random: the checker finds the one that was used."""

from __future__ import annotations

import math

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from plugins.formats.vott1.exports.faults import (
    CANVAS_HEIGHT,
    NO_NUMBER,
    OLD_CANVAS,
    OTHER_SIZE,
    OUTSIDE,
    Cause,
    Drawn,
    Four,
    Screens,
    Size,
    baked_box,
    best_screen,
    cause,
    fractions,
    since_1_7,
    until_1_6,
)

SIZES = st.tuples(st.integers(100, 4000), st.integers(100, 4000))
SIDES = st.tuples(st.floats(0.02, 0.6), st.floats(0.1, 0.38))


def written(line: Four) -> Four:
    """As VoTT writes it, six decimals."""
    x, y, w, h = (round(number, 6) for number in line)
    return x, y, w, h


def clipped(corners: Four, size: Size) -> Four:
    left, top, right, bottom = corners
    return max(left, 0.0), max(top, 0.0), min(right, float(size[0])), min(bottom, float(size[1]))


def drawn(at: tuple[float, float], by: tuple[float, float], recorded: Size, size: Size, canvas: bool) -> Drawn:
    """A region at a fraction of its picture, noted in pixels of the canvas or of the picture."""
    left, top = at[0] * size[0], at[1] * size[1]
    corners = left, top, left + by[1] * size[0], top + by[1] * size[1]
    scale = recorded[0] / size[0]
    noted = tuple(number * scale for number in corners) if canvas else corners
    assert len(noted) == 4
    numbers: Four = (noted[0], noted[1], noted[2], noted[3])
    box = baked_box(numbers, recorded, size) if canvas else corners
    whole = fractions(corners, size)
    return Drawn(numbers, recorded, size, box, fractions(clipped(corners, size), size), whole)


def moved(line: Four, region: Drawn) -> float:
    """How many pixels the furthest edge of a line is away from where it should be."""
    assert region.right is not None
    (x, y, w, h), (rx, ry, rw, rh), (width, height) = line, region.right, region.size
    edges = [(x - w / 2 - rx + rw / 2) * width, (x + w / 2 - rx - rw / 2) * width]
    return max(map(abs, [*edges, (y - h / 2 - ry + rh / 2) * height, (y + h / 2 - ry - rh / 2) * height]))


@given(SIZES, SIDES, SIDES, st.sampled_from([400, 733, 1100]))
@settings(max_examples=60, deadline=None)
def test_a_right_line_is_never_blamed(size: Size, at: Size, by: Size, stage: int) -> None:
    screens = Screens([(1200, 400), (640, 480), size])
    canvas = stage, round(stage * size[1] / size[0])
    assume(canvas[1] > 50)
    for region in (drawn(at, by, size, size, False), drawn(at, by, canvas, size, True)):
        assert region.right is not None
        assert cause(written(region.right), region, screens) == Cause("")
        assert cause(region.right, region, screens) == Cause("")
    assert cause(written(until_1_6(drawn(at, by, size, size, False), size)), region, screens) == Cause("")


@given(SIZES, SIDES, SIDES, st.integers(300, 900))
@settings(max_examples=60, deadline=None)
def test_the_height_of_the_stage(size: Size, at: Size, by: Size, stage: int) -> None:
    region = drawn(at, by, (1100, stage), size, True)
    line = written(until_1_6(region, size))
    assume(moved(line, region) > 1.1)
    assert cause(line, region, Screens([size, (640, 480)])).rule == CANVAS_HEIGHT


@given(SIZES, SIDES, SIDES, SIZES, SIZES)
@settings(max_examples=60, deadline=None)
def test_the_size_of_another_picture(size: Size, at: Size, by: Size, screen: Size, other: Size) -> None:
    region = drawn(at, by, size, size, False)
    line = written(until_1_6(region, screen))
    assume(moved(line, region) > 1.1)
    found = cause(line, region, Screens([size, other, screen]))
    assert found.rule == OTHER_SIZE
    assert screen in found.screens


@given(SIZES, SIDES, SIDES, st.integers(300, 1200), st.integers(300, 900))
@settings(max_examples=60, deadline=None)
def test_the_canvas_of_an_older_version(size: Size, at: Size, by: Size, width: int, height: int) -> None:
    region = drawn(at, by, (width, height), size, True)
    line = written(since_1_7(region))
    assume(moved(line, region) > 1.1)
    assert cause(line, region, Screens([size])).rule in (OLD_CANVAS, CANVAS_HEIGHT)
    if line != written(until_1_6(region, size)):
        assert cause(line, region, Screens([size])).rule == OLD_CANVAS


@given(SIZES, SIDES, st.floats(0.02, 0.3))
@settings(max_examples=40, deadline=None)
def test_a_box_over_the_edge(size: Size, by: Size, beyond: float) -> None:
    region = drawn((-beyond, 0.1), (0.0, beyond + 0.2), size, size, False)
    assume(beyond * size[0] > 1.1)
    for line in (region.whole, until_1_6(region, size)):
        assert cause(written(line), region, Screens([size])).rule == OUTSIDE


def test_the_size_that_explains_most_is_taken_for_all() -> None:
    one, other = (640, 480), (1200, 400)
    both, single = Cause(OTHER_SIZE, (one, other)), Cause(OTHER_SIZE, (other,))
    assert best_screen([both, single]) == {both: other, single: other}


def test_infinity_is_no_number() -> None:
    region = drawn((0.1, 0.1), (0.2, 0.2), (640, 480), (640, 480), False)
    assert cause((math.inf, math.nan, 1.0, 1.0), region, Screens([])).rule == NO_NUMBER


def test_ten_thousand_sizes_are_not_all_tried() -> None:
    """The right edge of a line tells the width that was on the screen but for a few pixels."""
    screens = Screens([(width, 480) for width in range(100, 10_100)])
    region = drawn((0.25, 0.25), (0.25, 0.25), (640, 480), (640, 480), False)
    found = cause(written(until_1_6(region, (1200, 480))), region, screens)
    assert (1200, 480) in found.screens
    assert len(found.screens) < 10
