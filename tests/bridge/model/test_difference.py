"""The steps from darknet's number to COCO's: they add up, and each is what it says."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.model.difference import difference
from bridge.plugin import BoxTable, ScoreOptions
from plugins.evaluators.coco import CocoProtocol
from plugins.evaluators.darknet import DarknetProtocol

Row = tuple[float, ...]
CAUSES = ["no-truth", "points", "overlap", "match", "crowd", "limit", "average"]


def table(rows: list[Row], classes: int, crowd: list[bool] | None = None, score: bool = False) -> BoxTable:
    columns = np.array(rows, np.float64).reshape(len(rows), -1 if rows else 7)
    return BoxTable(
        ("a.jpg", "b.jpg"),
        tuple(f"c{n}" for n in range(classes)),
        columns[:, 0].astype(np.int64),
        columns[:, 1].astype(np.int64),
        columns[:, 2:6],
        columns[:, 6] if score else None,
        crowd=None if crowd is None else np.array(crowd, np.bool_),
    )


def changes(truth: BoxTable, found: BoxTable, options: ScoreOptions | None = None) -> dict[str, float]:
    options = options or ScoreOptions()
    darknet, coco = DarknetProtocol().score(truth, found, options), CocoProtocol().score(truth, found, options)
    steps = difference(darknet, coco)
    assert [step.cause for step in steps] == CAUSES
    assert steps[-1].mean == coco.stats["AP"]
    assert sum(step.change for step in steps) == pytest.approx(coco.map - darknet.map)
    return {step.cause: step.change for step in steps if abs(step.change) > 1e-9}


OBJECT: Row = (0, 0, 0, 0, 100, 100)


def seen(*corners: float, score: float = 0.9, picture: int = 0, class_id: int = 0) -> Row:
    return (picture, class_id, *corners, score)


def test_a_class_without_objects_halves_darknets_mean_only() -> None:
    acting = changes(table([OBJECT], 2), table([seen(0, 0, 100, 100)], 2, score=True))
    assert acting == {"no-truth": pytest.approx(0.5)}


def test_a_loose_box_counts_at_few_of_cocos_overlaps() -> None:
    acting = changes(table([OBJECT], 1), table([seen(0, 0, 100, 128)], 1, score=True))  # They overlap by 0.78.
    assert acting == {"average": pytest.approx(-0.4)}


def test_the_recalls_are_seen_where_the_curve_is_steep() -> None:
    truth = table([OBJECT, (1, 0, 0, 0, 100, 100)], 1)
    acting = changes(truth, table([seen(0, 0, 100, 100)], 1, score=True))
    assert acting == {"points": pytest.approx(51 / 101 - 0.5)}


def test_a_higher_overlap_asked_of_darknet() -> None:
    found = table([seen(0, 0, 100, 128)], 1, score=True)
    acting = changes(table([OBJECT], 1), found, ScoreOptions(iou=0.9))
    assert acting == {"overlap": pytest.approx(1), "average": pytest.approx(-0.4)}


def test_a_second_best_object_counts_for_coco_only() -> None:
    truth = table([(0, 0, 0, 0, 100, 100), (0, 0, 0, 20, 100, 120)], 1)
    found = table([seen(0, 0, 100, 100), seen(0, 5, 100, 105, score=0.8)], 1, score=True)
    assert changes(truth, found)["match"] == pytest.approx(50 / 101)


def test_an_overlap_of_exactly_one_half_counts_for_coco_only() -> None:
    acting = changes(table([OBJECT], 1), table([seen(0, 0, 100, 200)], 1, score=True))
    assert acting == {"match": pytest.approx(1), "average": pytest.approx(-0.9)}


def test_a_crowd_is_an_object_for_darknet_only() -> None:
    truth = table([OBJECT, (1, 0, 0, 0, 100, 100)], 1, crowd=[False, True])
    acting = changes(truth, table([seen(0, 0, 100, 100)], 1, score=True))
    assert acting["crowd"] == pytest.approx(1 - 51 / 101)


def test_beyond_a_hundred_nothing_counts_for_coco() -> None:
    noise = [seen(300, 300, 310, 310, score=0.99)] * 100
    found = table([*noise, seen(0, 0, 100, 100)], 1, score=True)
    acting = changes(table([OBJECT], 1), found)
    assert acting["limit"] == pytest.approx(-1 / 101)


def test_without_any_object_there_is_nothing_to_explain() -> None:
    truth, found = table([], 1), table([seen(0, 0, 9, 9)], 1, score=True)
    scores = [p.score(truth, found, ScoreOptions()) for p in (DarknetProtocol(), CocoProtocol())]
    assert difference(scores[0], scores[1]) == ()


place, side = st.integers(0, 4), st.integers(1, 3)
box = st.tuples(st.integers(0, 1), st.integers(0, 2), place, place, side, side).map(
    lambda b: (b[0], b[1], b[2], b[3], b[2] + b[4], b[3] + b[5])
)
scored = st.tuples(box, st.sampled_from([0.1, 0.3, 0.9])).map(lambda pair: (*pair[0], pair[1]))


@settings(deadline=None, max_examples=40)
@given(
    st.lists(st.tuples(box, st.booleans()), min_size=1, max_size=12),
    st.lists(scored, max_size=20),
    st.sampled_from([ScoreOptions(), ScoreOptions(0.3, 11), ScoreOptions(0.75, 101)]),
)
def test_the_steps_always_add_up(truth: list[tuple[Row, bool]], found: list[Row], options: ScoreOptions) -> None:
    known = table([row for row, _ in truth], 3, crowd=[crowd for _, crowd in truth])
    if all(crowd for _, crowd in truth):
        return  # COCO has nothing to find then.
    changes(known, table(found, 3, score=True), options)
