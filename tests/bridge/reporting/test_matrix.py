"""The class x checkpoint table."""

from __future__ import annotations

import math
from dataclasses import replace

from bridge.model.report import CheckpointRow, Report
from bridge.model.scores import ClassScore
from bridge.reporting.matrix import matrix


def test_columns_by_iteration_rows_by_class(report: Report) -> None:
    table = matrix(replace(report, checkpoints=report.checkpoints[::-1]))
    assert [c.iteration for c in table.columns] == [100 * i for i in range(1, 10)]
    assert [c.best for c in table.columns] == [i == 7 for i in range(9)]
    assert [r.name for r in table.rows] == list(report.classes)
    assert [c.text for c in table.rows[0].cells] == [
        "0.0", "20.0", "49.0", "67.0", "50.0", "81.0", "84.0", "86.4", "86.1",
    ]  # fmt: skip
    assert (table.rows[3].train, table.rows[3].held_out, table.rows[3].best.text) == (61, 21, "49.9")
    assert (table.mean_best.text, table.means[0].text) == ("64.7", "0.0")


def test_shades_run_from_none_to_full(report: Report) -> None:
    table = matrix(report)
    assert table.rows[0].cells[0].shade == 0
    assert table.rows[0].cells[7].shade == 17
    assert table.rows[0].cells[7].best


def test_a_class_with_nothing_to_find_has_no_number(report: Report) -> None:
    row = report.checkpoints[7]
    classes = (*row.scores.classes[:3], ClassScore(3, report.classes[3], 0.0, 0, 5))
    table = matrix(replace(report, checkpoints=(replace(row, scores=replace(row.scores, classes=classes)),)))
    assert (table.rows[3].best.text, table.rows[3].best.shade) == ("–", None)
    assert table.rows[2].best.text == "46.1"


def test_classes_unknown_to_old_scores_and_strange_numbers_are_dashes(report: Report) -> None:
    row = report.checkpoints[0]
    strange = replace(row, scores=replace(row.scores, map=math.nan, classes=row.scores.classes[:1]))
    table = matrix(replace(report, checkpoints=(strange,), best=None))
    assert [c.text for c in table.means] == ["–"]
    assert [r.cells[0].text for r in table.rows] == ["0.0", "–", "–", "–"]
    assert table.mean_best.text == "–"


def test_checkpoints_at_one_iteration_stand_side_by_side(report: Report) -> None:
    final = report.checkpoints[8]
    last = CheckpointRow("other", final.iteration, "last", final.scores)
    table = matrix(replace(report, checkpoints=(*report.checkpoints, last), best="other"))
    assert [(c.iteration, c.kind, c.best) for c in table.columns[-2:]] == [(900, "final", False), (900, "last", True)]
