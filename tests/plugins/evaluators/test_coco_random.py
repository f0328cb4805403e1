"""COCO's numbers on random scenes, beside pycocotools: ties, crowds, areas, limits, odd ids, unsorted files."""

from __future__ import annotations

import json
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.model.scores import Scores
from bridge.plugin import ScoreOptions
from plugins.evaluators.coco import CocoProtocol
from plugins.evaluators.tables import CocoFiles
from tests.plugins.evaluators.oracle import pycocotools

# Few places and sizes, whole pixels: overlaps of exactly one half, equal overlaps and equal areas are common.
place, side = st.integers(0, 40), st.sampled_from([0, 1, 8, 16, 32, 33, 96, 97])
whole = st.tuples(place, place, side, side)
third = st.tuples(*[st.integers(1, 300).map(lambda n: n / 3)] * 4)
bbox = st.one_of(whole, third).map(list)
ids = st.lists(st.integers(1, 99), min_size=1, max_size=4, unique=True)
score = st.sampled_from([0.0, 0.1, 0.3, 0.3, 0.5, 0.9])


@st.composite
def scenes(draw: st.DrawFn) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """A truth and detections; ids in any order, some pictures and classes with nothing of either."""
    images, categories = draw(ids), draw(ids)
    one: st.SearchStrategy[dict[str, Any]] = st.fixed_dictionaries(
        {"image_id": st.sampled_from(images), "category_id": st.sampled_from(categories), "bbox": bbox}
    )
    truth = draw(st.lists(st.tuples(one, st.booleans(), st.sampled_from([None, 5.0, 1024.0, 9216.0])), max_size=14))
    annotations = [
        {**item, "id": n, "iscrowd": int(crowd), "area": item["bbox"][2] * item["bbox"][3] if area is None else area}
        for n, (item, crowd, area) in enumerate(truth, 1)
    ]
    found = draw(st.lists(st.tuples(one, score), min_size=1, max_size=30))
    coco = {
        "images": [{"id": n, "file_name": f"{n}.jpg", "width": 400, "height": 400} for n in images],
        "categories": [{"id": n, "name": f"c{n}"} for n in categories],
        "annotations": annotations,
    }
    return coco, [{**item, "score": value} for item, value in found]


def ours(truth: Path, detections: Path) -> Scores:
    wanted, found, _ = CocoFiles().read(truth, detections)
    return CocoProtocol().score(wanted, found, ScoreOptions())


def compare(folder: Path, coco: dict[str, Any], results: list[dict[str, Any]]) -> Scores:
    truth, detections = folder / "truth.json", folder / "results.json"
    truth.write_text(json.dumps(coco))
    detections.write_text(json.dumps(results))
    scores = ours(truth, detections)
    stats, classes = pycocotools(truth, detections)
    assert list(scores.stats.values()) == pytest.approx(stats, abs=1e-12)
    by_id = sorted(zip([c["id"] for c in coco["categories"]], scores.classes, strict=True), key=lambda pair: pair[0])
    assert [c.ap for _, c in by_id] == pytest.approx(classes, abs=1e-12)
    return scores


@settings(deadline=None, max_examples=150)
@given(scenes())
def test_any_scene_gives_pycocotools_numbers(scene: tuple[dict[str, Any], list[dict[str, Any]]]) -> None:
    with TemporaryDirectory() as folder:
        compare(Path(folder), *scene)


def test_a_crowded_picture_is_cut_at_a_hundred_of_a_class(tmp_path: Path) -> None:
    images = [{"id": 1, "file_name": "a.jpg"}, {"id": 2, "file_name": "b.jpg"}]
    boxes = [[10 * (k % 12), 10 * (k // 12), 9, 9] for k in range(144)]
    annotations = [
        {"id": n, "image_id": 1, "category_id": 1, "bbox": box, "area": 81, "iscrowd": int(n % 20 == 0)}
        for n, box in enumerate(boxes, 1)
    ]
    results = [
        {"image_id": 1, "category_id": 1, "bbox": [box[0] + n % 3, box[1], 9, 9], "score": round(1 - n / 200, 2)}
        for n, box in enumerate(boxes)
    ]
    coco = {"images": images, "categories": [{"id": 1, "name": "nut"}], "annotations": annotations}
    scores = compare(tmp_path, coco, results)
    assert scores.options["beyond_limit"] == 44
    assert scores.options["crowds"] == 7
    assert scores.steps["crowd"] > scores.steps["limit"] == scores.stats["AP50"]


def test_an_object_with_id_zero_counts_like_any_other(tmp_path: Path) -> None:
    box = {"id": 0, "image_id": 1, "category_id": 1, "bbox": [0, 0, 50, 50], "area": 2500, "iscrowd": 0}
    coco = {"images": [{"id": 1}], "categories": [{"id": 1, "name": "nut"}], "annotations": [box]}
    truth, detections = tmp_path / "truth.json", tmp_path / "results.json"
    truth.write_text(json.dumps(coco))
    detections.write_text(json.dumps([{"image_id": 1, "category_id": 1, "bbox": [0, 0, 50, 50], "score": 0.9}]))
    assert pycocotools(truth, detections)[0][0] == 0  # It takes 0 for "no object found".
    assert ours(truth, detections).map == pytest.approx(1)
    assert [f.rule for f in CocoFiles().read(truth, detections)[2]] == ["score-id-zero"]
