"""Safe fixes change what a finding names, and nothing else."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.loop.fixes import apply_fix
from bridge.model.annotation import Box, Document, Image, Region
from bridge.model.finding import Finding, Fix, Severity
from bridge.model.likeness import likeness
from bridge.plugin import View
from bridge.registry import Registry

WIDTH, HEIGHT = 100, 80
VALIDATORS = [Registry().find("validator", rule) for rule in ("outside", "swapped", "duplicate-box")]

# Few distinct places, so that copies, swaps and boxes over the edge all happen often.
numbers = st.sampled_from([-30.0, -1.0, 0.0, 10.0, 40.5, 79.0, 80.0, 99.5, 100.0, 130.0])
points = st.tuples(numbers, numbers)
rectangles = st.builds(lambda a, b: ((a), (b)), points, points)
regions = st.builds(
    Region,
    kind=st.sampled_from(["rectangle", "rectangle", "rectangle", "polygon"]),
    points=rectangles,
    labels=st.sampled_from([("犬",), ("猫",), ("犬", "猫"), ()]),
    region_id=st.sampled_from([None, "a", "b"]),
    author=st.sampled_from([None, None, "checkpoint:1"]),
    extra=st.sampled_from([{}, {"note": "大事"}]),
)


def check(found: tuple[Region, ...]) -> list[Finding]:
    view = View(("犬", "猫"), [Document(Image("a.jpg", WIDTH, HEIGHT), found)])
    return [f for validator in VALIDATORS for f in validator.check(view) if f.fix is not None]


def fix(region: int, way: Fix) -> Finding:
    return Finding("test", Severity.WARNING, "a.jpg", {}, region, way)


@given(st.lists(regions, max_size=6).map(tuple))
@settings(max_examples=150, deadline=None)
def test_only_what_was_named_changes_and_the_next_check_is_clean(before: tuple[Region, ...]) -> None:
    findings = check(before)
    after = apply_fix(before, findings, WIDTH, HEIGHT)
    dropped = {f.region for f in findings if f.fix is Fix.DROP_DUPLICATE}
    named = {f.region for f in findings}
    staying = [i for i in range(len(before)) if i not in dropped]
    assert len(after) == len(staying)
    for index, region in zip(staying, after, strict=True):
        assert replace(region, points=before[index].points) == before[index]
        if index not in named:
            assert region is before[index]
        elif (old := before[index].box) and region.kind == "rectangle":
            was_outside = any(f.region == index and f.fix is Fix.CLIP for f in findings)
            assert region.box == (old.clipped(WIDTH, HEIGHT) if was_outside else old)
    # Everything that was marked is still marked once.
    assert {likeness(r) for i, r in enumerate(before) if i not in named} <= {likeness(r) for r in after}
    assert all(f.fix is Fix.DROP_DUPLICATE for f in check(after))  # Only clipping makes new copies.


@given(st.lists(regions, max_size=6).map(tuple))
@settings(max_examples=100, deadline=None)
def test_a_second_time_nothing_is_left_to_do(regions: tuple[Region, ...]) -> None:
    for _ in range(2):
        regions = apply_fix(regions, check(regions), WIDTH, HEIGHT)
    assert check(regions) == []


@given(
    st.lists(regions, max_size=5).map(tuple),
    st.lists(st.builds(fix, st.integers(-2, 7), st.sampled_from(Fix)), max_size=5),
)
@settings(max_examples=100, deadline=None)
def test_findings_that_do_not_fit_lose_nothing(before: tuple[Region, ...], findings: list[Finding]) -> None:
    after = apply_fix(before, findings, WIDTH, HEIGHT)
    kept = {likeness(r) for r in after}
    changed = {f.region for f in findings if f.fix in (Fix.CLIP, Fix.SWAP)}
    # A copy may go although its equal is clipped: the object is still marked.
    kept |= {likeness(r) for i, r in enumerate(before) if i in changed}
    assert all(likeness(r) in kept for i, r in enumerate(before) if i not in changed)


@pytest.mark.parametrize(
    ("points", "way", "expected"),
    [
        (((30.0, 40.0), (10.0, 20.0)), Fix.SWAP, ((10.0, 20.0), (30.0, 40.0))),
        (((30.0, 20.0), (10.0, 40.0)), Fix.SWAP, ((10.0, 20.0), (30.0, 40.0))),
        (((-5.0, 20.0), (110.0, 90.0)), Fix.CLIP, ((0.0, 20.0), (100.0, 80.0))),
        (((110.0, 90.0), (50.0, 50.0)), Fix.CLIP, ((100.0, 80.0), (50.0, 50.0))),  # clipping does not swap
        (((110.0, 10.0), (120.0, 20.0)), Fix.CLIP, ((110.0, 10.0), (120.0, 20.0))),  # nothing would be left
        (((float("nan"), 1.0), (2.0, 0.0)), Fix.SWAP, None),
    ],
)
def test_each_way(
    points: tuple[tuple[float, float], ...], way: Fix, expected: tuple[tuple[float, float], ...] | None
) -> None:
    region = Region("rectangle", points, ("犬",), "id", None, None, {"locked": True})
    (after,) = apply_fix((region,), [fix(0, way)], WIDTH, HEIGHT)
    assert after == (region if expected is None else replace(region, points=expected))


def test_several_on_one_picture_keep_their_indices() -> None:
    first = Region.rectangle(Box(10, 10, 30, 30), "犬", region_id="first")
    copy = replace(first, region_id="copy")
    over = Region.rectangle(Box(50, 50, 120, 70), "猫")
    turned = Region("rectangle", ((60.0, 60.0), (20.0, 20.0)), ("犬",))
    before = (first, copy, over, copy, turned)
    after = apply_fix(before, check(before), WIDTH, HEIGHT)
    assert [r.region_id for r in after] == ["first", None, None]
    assert after[1].box == Box(50, 50, 100, 70)
    assert after[2].points == ((20.0, 20.0), (60.0, 60.0))


def test_the_last_copy_is_never_dropped() -> None:
    region = Region.rectangle(Box(10, 10, 30, 30), "犬")
    both = [fix(0, Fix.DROP_DUPLICATE), fix(1, Fix.DROP_DUPLICATE)]
    assert apply_fix((region, region), both, WIDTH, HEIGHT) == (region, region)
    assert apply_fix((region,), both[:1], WIDTH, HEIGHT) == (region,)
