from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bridge.errors import InputError
from bridge.plugin import BoxTable, ScoreOptions
from plugins.evaluators.coco import CocoProtocol
from plugins.evaluators.tables import read_detections, read_truth
from tests.plugins.evaluators.oracle import pycocotools


def random_files(folder: Path, seed: int, digits: int | None, crowd: float = 0.0) -> tuple[Path, Path]:
    """A truth and detections that partly fit it; digits None = full float precision, 0 = whole pixels."""
    rng = np.random.default_rng(seed)
    images = [{"id": 10 + 3 * k, "file_name": f"図_{k}.jpg", "width": 640, "height": 480} for k in range(30)]
    categories = [{"id": c, "name": f"c{c}"} for c in (7, 2, 90)]
    annotations: list[dict[str, Any]] = []
    results: list[dict[str, Any]] = []
    for image in images:
        for _ in range(rng.integers(0, 8)):
            bbox = rounded([*rng.uniform(0, 400, 2), *rng.uniform(4, 200, 2)], digits)
            known = {"image_id": image["id"], "category_id": int(rng.choice((7, 2)))}
            heavy = {"iscrowd": int(rng.random() < crowd), "area": bbox[2] * bbox[3]}
            annotations.append({"id": len(annotations) + 1, **known, **heavy, "bbox": bbox})
            for _ in range(rng.integers(0, 4)):
                moved = rounded(np.array(bbox) + rng.normal(0, 4, 4), digits)
                moved[2:] = [max(m, 1.0) for m in moved[2:]]
                results.append({**known, "bbox": moved, "score": float(rng.choice((rng.random(), 0.5)))})
        results.append(
            {
                "image_id": image["id"],
                "category_id": int(rng.choice((7, 2, 90))),
                "bbox": rounded([*rng.uniform(0, 400, 2), *rng.uniform(4, 200, 2)], digits),
                "score": float(rng.random()),
            }
        )
    truth, detections = folder / "truth.json", folder / "results.json"
    truth.write_text(json.dumps({"images": images, "categories": categories, "annotations": annotations}))
    detections.write_text(json.dumps(results))
    return truth, detections


def rounded(numbers: Any, digits: int | None) -> list[float]:
    return [float(n if digits is None else round(float(n), digits)) for n in numbers]


@pytest.mark.parametrize(
    ("seed", "digits", "crowd"), [(1, None, 0.0), (2, 1, 0.0), (3, 0, 0.0), (4, 2, 0.2), (5, 6, 0.1)]
)
def test_all_twelve_numbers_are_pycocotools(
    tmp_path: Path, seed: int, digits: int | None, crowd: float, capfd: pytest.CaptureFixture[str]
) -> None:
    files = random_files(tmp_path, seed, digits, crowd)
    truth, findings = read_truth(files[0])
    detections, more = read_detections(files[1], truth)
    scores = CocoProtocol().score(truth, detections, ScoreOptions())
    assert capfd.readouterr().out == ""
    assert list(scores.stats.values()) == pytest.approx(pycocotools(*files)[0], abs=1e-12)
    assert scores.map == scores.stats["AP"]
    assert not findings
    assert not more


def test_each_class_has_its_ap_and_none_where_it_has_no_truth(tmp_path: Path) -> None:
    files = random_files(tmp_path, 6, 1)
    truth, _ = read_truth(files[0])
    detections, _ = read_detections(files[1], truth)
    scores = CocoProtocol().score(truth, detections, ScoreOptions())
    assert [c.name for c in scores.classes] == ["c7", "c2", "c90"]
    assert scores.classes[2].ap == -1
    assert np.mean([c.ap for c in scores.classes[:2]]) == pytest.approx(scores.map, abs=1e-12)
    assert sum(c.truths for c in scores.classes) == len(truth.class_id)


def test_the_twelve_names_and_minus_one_where_there_is_nothing() -> None:
    empty = BoxTable(("a.jpg",), ("c",), *(np.zeros(0, np.int64),) * 2, np.zeros((0, 4)), np.zeros(0))
    scores = CocoProtocol().score(empty, empty, ScoreOptions())
    assert " ".join(scores.stats) == "AP AP50 AP75 APsmall APmedium APlarge AR1 AR10 AR100 ARsmall ARmedium ARlarge"
    assert set(scores.stats.values()) == {-1.0}


def test_a_perfect_detection_and_one_without_a_number() -> None:
    one = np.array([0], np.int64)
    truth = BoxTable(("a.jpg",), ("c",), one, one, np.array([[0.0, 0, 50, 50]]))
    found = np.array([[0.0, 0, 50, 50], [0.0, 0, 40, 40]])
    both = np.array([0, 0], np.int64)
    detections = BoxTable(("a.jpg",), ("c",), both, both, found, np.array([0.5, np.nan]))
    scores = CocoProtocol().score(truth, detections, ScoreOptions())
    assert scores.map == pytest.approx(1.0)
    assert scores.options["ignored_detections"] == 1


def test_tables_of_other_pictures_are_refused() -> None:
    def empty(name: str) -> BoxTable:
        return BoxTable((name,), ("c",), *(np.zeros(0, np.int64),) * 2, np.zeros((0, 4)), np.zeros(0))

    with pytest.raises(InputError, match="evaluate-tables-differ"):
        CocoProtocol().score(empty("a"), empty("b"), ScoreOptions())
