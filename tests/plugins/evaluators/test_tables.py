from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from bridge.errors import InputError, NotFoundError
from bridge.plugin import ScoreOptions
from bridge.texts import render
from plugins.evaluators.darknet import DarknetProtocol
from plugins.evaluators.tables import CocoFiles, read_detections, read_truth

IMAGES = [{"id": 1, "file_name": "ねじ_1.jpg"}, {"id": 2, "file_name": "b.jpg"}, {"id": "three", "file_name": "c.jpg"}]
CATEGORIES = [{"id": 5, "name": "ボルト"}, {"id": 3, "name": "nut"}]


def annotation(id_: Any, image: Any = 1, category: Any = 5, bbox: Any = (0, 0, 10, 10), **rest: Any) -> dict[str, Any]:
    return {"id": id_, "image_id": image, "category_id": category, "bbox": list(bbox), **rest}


def result(image: Any = 1, category: Any = 5, bbox: Any = (0, 0, 10, 10), score: Any = 0.5) -> dict[str, Any]:
    return {"image_id": image, "category_id": category, "bbox": list(bbox), "score": score}


def truth_file(folder: Path, annotations: list[Any], images: Any = None, categories: Any = None) -> Path:
    path = folder / "truth.json"
    parts = {"images": images or IMAGES, "categories": categories or CATEGORIES, "annotations": annotations}
    path.write_text(json.dumps(parts), "utf-8")
    return path


def results_file(folder: Path, rows: list[Any]) -> Path:
    path = folder / "results.json"
    path.write_text(json.dumps(rows), "utf-8")
    return path


def test_pictures_and_classes_keep_the_files_order(tmp_path: Path) -> None:
    rows = [annotation(1, "three", 3, (1, 2, 3, 4)), annotation(2, 1, 5, (0.5, 0.5, 10, 20), iscrowd=1, area=7)]
    truth, findings = read_truth(truth_file(tmp_path, rows))
    assert findings == []
    assert truth.pictures == ("ねじ_1.jpg", "b.jpg", "c.jpg")
    assert truth.classes == ("ボルト", "nut")
    assert truth.picture.tolist() == [2, 0]
    assert truth.class_id.tolist() == [1, 0]
    assert truth.corners.tolist() == [[1, 2, 4, 6], [0.5, 0.5, 10.5, 20.5]]
    assert truth.area is not None
    assert truth.crowd is not None
    assert truth.area.tolist() == [12, 7]
    assert truth.crowd.tolist() == [False, True]


@pytest.mark.parametrize(
    ("row", "rule"),
    [
        (result(score=float("nan")), "score-bad-number"),
        (result(score=float("inf")), "score-bad-number"),
        (result(bbox=(0, 0, -5, 10)), "score-bad-number"),
        (result(bbox=(float("nan"), 0, 5, 10)), "score-bad-number"),
        (result(image=99), "score-unknown-picture"),
        (result(category=99), "score-unknown-class"),
        (result(bbox=(1, 2, 3)), "score-damaged"),
        (result(score="high"), "score-damaged"),
        ({"image_id": 1}, "score-damaged"),
        (None, "score-damaged"),
    ],
)
def test_one_bad_detection_is_named_and_the_rest_is_scored(tmp_path: Path, row: Any, rule: str) -> None:
    truth, _ = read_truth(truth_file(tmp_path, [annotation(1)]))
    detections, findings = read_detections(results_file(tmp_path, [row, result(score=0.9)]), truth)
    assert [f.rule for f in findings] == [rule]
    assert detections.score is not None
    assert detections.score.tolist() == [0.9]
    scores = DarknetProtocol().score(truth, detections, ScoreOptions())
    assert scores.classes[0].ap == 1.0
    for language in ("en", "ja"):
        said = render("findings", rule, findings[0].fields, language)
        assert "{" not in said
        assert not said.startswith(rule)


@pytest.mark.parametrize(
    ("row", "rule"),
    [
        (annotation(2, bbox=(0, 0, 4, -4)), "score-bad-number"),
        (annotation(2, image=99), "score-unknown-picture"),
        (annotation(2, category=99), "score-unknown-class"),
        (annotation(1), "score-duplicate-id"),
        ({"id": 2, "image_id": 1, "category_id": 5}, "score-damaged"),
    ],
)
def test_one_bad_truth_is_named_and_the_rest_counts(tmp_path: Path, row: Any, rule: str) -> None:
    truth, findings = read_truth(truth_file(tmp_path, [annotation(1), row]))
    assert [f.rule for f in findings] == [rule]
    assert truth.corners.tolist() == [[0, 0, 10, 10]]


def test_another_box_under_a_used_id_is_kept(tmp_path: Path) -> None:
    truth, findings = read_truth(truth_file(tmp_path, [annotation(1), annotation(1, bbox=(50, 50, 9, 9))]))
    assert [f.rule for f in findings] == ["score-duplicate-id"]
    assert len(truth.corners) == 2


def test_a_second_picture_or_class_of_an_id_is_left_out(tmp_path: Path) -> None:
    images, categories = [*IMAGES, {"id": 1, "file_name": "again.jpg"}], [*CATEGORIES, {"id": 3, "name": "gear"}]
    truth, findings = read_truth(truth_file(tmp_path, [annotation(1)], images, categories))
    assert [f.fields["part"] for f in findings] == ["images", "categories"]
    assert truth.pictures == ("ねじ_1.jpg", "b.jpg", "c.jpg")
    assert truth.classes == ("ボルト", "nut")


def test_pictures_nobody_has_looked_at_are_left_out(tmp_path: Path) -> None:
    images = [{"id": 1, "file_name": "a.jpg", "state": "labelled"}, {"id": 2, "file_name": "b.jpg", "state": "unknown"}]
    truth, findings = read_truth(truth_file(tmp_path, [annotation(1)], images))
    detections, more = read_detections(results_file(tmp_path, [result(2, score=0.99), result(1)]), truth)
    assert [f.rule for f in findings] == ["score-unreviewed"]
    assert more == []
    assert truth.pictures == ("a.jpg",)
    assert DarknetProtocol().score(truth, detections, ScoreOptions()).classes[0].ap == 1.0


def test_strangers_are_counted_by_id(tmp_path: Path) -> None:
    truth, _ = read_truth(truth_file(tmp_path, []))
    rows = [result(99), result(99), result("three"), result("98")]
    _, findings = read_detections(results_file(tmp_path, rows), truth)
    assert [(f.fields["id"], f.fields["boxes"]) for f in findings] == [(99, 2), ("98", 1)]


@pytest.mark.parametrize("text", ["[]", '{"images": []}', '{"images": [], "categories": {}, "annotations": []}', "3"])
def test_what_is_no_coco_file_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "truth.json"
    path.write_text(text)
    with pytest.raises(InputError, match="evaluate-not-coco"):
        read_truth(path)


def test_what_is_no_results_file_is_refused(tmp_path: Path) -> None:
    path = truth_file(tmp_path, [])
    truth, _ = read_truth(path)
    with pytest.raises(InputError, match="evaluate-not-results"):
        read_detections(path, truth)


def test_broken_deep_and_missing_files_are_named(tmp_path: Path) -> None:
    path = tmp_path / "truth.json"
    with pytest.raises(NotFoundError, match="file-missing"):
        read_truth(path)
    path.write_text('{"images": [')
    with pytest.raises(InputError, match="json-broken"):
        read_truth(path)
    path.write_text("[" * 100_000)
    with pytest.raises(InputError, match="json-too-deep"):
        read_truth(path)


def test_utf16_and_a_byte_order_mark_are_read(tmp_path: Path) -> None:
    path = truth_file(tmp_path, [annotation(1)])
    text = path.read_text("utf-8")
    for encoding in ("utf-8-sig", "utf-16"):
        path.write_text(text, encoding)
        assert read_truth(path)[0].pictures[0] == "ねじ_1.jpg"


def rules(truth: Path, detections: Path) -> list[str]:
    return [f.rule for f in CocoFiles().read(truth, detections)[2]]


def test_numbers_that_are_none_among_good_ones(tmp_path: Path) -> None:
    """Python writes NaN, which is no JSON: what stands beside it is scored, also text that looks like it."""
    truth = truth_file(tmp_path, [annotation(1), annotation(2, 2, bbox=(0, 0, float("nan"), 4))])
    rows = [
        result(score=0.9),
        {**result(score=float("nan")), "note": 'NaN, "NaN" -Infinity'},
        result(bbox=(0, float("-inf"), 5, 5)),
        result(bbox=(0, 0, -1, 5)),
        None,
        result(2, score=0.8),
    ]
    wanted, findings = read_truth(truth)
    detections, more = read_detections(results_file(tmp_path, rows), wanted)
    assert [(f.rule, f.fields["row"]) for f in findings] == [("score-bad-number", 1)]
    assert [(f.rule, f.fields["row"]) for f in more] == [
        ("score-bad-number", 1),
        ("score-bad-number", 2),
        ("score-damaged", 4),
        ("score-bad-number", 3),
    ]
    assert more[0].fields["numbers"] == "0, 0, 10, 10, nan"
    assert detections.score is not None
    assert detections.score.tolist() == [0.9, 0.8]


def test_ids_may_be_any_numbers_or_words(tmp_path: Path) -> None:
    images = [{"id": n, "file_name": f"{n}.jpg"} for n in (10**15, -4, 7, "seven", 2.0)]
    truth, findings = read_truth(truth_file(tmp_path, [annotation(1, 2), annotation(2, "seven")], images))
    assert findings == []
    # In the order of the ids, words last.
    assert truth.pictures == ("-4.jpg", "2.0.jpg", "7.jpg", f"{10**15}.jpg", "seven.jpg")
    assert truth.picture.tolist() == [1, 4]
    numbers, more = read_detections(results_file(tmp_path, [result(n) for n in (7, -4, 10**15, 2, 2.0)]), truth)
    words, other = read_detections(results_file(tmp_path, [result(n) for n in ("seven", 7.0, -4)]), truth)
    assert more + other == []
    assert numbers.picture.tolist() == [2, 0, 3, 1, 1]
    assert words.picture.tolist() == [4, 2, 0]
    _, strange = read_detections(results_file(tmp_path, [result(n) for n in (10**16, 3, -5)]), truth)
    assert [f.fields["id"] for f in strange] == [10**16, 3, -5]


@pytest.mark.parametrize("text", ["", " \n", "\0\0\0"])
def test_a_file_with_nothing_in_it_is_not_nothing_found(tmp_path: Path, text: str) -> None:
    truth, _ = read_truth(truth_file(tmp_path, [annotation(1)]))
    empty = tmp_path / "empty.json"
    empty.write_text(text)
    with pytest.raises(InputError, match="evaluate-empty-file"):
        read_detections(empty, truth)
    with pytest.raises(InputError, match="evaluate-empty-file"):
        read_truth(empty)


def test_what_is_missing_as_a_whole_is_told(tmp_path: Path) -> None:
    truth = truth_file(tmp_path, [annotation(1), annotation(2, 2), annotation(3, 2)])
    assert rules(truth, results_file(tmp_path, [])) == ["score-no-detections", "score-class-without-truth"]
    findings = CocoFiles().read(truth, results_file(tmp_path, [result()]))[2]
    told = {f.rule: f.fields for f in findings}
    assert told["score-picture-without-detections"] == {"pictures": 1, "objects": 2, "names": "b.jpg"}
    assert told["score-class-without-truth"] == {"classes": 1, "of": 2, "names": "nut"}
    assert rules(truth_file(tmp_path, []), results_file(tmp_path, [result()])) == ["score-no-truth"]
    for finding in findings:
        assert "{" not in render("findings", finding.rule, finding.fields, "ja")


def test_an_area_that_cannot_be_gives_way_to_the_box(tmp_path: Path) -> None:
    rows = [annotation(1, area=-3), annotation(2, area=50), annotation(3, area=None)]
    truth, findings = read_truth(truth_file(tmp_path, rows))
    assert truth.area is not None
    assert truth.area.tolist() == [100, 50, 100]
    assert [(f.rule, f.fields["row"], f.fields["area"]) for f in findings] == [("score-bad-area", 0, "-3")]


def test_a_fault_in_every_entry_does_not_flood(tmp_path: Path) -> None:
    truth, _ = read_truth(truth_file(tmp_path, [annotation(1)]))
    rows = [result(bbox=(0, 0, -1, 1))] * 1500 + [result(score=0.5)]
    detections, findings = read_detections(results_file(tmp_path, rows), truth)
    assert len(findings) == 1001
    assert findings[-1].rule == "score-more"
    assert findings[-1].fields == {"about": "score-bad-number", "part": "detections", "entries": 500}
    assert len(detections.picture) == 1
