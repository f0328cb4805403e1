"""What a reader is told before believing the number."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

from bridge.model.report import Report
from bridge.model.scores import ClassScore
from bridge.reporting.caveats import caveats
from bridge.texts import LANGUAGES, catalogue


def told(report: Report) -> dict[str, dict[str, Any]]:
    return dict(caveats(report))


def test_a_usual_run_is_told_of_the_choice_and_of_rare_classes(report: Report) -> None:
    assert told(report) == {"chosen": {}, "few-objects": {"classes": "gear <rare> & small (21)", "points": 5}}


def test_a_single_checkpoint_was_not_chosen(report: Report) -> None:
    assert "chosen" not in told(replace(report, checkpoints=report.checkpoints[7:8]))


def test_a_class_without_objects_is_told_as_its_protocol_counts_it(report: Report) -> None:
    row = report.checkpoints[7]
    scores = replace(row.scores, classes=(*row.scores.classes[:3], ClassScore(3, "gear", 0.0, 0, 0)))
    darknet = replace(report, checkpoints=(replace(row, scores=scores),))
    assert told(darknet)["no-objects"] == {"classes": "gear"}
    coco = replace(report, checkpoints=(replace(row, scores=replace(scores, protocol="coco")),))
    assert told(coco)["no-objects-left-out"] == {"classes": "gear"}


def test_trainings_that_broke_or_stopped_early(report: Report) -> None:
    broken = replace(report, losses=(*report.losses[:300], (301, math.nan, math.nan)), checkpoints=())
    assert told(broken)["nan"] == {"iteration": 301}
    assert told(broken)["unfinished"] == {"reached": 301, "planned": 900}


def test_measured_on_what_it_was_trained_on_or_on_little(report: Report) -> None:
    row = report.checkpoints[7]
    small = replace(row, scores=replace(row.scores, pictures=12))
    found = told(replace(report, checkpoints=(small,), facts={"valid_is_train": True}))
    assert found["valid-is-train"] == {}
    assert found["few-pictures"] == {"pictures": 12}


def test_classes_never_trained(report: Report) -> None:
    assert told(replace(report, objects={**report.objects, "bolt": (0, 75)}))["untrained"] == {"classes": "bolt"}


def test_nothing_measured_needs_no_caution(report: Report) -> None:
    assert told(replace(report, checkpoints=(), best=None)) == {}


def test_every_caveat_has_its_sentence() -> None:
    keys = {"chosen", "valid-is-train", "few-pictures", "few-objects", "untrained", "nan", "unfinished"}
    keys |= {"no-objects", "no-objects-left-out"}
    for language in LANGUAGES:
        sentences = {k for k in catalogue(language, "report") if k.startswith("caveat.")}
        assert sentences == {f"caveat.{k}" for k in keys}
