from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.loop.judging import Verdict, answers, counts, judge
from bridge.model.annotation import Box, Region
from bridge.model.prediction import Counts, Mark, own_id

CHECKPOINT = "7c-0f"
A, B = Box(10, 20, 110, 90), Box(200, 20, 260, 60)
NUT = Region.rectangle(A, "nut", author=f"checkpoint:{CHECKPOINT}", score=0.9)


def said(*settled: Region, offered: tuple[Region, ...] = (NUT,)) -> list[str]:
    return [one.verdict.value for one in judge(CHECKPOINT, offered, settled)]


@pytest.mark.parametrize(
    "region_id",
    [None, "x", own_id(CHECKPOINT, 0), Mark(CHECKPOINT, 0, "0123abcd").text, f"lb-{CHECKPOINT}-0"],
)
def test_a_box_is_known_again(region_id: str | None) -> None:
    there = Region.rectangle(A, "nut", region_id=region_id)
    assert said(there) == ["kept"]
    assert said(replace(there, points=((11, 20), (109, 91)))) == ["kept"]
    assert said(replace(there, points=((12, 20), (110, 90)))) == ["moved"]
    assert said(replace(there, labels=("bolt",))) == ["relabelled"]


@pytest.mark.parametrize(
    "region_id", [own_id(CHECKPOINT, 0), Mark(CHECKPOINT, 0, "0123abcd").text, f"lb-{CHECKPOINT}-0"]
)
def test_by_its_id_also_far_away(region_id: str) -> None:
    assert said(Region.rectangle(B, "nut", region_id=region_id)) == ["moved"]
    assert said(Region.rectangle(B, "bolt", region_id=region_id)) == ["relabelled"]


@pytest.mark.parametrize(
    "region_id", [None, "x", own_id("other", 0), Mark("other", 0, "0123abcd").text, f"lb-{CHECKPOINT}-7", "lb-"]
)
def test_without_its_id_only_where_it_was(region_id: str | None) -> None:
    assert said(Region.rectangle(B, "nut", region_id=region_id)) == ["deleted", "added"]


def test_the_same_class_goes_first() -> None:
    other = Region.rectangle(Box(10, 20, 111, 90), "bolt")
    mine = Region.rectangle(Box(10, 20, 140, 90), "nut")
    assert said(other, mine) == ["moved", "added"]


def test_what_is_no_box_answers_to_nothing() -> None:
    assert said(Region("point", ((20, 30),), ("nut",), f"lb-{CHECKPOINT}-0")) == ["deleted"]


def test_classes_are_the_models_and_of_added_boxes_the_persons() -> None:
    judged = judge(CHECKPOINT, [NUT], [Region.rectangle(A, "bolt"), Region.rectangle(B, "washer")])
    assert counts(judged) == {"nut": Counts(relabelled=1), "washer": Counts(added=1)}
    assert counts(judged)["nut"].offered == 1


def test_a_copy_of_a_box_counts_as_added() -> None:
    there = Region.rectangle(A, "nut", region_id=own_id(CHECKPOINT, 0))
    assert said(replace(there, points=((60, 60), (160, 130))), there) == ["kept", "added"]


sides = st.floats(0, 300).map(lambda x: round(x, 2))
boxes = st.builds(lambda x, y, w, h: Box(x, y, x + w + 1, y + h + 1), sides, sides, sides, sides)
labels = st.sampled_from(["nut", "bolt", "歯車"])
regions = st.builds(lambda box, label: Region.rectangle(box, label), boxes, labels)
many = st.lists(regions, max_size=6)


@settings(max_examples=60, deadline=None)
@given(many, many)
def test_every_box_gets_one_verdict(offered: list[Region], settled: list[Region]) -> None:
    judged = judge(CHECKPOINT, offered, settled)
    assert [one.offered for one in judged if one.offered is not None] == offered
    assert Counter(map(id, (one.settled for one in judged if one.settled is not None))) == Counter(map(id, settled))
    total = sum(counts(judged).values(), Counts())
    assert total.offered == len(offered)
    assert total.offered - total.deleted + total.added == len(settled)


@settings(max_examples=40, deadline=None)
@given(many, st.randoms(use_true_random=False))
def test_accepted_boxes_are_all_kept_in_any_order(offered: list[Region], dice: object) -> None:
    settled = [replace(region, region_id=own_id(CHECKPOINT, n)) for n, region in enumerate(offered)]
    dice.shuffle(settled)  # type: ignore[attr-defined]
    assert {one.verdict for one in judge(CHECKPOINT, offered, settled)} <= {Verdict.KEPT}


@settings(max_examples=40, deadline=None)
@given(many, many)
def test_answers_are_one_to_one_and_overlap(offered: list[Region], settled: list[Region]) -> None:
    found = answers(CHECKPOINT, offered, settled)
    assert len(set(found.values())) == len(found)
    for i, j in found.items():
        assert offered[i].box is not None
        assert settled[j].box is not None
