"""Pairs become families."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.twins.families import families

PAIRS = st.lists(
    st.tuples(st.integers(0, 40), st.integers(41, 80), st.floats(0.66, 1.0)), max_size=60, unique_by=lambda p: p[:2]
)


def test_who_is_linked_belongs_together() -> None:
    first, second = families(100, [(1, 2, 0.9), (7, 9, 0.8), (2, 5, 0.7), (1, 5, 0.95)])
    assert (first.members, second.members) == ((1, 2, 5), (7, 9))
    assert first.closest == {1: (5, 0.95), 2: (1, 0.9), 5: (1, 0.95)}


def test_a_fixed_camera_makes_no_family_but_its_copies_do() -> None:
    """All pictures are somewhat alike; two of them are the same."""
    alike = [(n, m, 0.8) for n in range(60) for m in range(n + 1, 60)]
    (family,) = families(60, [*alike, (3, 44, 0.995)])
    assert family.members == (3, 44)


def test_a_family_of_true_copies_stays_whole_however_large() -> None:
    (family,) = families(60, [(n, n + 1, 1.0) for n in range(59)])
    assert len(family.members) == 60


@given(PAIRS)
@settings(max_examples=50, deadline=None)
def test_nobody_is_in_two_families_and_nobody_alone(pairs: list[tuple[int, int, float]]) -> None:
    found = families(81, pairs)
    members = [index for family in found for index in family.members]
    assert len(members) == len(set(members))
    assert all(len(family.members) > 1 for family in found)
    for family in found:
        assert family.closest.keys() == set(family.members)
        assert all(other in family.members and other != one for one, (other, _) in family.closest.items())
