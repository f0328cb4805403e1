from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.loop.merging import merge
from bridge.model.annotation import Box, Region

regions = st.lists(
    st.builds(
        lambda i, x: Region.rectangle(Box(x, x, x + 10, x + 10), "a", region_id=i),
        st.sampled_from("abcdef"),
        st.integers(0, 5),
    ),
    max_size=6,
    unique_by=lambda r: r.region_id,
).map(tuple)


def shapes(found: tuple[Region, ...] | None) -> set[object]:
    assert found is not None
    return {(r.region_id, r.points) for r in found}


@given(base=regions, edited=regions)
@settings(deadline=None)
def test_an_edit_against_no_edit_is_the_edit(base: tuple[Region, ...], edited: tuple[Region, ...]) -> None:
    assert shapes(merge(base, base, edited)) == shapes(edited)
    assert shapes(merge(base, edited, base)) == shapes(edited)
    assert shapes(merge(base, edited, edited)) == shapes(edited)


@given(base=regions, ours=regions, theirs=regions)
@settings(deadline=None)
def test_a_merge_does_not_depend_on_who_came_first(
    base: tuple[Region, ...], ours: tuple[Region, ...], theirs: tuple[Region, ...]
) -> None:
    one, other = merge(base, ours, theirs), merge(base, theirs, ours)
    assert (one is None) == (other is None)
    if one is not None:
        assert shapes(one) == shapes(other)


def test_one_deletes_and_one_moves_is_a_conflict() -> None:
    was = Region.rectangle(Box(0, 0, 5, 5), "a", region_id="x")
    moved = Region.rectangle(Box(1, 1, 5, 5), "a", region_id="x")
    assert merge((was,), (), (moved,)) is None


def test_two_redrawn_boxes_without_ids_are_a_conflict() -> None:
    was = Region.rectangle(Box(-4, 60, 30, 90), "a")
    clipped, moved = Region.rectangle(Box(0, 60, 30, 90), "a"), Region.rectangle(Box(-4, 63, 40, 93), "a")
    assert merge((was,), (clipped,), (moved,)) is None
