from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from bridge.loop.matching import same, same_labels, same_shape
from bridge.loop.merging import combine, merge
from bridge.model.annotation import Box, Region

Regions = tuple[Region, ...]

regions = st.lists(
    st.builds(
        lambda i, x, label: Region.rectangle(Box(x, x, x + 10, x + 10), label, region_id=i),
        # Ids may be missing, or stand on several regions of a picture.
        st.sampled_from([None, *"abcd"]),
        st.sampled_from([0, 2, 5, 40, 80]),
        st.sampled_from(["猫", "犬"]),
    ),
    max_size=6,
).map(tuple)


def said(found: Regions | None) -> Sequence[object]:
    """What regions say, ids left out."""
    assert found is not None
    return sorted((r.points, r.labels) for r in found)


def box(own: str | None, x: float, label: str = "猫", wide: float = 10.0) -> Region:
    return Region.rectangle(Box(x, 0, x + wide, 10), label, region_id=own)


# ---------------------------------------------------------------- what holds for all


@given(base=regions, edited=regions)
@settings(deadline=None)
def test_an_edit_against_no_edit_is_the_edit(base: Regions, edited: Regions) -> None:
    assert said(merge(base, base, edited)) == said(edited)
    assert said(merge(base, edited, base)) == said(edited)
    assert said(merge(base, edited, edited)) == said(edited)


@given(base=regions, ours=regions, theirs=regions)
@settings(deadline=None)
def test_a_merge_does_not_depend_on_who_came_first(base: Regions, ours: Regions, theirs: Regions) -> None:
    one, other = combine(base, ours, theirs), combine(base, theirs, ours)
    assert bool(one.clashes) == bool(other.clashes)
    assert said(one.regions) == said(other.regions)


@given(base=regions, ours=regions, theirs=regions)
@settings(deadline=None, max_examples=300)
def test_nothing_that_a_person_drew_is_lost_and_nothing_is_made_up(
    base: Regions, ours: Regions, theirs: Regions
) -> None:
    both = combine(base, ours, theirs)
    for region in (*ours, *theirs):
        if not any(same(region, was) for was in base):
            # What one side drew or changed is there: as it is, or its place and its label with the other's of it.
            near = [r for r in both.regions if same_shape(r, region) or same_labels(r, region)]
            assert near, region
            assert any(same_shape(r, region) for r in both.regions) or any(same_shape(was, region) for was in base)
    for region in both.regions:
        drawn = (*base, *ours, *theirs)
        assert any(same_shape(region, r) for r in drawn)
        assert any(same_labels(region, r) for r in drawn)


@given(
    base=regions,
    moves=st.lists(st.floats(1, 3), min_size=6, max_size=6),
    whose=st.lists(st.booleans(), min_size=6),
)
@settings(deadline=None)
def test_edits_of_different_regions_never_clash(base: Regions, moves: list[float], whose: list[bool]) -> None:
    apart = tuple(
        replace(r, points=tuple((x + 200 * n, y) for x, y in r.points), region_id=f"{n}") for n, r in enumerate(base)
    )

    def edited(mine: bool) -> Regions:
        return tuple(
            replace(r, points=tuple((x, y + moves[n]) for x, y in r.points)) if whose[n] is mine else r
            for n, r in enumerate(apart)
        )

    wanted = tuple(replace(r, points=tuple((x, y + moves[n]) for x, y in r.points)) for n, r in enumerate(apart))
    assert said(merge(apart, edited(True), edited(False))) == said(wanted)


@given(base=regions, edited=regions, dust=st.floats(-0.0009, 0.0009))
@settings(deadline=None)
def test_the_last_digits_that_a_tool_changes_are_no_edit(base: Regions, edited: Regions, dust: float) -> None:
    assume(dust)
    shaken = tuple(replace(r, points=tuple((x + dust, y - dust) for x, y in r.points)) for r in base)
    assert said(merge(base, edited, shaken)) == said(edited)


# ---------------------------------------------------------------- what is one edit and what a clash


@pytest.mark.parametrize("own", ["x", None])
def test_moved_by_one_and_relabelled_by_the_other_are_both_applied(own: str | None) -> None:
    was = box(own, 0)
    assert said(merge((was,), (box(own, 2),), (box(own, 0, "犬"),))) == said((box(own, 2, "犬"),))


def test_moved_to_another_place_while_it_was_relabelled_is_a_clash() -> None:
    both = combine((box("x", 0),), (box("x", 50),), (box("x", 0, "犬"),))
    assert len(both.clashes) == 1
    assert said(both.regions) == said((box("x", 50), box("x", 0, "犬")))


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        ((), (box("x", 1),)),
        ((), (box("x", 0, "犬"),)),
        ((box("x", 1),), (box("x", 2),)),
        ((box("x", 0, "犬"),), (box("x", 0, "鳥"),)),
        ((box("x", 0), box("y", 50)), (box("x", 0), box("y", 90))),
        ((box("x", 0), box("y", 50)), (box("x", 0), box("z", 51))),
    ],
    ids=["deleted and moved", "deleted and relabelled", "moved", "relabelled", "one id for two", "drawn twice"],
)
def test_what_clashes_and_that_both_versions_are_kept(ours: Regions, theirs: Regions) -> None:
    base = (box("x", 0),)
    both = combine(base, ours, theirs)
    assert len(both.clashes) == 1
    assert merge(base, ours, theirs) is None
    assert all(any(same(r, kept) for kept in both.regions) for r in (*ours, *theirs) if r not in base)
    named = [r.region_id for r in both.regions if r.region_id is not None]
    assert len(named) == len(set(named))


def test_two_redrawn_boxes_without_ids_are_a_clash() -> None:
    was = Region.rectangle(Box(-4, 60, 30, 90), "a")
    clipped, moved = Region.rectangle(Box(0, 60, 30, 90), "a"), Region.rectangle(Box(-4, 63, 40, 93), "a")
    assert merge((was,), (clipped,), (moved,)) is None
    # Also where nothing tells any more which of the new ones it was.
    assert merge((was,), (box(None, 200),), (box(None, 300),)) is None


def test_an_id_that_stands_on_two_regions_tells_them_apart_by_place() -> None:
    left, right = box("u", 0), box("u", 100)
    ours, theirs = (left, box("u", 103)), (box("u", 0, "犬"), right)
    assert said(merge((left, right), ours, theirs)) == said((box("u", 0, "犬"), box("u", 103)))


def test_a_copy_under_the_same_id_beside_the_first_is_a_new_region() -> None:
    was = box("u", 0)
    assert said(merge((was,), (box("u", 1),), (was, box("u", 300)))) == said((box("u", 1), box("u", 300)))


def test_a_region_that_got_an_id_is_the_same_region() -> None:
    """VoTT 1.6 gives UIDs to the regions of older versions when it shows their picture."""
    was, shown = box(None, 0), box("1f2e3d4c", 0)
    [merged] = merge((was,), (box(None, 2),), (shown,)) or ()
    assert (merged.region_id, merged.points) == ("1f2e3d4c", box(None, 2).points)


def test_the_same_new_box_from_two_tools_is_one_box() -> None:
    mine, other = replace(box("x", 5), extra={"vott": 1}), replace(box("y", 5), extra={"label-studio": 2})
    [merged] = merge((), (mine,), (other,)) or ()
    assert merged.extra == {"vott": 1, "label-studio": 2}


def test_two_labels_on_one_place_are_two_statements() -> None:
    """A person and his kimono may have one box."""
    assert said(merge((), (box("x", 5, "人"),), (box("y", 5, "着物"),))) == said(
        (box("x", 5, "人"), box("y", 5, "着物"))
    )
