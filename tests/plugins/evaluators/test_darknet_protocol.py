from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from bridge.errors import InputError
from bridge.plugin import BoxTable, ScoreOptions
from plugins.evaluators import matching
from plugins.evaluators.curve import average_precision
from plugins.evaluators.darknet import DarknetProtocol

FIXTURES = Path(__file__).parents[2] / "fixtures" / "map_repro"
Row = tuple[float, ...]


def table(pictures: int, classes: int, rows: list[Row]) -> BoxTable:
    """Rows of picture, class, left, top, right, bottom and, for detections, score."""
    columns = np.array(rows, np.float64).reshape(len(rows), -1 if rows else 7)
    return BoxTable(
        tuple(f"p{k}" for k in range(pictures)),
        tuple(f"c{k}" for k in range(classes)),
        columns[:, 0].astype(np.int64),
        columns[:, 1].astype(np.int64),
        columns[:, 2:6],
        columns[:, 6] if columns.shape[1] > 6 else np.zeros(0),
    )


def corners(x: float, y: float, w: float, h: float) -> Row:
    return x - w / 2, y - h / 2, x + w / 2, y + h / 2


def recorded(fork: str) -> tuple[BoxTable, BoxTable]:
    truth = json.loads((FIXTURES / "ground_truth.json").read_text("utf-8"))
    order = {name: k for k, name in enumerate(truth)}
    said = json.loads((FIXTURES / f"detections_thresh0.005_{fork}.json").read_text("utf-8"))
    boxes = [(order[name], c, *corners(*box)) for name, rows in truth.items() for c, *box in rows]
    found = [
        (order[p["filename"]], c, *corners(x, y, w, h), score) for p in said for c, x, y, w, h, score in p["objects"]
    ]
    return table(len(truth), 3, boxes), table(len(truth), 3, found)


EXPECTED = json.loads((FIXTURES / "expected.json").read_text("utf-8"))


@pytest.mark.parametrize("row", EXPECTED, ids=lambda row: f"{row['fork'][:8]}-{row['options']}")
def test_real_darknets_numbers_come_out(row: dict[str, Any]) -> None:
    exact = row["fork"].startswith("AlexeyAB")
    truth, detections = recorded("alexeyab" if exact else "hank")
    wanted = ScoreOptions(row["options"].get("iou_thresh", 0.5), row["options"].get("points", 0))
    scores = DarknetProtocol().score(truth, detections, wanted)
    # AlexeyAB's prints six decimals of the mean and two of a class's percent; hank-ai's two of the mean's percent.
    assert scores.map == pytest.approx(row["map"], abs=5e-7 if exact else 5e-5)
    for found, printed in zip(scores.classes, row["ap"], strict=True):
        assert found.ap * 100 == pytest.approx(printed, abs=0.005 + 1e-9)
    assert len(detections.score if detections.score is not None else []) == row["detections"]


def test_all_fourteen_rows_are_there() -> None:
    assert len(EXPECTED) == 14


def plain_ap(truth: BoxTable, detections: BoxTable, class_id: int, threshold: float, points: int) -> float:
    """The rule in plain words, one detection at a time."""
    assert detections.score is not None
    objects = [k for k in range(len(truth.class_id)) if truth.class_id[k] == class_id]
    order = sorted(range(len(detections.score)), key=lambda k: -float(detections.score[k]))  # type: ignore[index]
    taken: set[int] = set()
    curve = []
    for d in order:
        if detections.class_id[d] != class_id:
            continue
        best, belongs = threshold, -1
        for t in objects:
            if truth.picture[t] == detections.picture[d]:
                overlap = overlap_of(truth.corners[t], detections.corners[d])
                if overlap > best:
                    best, belongs = overlap, t
        hit = belongs >= 0 and belongs not in taken
        taken.add(belongs)
        curve.append(hit)
    if not objects or not curve:
        return 0.0
    hits = 0
    steps = []
    for seen, hit in enumerate(curve, 1):
        hits += hit
        steps.append((hits / len(objects), hits / seen))
    if points:
        grid = [k * (1.0 / (points - 1)) for k in range(points)]
        return sum(max((p for r, p in steps if r >= at), default=0.0) for at in grid) / points
    area, last = 0.0, 0.0
    for k, (recall, _) in enumerate(steps):
        area += (recall - last) * max(p for _, p in steps[k:])
        last = recall
    return area


def overlap_of(a: NDArray[Any], b: NDArray[Any]) -> float:
    w, h = min(a[2], b[2]) - max(a[0], b[0]), min(a[3], b[3]) - max(a[1], b[1])
    if w <= 0 or h <= 0:
        return 0.0
    return float(w * h / ((a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - w * h))


# Few places, sizes and scores, so that equal overlaps, equal scores and crowded pictures are common.
place, side = st.integers(0, 4), st.integers(1, 3)
box = st.tuples(st.integers(0, 2), st.integers(0, 2), place, place, side, side).map(
    lambda b: (b[0], b[1], b[2], b[3], b[2] + b[4], b[3] + b[5])
)
scored = st.tuples(box, st.sampled_from([0.1, 0.3, 0.3, 0.9, 0.5])).map(lambda pair: (*pair[0], pair[1]))


@settings(deadline=None, max_examples=150)
@given(
    st.lists(box, max_size=25),
    st.lists(scored, max_size=40),
    st.sampled_from([0.0, 0.3, 0.5, 0.75]),
    st.sampled_from([0, 11, 101]),
)
def test_the_fast_way_is_the_plain_rule(boxes: list[Row], found: list[Row], threshold: float, points: int) -> None:
    truth, detections = table(3, 3, boxes), table(3, 3, found)
    scores = DarknetProtocol().score(truth, detections, ScoreOptions(threshold, points))
    plain = [plain_ap(truth, detections, c, threshold, points) for c in range(3)]
    assert [c.ap for c in scores.classes] == pytest.approx(plain, abs=1e-12)
    assert scores.map == pytest.approx(sum(plain) / 3)


def plain_counts(truth: BoxTable, detections: BoxTable, threshold: float) -> tuple[int, int, int, float]:
    """Right, wrong, missed and the mean overlap of the right ones, one detection at a time."""
    assert detections.score is not None
    taken: set[int] = set()
    overlaps, wrong = [], 0
    for d in sorted(range(len(detections.score)), key=lambda k: -float(detections.score[k])):  # type: ignore[index]
        if detections.score[d] <= threshold:
            continue
        best, belongs = 0.5, -1
        for t in range(len(truth.class_id)):
            if (truth.picture[t], truth.class_id[t]) == (detections.picture[d], detections.class_id[d]):
                overlap = overlap_of(truth.corners[t], detections.corners[d])
                if overlap > best:
                    best, belongs = overlap, t
        if belongs >= 0 and belongs not in taken:
            overlaps.append(best)
        else:
            wrong += 1
        taken.add(belongs)
    mean = sum(overlaps) / len(overlaps) if overlaps else 0.0
    return len(overlaps), wrong, len(truth.class_id) - len(overlaps), mean


@settings(deadline=None, max_examples=60)
@given(st.lists(box, max_size=15), st.lists(scored, max_size=30), st.sampled_from([0.0, 0.25, 0.3, 0.95]))
def test_counts_are_those_of_the_walk(boxes: list[Row], found: list[Row], threshold: float) -> None:
    truth, detections = table(3, 3, boxes), table(3, 3, found)
    stats = DarknetProtocol().score(truth, detections, ScoreOptions(threshold=threshold)).stats
    right, wrong, missed, overlap = plain_counts(truth, detections, threshold)
    assert (stats["TP"], stats["FP"], stats["FN"]) == (right, wrong, missed)
    assert stats["average_iou"] == pytest.approx(overlap)
    assert stats["precision"] == pytest.approx(right / (right + wrong) if right + wrong else 0)
    assert stats["recall"] == pytest.approx(right / len(boxes) if boxes else 0)


def test_counts_do_not_depend_on_the_order_as_real_darknets_do() -> None:
    """AlexeyAB's prints 216, 237, 74 and an average IoU of 31.04 %, hank-ai's 208, 245, 82 for the same boxes."""
    for fork in ("alexeyab", "hank"):
        truth, detections = recorded(fork)
        stats = DarknetProtocol().score(truth, detections, ScoreOptions()).stats
        assert (stats["TP"], stats["FP"], stats["FN"]) == (217, 236, 73)
        assert stats["average_iou"] == pytest.approx(0.6517, abs=5e-5)
        assert stats["average_iou"] * stats["precision"] == pytest.approx(0.312, abs=5e-3)


@settings(deadline=None, max_examples=60)
@given(st.lists(box, max_size=15), st.lists(scored, max_size=30), st.sampled_from([0, 11]))
def test_the_ranking_is_what_the_ap_is_made_of(boxes: list[Row], found: list[Row], points: int) -> None:
    truth, detections = table(3, 3, boxes), table(3, 3, found)
    options = ScoreOptions(points=points)
    scores, ranking = (
        DarknetProtocol().score(truth, detections, options),
        DarknetProtocol().rank(truth, detections, options),
    )
    assert ranking.truths.sum() == len(boxes)
    for c in scores.classes:
        right = ranking.right[ranking.class_id == c.id]
        assert average_precision(right, int(ranking.truths[:, c.id].sum()), points) == c.ap


def test_slices_of_work_do_not_change_the_result(monkeypatch: pytest.MonkeyPatch) -> None:
    truth, detections = recorded("alexeyab")
    whole = DarknetProtocol().score(truth, detections, ScoreOptions())
    monkeypatch.setattr(matching, "_PAIRS", 7)
    assert DarknetProtocol().score(truth, detections, ScoreOptions()) == whole


def test_an_overlap_of_just_the_threshold_is_no_match() -> None:
    truth = table(1, 1, [(0, 0, 0, 0, 10, 10)])
    half = table(1, 1, [(0, 0, 0, 0, 10, 20, 0.9)])
    assert DarknetProtocol().score(truth, half, ScoreOptions(0.5)).map == 0.0
    assert DarknetProtocol().score(truth, half, ScoreOptions(0.499)).map == 1.0


def test_the_second_detection_of_an_object_is_wrong() -> None:
    truth = table(1, 1, [(0, 0, 0, 0, 10, 10), (0, 0, 50, 50, 60, 60)])
    # The second best would have matched the other object's place if darknet looked further; it does not.
    found = table(1, 1, [(0, 0, 0, 0, 10, 10, 0.9), (0, 0, 0, 0, 10, 11, 0.8), (0, 0, 50, 50, 60, 60, 0.7)])
    assert DarknetProtocol().score(truth, found, ScoreOptions()).map == pytest.approx(0.5 + 0.5 * 2 / 3)


def test_classes_without_truth_count_as_zero_and_are_named() -> None:
    truth = table(1, 2, [(0, 0, 0, 0, 10, 10)])
    scores = DarknetProtocol().score(truth, table(1, 2, [(0, 0, 0, 0, 10, 10, 0.9)]), ScoreOptions())
    assert scores.map == 0.5
    assert scores.options["classes_without_truth"] == ["c1"]
    assert [(c.truths, c.detections) for c in scores.classes] == [(1, 1), (0, 0)]


def test_scores_that_are_no_numbers_are_left_out_and_counted() -> None:
    truth = table(1, 1, [(0, 0, 0, 0, 10, 10)])
    found = table(1, 1, [(0, 0, 50, 50, 60, 60, float("nan")), (0, 0, 0, 0, 10, 10, 0.2), (0, 0, 0, 0, 9, 9, 0.0)])
    scores = DarknetProtocol().score(truth, found, ScoreOptions())
    assert scores.map == 1.0
    assert scores.options["ignored_detections"] == 2


def test_nothing_found_and_nothing_to_find() -> None:
    assert DarknetProtocol().score(table(2, 3, []), table(2, 3, []), ScoreOptions()).map == 0.0
    assert DarknetProtocol().score(table(0, 0, []), table(0, 0, []), ScoreOptions()).map == 0.0


def test_tables_over_other_classes_are_refused() -> None:
    with pytest.raises(InputError, match="evaluate-tables-differ"):
        DarknetProtocol().score(table(1, 2, []), table(1, 3, []), ScoreOptions())
    with pytest.raises(InputError, match="evaluate-points"):
        DarknetProtocol().score(table(1, 1, []), table(1, 1, []), ScoreOptions(points=1))


def test_a_large_table_takes_about_a_second() -> None:
    rng = np.random.default_rng(0)

    def random(rows: int, score: bool) -> BoxTable:
        start = rng.uniform(0, 300, (rows, 2))
        boxes = np.concatenate((start, start + rng.uniform(10, 100, (rows, 2))), axis=1)
        keys = rng.integers(0, 5000, rows), rng.integers(0, 20, rows)
        names = tuple(map(str, range(5000))), tuple(map(str, range(20)))
        return BoxTable(*names, *keys, boxes, rng.random(rows) if score else None)

    truth, detections = random(50_000, False), random(400_000, True)
    start = time.process_time()
    DarknetProtocol().score(truth, detections, ScoreOptions())
    assert time.process_time() - start < 2
