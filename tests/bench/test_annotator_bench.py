from __future__ import annotations

from itertools import combinations
from pathlib import Path

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from bench.annotator import Act, perform, plan
from bench.hands import COSTS, Hand1, Hand2, Record, box_of
from bridge.loop.matching import closeness
from bridge.model.annotation import Box, Document, Image, Region
from bridge.model.dataset import Dataset
from bridge.plugin import WriteOptions
from bridge.registry import Registry

A, B = Box(10, 20, 110, 120), Box(200, 20, 300, 120)
NUT = Region.rectangle(A, "nut")


def shown(region_id: str, box: Box, tag: str) -> Record:
    sides = {"left": box.left, "top": box.top, "width": box.width, "height": box.height}
    return {"id": region_id, "boundingBox": sides, "tags": [tag]}


def test_what_is_right_is_left_alone() -> None:
    assert plan([shown("a", A, "nut")], [NUT]) == []
    assert plan([shown("a", Box(12, 22, 112, 122), "nut")], [NUT]) == []


def test_each_fault_has_its_act() -> None:
    assert plan([], [NUT]) == [Act("draw", truth=NUT)]
    assert plan([shown("a", B, "nut")], []) == [Act("delete", "a")]
    assert plan([shown("a", A, "bolt")], [NUT]) == [Act("retag", "a", NUT)]
    assert plan([shown("a", Box(10, 20, 80, 100), "nut")], [NUT]) == [Act("drag", "a", NUT)]
    assert plan([shown("a", Box(30, 40, 130, 140), "nut")], [NUT]) == [Act("drag-twice", "a", NUT)]
    assert [act.kind for act in plan([shown("a", Box(10, 20, 80, 100), "bolt")], [NUT])] == ["delete", "draw"]
    assert [act.kind for act in plan([shown("a", B, "nut")], [NUT])] == ["delete", "draw"]


def test_the_answer_that_lies_closest_counts() -> None:
    double = [shown("a", Box(10, 20, 105, 120), "nut"), shown("b", A, "nut")]
    assert plan(double, [NUT]) == [Act("delete", "a")]


boxes = st.builds(
    lambda x, y, w, h: Box(x, y, x + w, y + h),
    *(st.integers(0, 150).map(float), st.integers(0, 100).map(float)),
    *(st.integers(20, 120).map(float), st.integers(20, 120).map(float)),
)
labels = st.sampled_from(["nut", "bolt"])
regions = st.lists(st.builds(Region.rectangle, boxes, labels), max_size=4)


@settings(max_examples=25, deadline=None)
@given(regions, regions)
def test_after_the_acts_nothing_is_left_to_do(drawn: list[Region], wanted: list[Region]) -> None:
    assume(all(closeness(a, b) < 0.5 for a, b in combinations(wanted, 2)))  # Two things, and not one.
    hand = Paper([shown(str(n), r.box, r.labels[0]) for n, r in enumerate(drawn) if r.box is not None])
    for act in plan(hand.records, wanted):
        perform(hand, "a.jpg", act)
    assert plan(hand.records, wanted) == []
    assert len(hand.records) == len(wanted)


class Paper(Hand2):
    """A hand that edits no files."""

    def __init__(self, records: list[Record]) -> None:
        super().__init__()
        self.records = records

    def regions(self, name: str) -> list[Record]:
        return self.records

    def _save(self, name: str, regions: list[Record]) -> None:
        self.records = regions


def test_both_versions_of_vott_hold_what_was_drawn(tmp_path: Path) -> None:
    image = Image("写真 1.jpg", 320, 240)
    dataset = Dataset("p", ("nut", "bolt"), [Document(image)])
    registry = Registry()
    registry.format("vott-v2").write(dataset, tmp_path / "two", WriteOptions("none"))
    with_region = Dataset("p", ("nut", "bolt"), [Document(image, (NUT,))])
    registry.format("vott-v1").write(with_region, tmp_path / "one.json", WriteOptions("none"))
    for hand in (Hand2(folder=tmp_path / "two"), Hand1(path=tmp_path / "one.json")):
        hand.look(image.name)
        own = hand.draw(image.name, A, "nut")
        hand.move(image.name, own, B)
        hand.retag(image.name, own, "bolt")
        region = next(r for r in hand.regions(image.name) if own in (r.get("id"), r.get("UID")))
        assert (box_of(region), region["tags"]) == (B, ["bolt"])
        hand.delete(image.name, own)
        assert hand.actions == sum(COSTS[kind] for kind in ("next", "draw", "drag", "retag", "delete"))
        assert len(hand.regions(image.name)) == isinstance(hand, Hand1)
