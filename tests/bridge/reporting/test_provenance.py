"""Where the numbers come from."""

from __future__ import annotations

from dataclasses import replace

from bridge.model.report import Report
from bridge.reporting.provenance import beside_the_number, duration, groups, moment


def test_beside_the_number_stands_all_that_decides_it(report: Report) -> None:
    beside = dict(beside_the_number(report, "en"))
    assert beside["Protocol"].startswith(
        "darknet: a detection counts if it overlaps an object of its class by more than 0.5"
    )
    assert "area under" in beside["Protocol"]
    assert beside["Pictures"] == "80 held out from training (300 trained on)"
    assert beside["Dataset version"] == "9c1f5be07d8a"
    assert beside["Detector"] == "onnx, darknet resize, threshold 0.005, NMS 0.45"
    assert beside["Trained by"] == "darknet pjreddie 0.0.0+git20180914"
    assert beside["Checkpoint"] == "00000000f778 · numbered"


def test_it_follows_the_scores_own_options(report: Report) -> None:
    row = report.checkpoints[7]
    options = {**row.scores.options, "iou": 0.75, "points": 11, "detector": "darknet"}
    other = replace(report, checkpoints=(replace(row, scores=replace(row.scores, options=options)),))
    beside = dict(beside_the_number(other, "ja"))
    assert "0.75 を超えて" in beside["評価方式"]
    assert "11 点" in beside["評価方式"]
    assert beside["検出器"].startswith("darknet、")


def test_what_is_not_known_is_left_out(report: Report) -> None:
    row = report.checkpoints[7]
    bare = replace(
        report, checkpoints=(replace(row, scores=replace(row.scores, protocol="mine", options={})),), facts={}
    )
    assert [name for name, _ in beside_the_number(bare, "en")] == ["Protocol", "Pictures", "Checkpoint"]
    assert dict(beside_the_number(bare, "en"))["Protocol"] == "mine"
    assert beside_the_number(replace(report, best=None), "en") == []


def test_every_fact_appears_once_known_or_not(report: Report) -> None:
    boxes = groups(report, "en")
    assert [title for title, _ in boxes] == ["Data", "Training", "Measuring", "Run", "Other"]
    values = [value for _, facts in boxes for _, value in facts]
    names = [name for _, facts in boxes for name, _ in facts]
    assert report.facts["dataset_version"] in values
    assert report.facts["cfg_hash"] in values
    assert ("camera", "lens 50 mm, light north") in boxes[-1][1]
    assert ("Took", "2 min 9 s") in boxes[3][1]
    assert ("Letterbox", "no") in boxes[2][1]
    assert "GPUs" not in names  # an empty list says nothing
    assert len(names) == len(set(names))


def test_times_are_for_people() -> None:
    assert moment("2026-08-14T09:12:44+00:00") == "2026-08-14 09:12 UTC"
    assert moment("2026-08-14T09:12:44") == "2026-08-14 09:12"
    assert moment("yesterday") == "yesterday"
    assert [duration(s, "en") for s in (9.4, 129.4, 7265)] == ["9 s", "2 min 9 s", "2 h 1 min"]
    assert duration(7265, "ja") == "2 時間 1 分"
