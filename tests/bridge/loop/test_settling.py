from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from bridge.loop.settling import QUIET, Patience, quiet, suspects, whole

NS = 1_000_000_000


def at(*times: float) -> dict[str, tuple[int, int]]:
    return {f"/p/{n}.json": (10, int(time * NS)) for n, time in enumerate(times)}


def test_files_at_rest_are_read_at_once() -> None:
    assert quiet(Patience(), "a", at(100, 997.9), 1000).wait is None


def test_a_file_of_this_moment_is_waited_for() -> None:
    first = quiet(Patience(), "a", at(999.5), 1000)
    assert first.wait == QUIET
    assert quiet(first.patience, "a", at(999.5), 1002.1).wait is None


def test_a_clock_that_is_ahead_holds_nothing_up_for_long() -> None:
    """The share's clock is an hour ahead: only our own two looks tell that nothing is written any more."""
    first = quiet(Patience(), "a", at(4600), 1000)
    assert first.wait == QUIET
    assert quiet(first.patience, "a", at(4600), 1001).wait == QUIET
    assert quiet(first.patience, "a", at(4600), 1002.1).wait is None


@given(st.lists(st.floats(0.1, 1.9), min_size=1, max_size=40), st.floats(-4000, 4000))
def test_somebody_who_goes_on_writing_is_read_all_the_same(pauses: list[float], skew: float) -> None:
    patience, now, waited = Patience(), 10_000.0, 0.0
    for n, pause in enumerate(pauses):
        verdict = quiet(patience, f"state {n}", at(now + skew), now)
        if verdict.wait is None:
            return
        patience, now, waited = verdict.patience, now + pause, waited + pause
    assert waited < 12


def test_what_is_not_whole_is_tried_again_and_then_damaged() -> None:
    stamps = at(1000, 999, 100)
    assert suspects(Patience(), stamps) == ["/p/0.json", "/p/1.json"]
    patience, waits = Patience(), []
    for _ in range(9):
        verdict = whole(patience, ["/p/1.json"], stamps)
        patience = verdict.patience
        if verdict.wait is None:
            break
        waits.append(verdict.wait)
    assert waits == [2, 4, 8, 16]
    # From now on it is known, as it is.
    known = Patience.of({"patience": patience.rested().kept()})
    assert suspects(known, stamps) == ["/p/0.json"]
    # Written again, it is looked at again.
    assert suspects(known, at(1000, 1001, 100)) == ["/p/0.json", "/p/1.json"]


def test_a_file_that_became_whole_is_read_at_once() -> None:
    patience = whole(Patience(), ["/p/0.json"], at(1000)).patience
    assert whole(patience, [], at(1000)).wait is None


def test_what_we_wrote_ourselves_need_not_come_to_rest() -> None:
    assert quiet(Patience(ours="a"), "a", at(1000, 500), 1000).wait is None
    # Somebody has written one of them since.
    assert quiet(Patience(ours="a"), "b", at(1001, 500), 1001).wait == QUIET
