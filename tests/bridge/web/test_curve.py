from __future__ import annotations

import math
from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.model.training import RunEvent
from bridge.web.pages.curve import POINTS, curve, points_of, thin


def iteration(n: int, average: float | None) -> RunEvent:
    return RunEvent("iteration", {"iteration": n, "loss": average, "avg_loss": average}, n)


def test_a_resumed_attempt_takes_the_place_of_what_it_trained_again() -> None:
    events = [iteration(1, 9.0), iteration(2, 8.0), iteration(3, 7.0), iteration(2, 5.0), RunEvent("saved", {})]
    assert points_of(events) == [(1, 9.0), (2, 5.0)]


def test_no_number_is_no_point() -> None:
    assert points_of([iteration(1, math.nan), iteration(2, None), iteration(3, 4.0)]) == [(3, 4.0)]
    assert curve([], 100) is None


def test_a_fall_from_the_hundreds_is_drawn_on_a_logarithmic_scale() -> None:
    drawn = curve([(n, 1000 / n) for n in range(1, 1001)], 2000)
    assert drawn is not None
    assert [text for _, text in drawn.up] == ["1", "10", "100", "1,000"]
    places = [y for y, _ in drawn.up]
    steps = {round(a - b) for a, b in pairwise(places)}
    assert len(steps) == 1
    assert [text for _, text in drawn.across] == ["0", "500", "1,000", "1,500", "2,000"]


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.floats(0, 1e9), min_size=1, max_size=50),
    st.integers(0, 500_000),
)
def test_whatever_was_lost_is_drawn_inside(averages: list[float], planned: int) -> None:
    drawn = curve([(n + 1, v) for n, v in enumerate(averages)], planned)
    assert drawn is not None
    for point in drawn.path[1:].split("L"):
        x, y = map(float, point.split())
        assert 0 <= x <= drawn.width
        assert -0.1 <= y <= drawn.height


def test_a_long_course_is_thinned_and_keeps_its_end() -> None:
    points = [(n, 1.0) for n in range(5000)]
    for _ in range(4):
        points = thin(points)
    assert len(points) <= 2 * POINTS
    assert points[-1] == (4999, 1.0)
