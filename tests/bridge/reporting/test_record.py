"""A report as JSON."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path

import pytest

from bridge.model.report import Report
from bridge.reporting.record import report_json


def test_it_is_json_and_holds_the_same_numbers(report: Report) -> None:
    record = json.loads(json.dumps(report_json(report), allow_nan=False))
    assert record["best"]["iteration"] == 800
    assert record["best"]["map"] == report.checkpoints[7].scores.map
    assert [c["iteration"] for c in record["checkpoints"]] == [100 * i for i in range(1, 10)]
    assert record["best"]["classes"][3] == {
        "id": 3, "name": "gear <rare> & small", "ap": 0.499, "truths": 21, "detections": 63,
    }  # fmt: skip
    assert record["best"]["options"]["nms"] == 0.45
    assert record["objects"]["bolt"] == {"train": 322, "valid": 75}
    assert len(record["losses"]) == 900
    assert record["facts"]["camera"] == {"lens": "50 mm", "light": "north"}
    assert record["examples"][0]["truth"][0]["kind"] == "rectangle"


def test_cocos_numbers_stand_beside_with_why_they_differ(report: Report) -> None:
    record = json.loads(json.dumps(report_json(report), allow_nan=False))
    best = report.checkpoints[7]
    assert best.coco is not None
    assert record["best"]["coco"]["stats"] == best.coco.stats
    assert record["checkpoints"][0]["coco"]["protocol"] == "coco"
    steps = record["difference"]["steps"]
    assert sum(step["change"] for step in steps) == pytest.approx(best.coco.map - best.scores.map)
    assert "COCO's 35.3 %" in record["difference"]["message"]
    alone = report_json(replace(report, checkpoints=(replace(best, coco=None),)))
    assert (alone["best"]["coco"], alone["difference"]) == (None, None)


def test_pictures_stay_out(report: Report) -> None:
    assert len(json.dumps(report_json(replace(report, losses=())))) < 40_000
    assert "jpeg" not in json.dumps(report_json(report))


def test_what_json_does_not_know_is_made_plain(report: Report) -> None:
    strange = replace(
        report,
        losses=((1, math.nan, math.inf),),
        best=None,
        facts={"path": Path("/a"), "gpus": (0, 1), 3: {"x": math.nan}},  # type: ignore[dict-item]
    )
    record = json.loads(json.dumps(report_json(strange), allow_nan=False))
    assert record["losses"] == [{"iteration": 1, "loss": None, "avg_loss": None}]
    assert record["best"] is None
    assert record["facts"] == {"path": "/a", "gpus": [0, 1], "3": {"x": None}}
