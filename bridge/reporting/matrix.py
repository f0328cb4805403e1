"""The class x checkpoint table as rows ready to be drawn."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from bridge.model.report import CheckpointRow, Report
from bridge.model.scores import ClassScore
from bridge.reporting.drawing import class_colour
from bridge.reporting.measure import percent

# A cell's shade is one of so many steps, so that a style sheet can name them.
_SHADES = 20


@dataclass(frozen=True, slots=True)
class Column:
    """One checkpoint; two may stand at one iteration (darknet's last, best and final weights)."""

    iteration: int
    kind: str
    best: bool


@dataclass(frozen=True, slots=True)
class Cell:
    """One number: text in percent, and how dark it is from 0 to 20 (None = no number, or one that means nothing)."""

    text: str
    shade: int | None
    best: bool = False


@dataclass(frozen=True, slots=True)
class Row:
    """One class: training and held-out objects, its AP at the best checkpoint and at each one."""

    name: str
    colour: str
    train: int
    held_out: int
    best: Cell
    cells: tuple[Cell, ...]


@dataclass(frozen=True, slots=True)
class Matrix:
    """Columns by iteration, a row for each class, and the row of means; another one of COCO's AP where there is any."""

    columns: tuple[Column, ...]
    rows: tuple[Row, ...]
    mean_best: Cell
    means: tuple[Cell, ...]
    coco_best: Cell
    coco: tuple[Cell, ...] = ()


def matrix(report: Report) -> Matrix:
    """Lay out all scores of a run; classes in class order, checkpoints by iteration."""
    entries = sorted(report.checkpoints, key=lambda row: row.iteration)
    tables = [{c.name: c for c in entry.scores.classes} for entry in entries]
    best = next((i for i, entry in enumerate(entries) if entry is report.best_row), None)
    rows = tuple(_row(report, index, name, tables, best) for index, name in enumerate(report.classes))
    means = tuple(_cell(entry.scores.map, i == best) for i, entry in enumerate(entries))
    coco = tuple(_cell(-1 if entry.coco is None else entry.coco.map, i == best) for i, entry in enumerate(entries))
    columns = tuple(_column(entry, i == best) for i, entry in enumerate(entries))
    beside = coco if any(entry.coco for entry in entries) else ()
    return Matrix(columns, rows, _at(means, best), means, _at(coco, best), beside)


def _column(entry: CheckpointRow, best: bool) -> Column:
    return Column(entry.iteration, entry.kind, best)


def _row(report: Report, index: int, name: str, tables: Sequence[dict[str, ClassScore]], best: int | None) -> Row:
    scores = [table.get(name) for table in tables]
    cells = tuple(_class_cell(score, i == best) for i, score in enumerate(scores))
    train, held_out = report.objects.get(name, (0, 0))
    return Row(name, class_colour(index), train, held_out, _at(cells, best), cells)


def _class_cell(score: ClassScore | None, best: bool) -> Cell:
    if score is None or score.truths == 0:  # Nothing to find: whatever the protocol says, it is no measurement.
        return Cell("–", None, best)
    return _cell(score.ap, best)


def _cell(fraction: float, best: bool) -> Cell:
    sound = math.isfinite(fraction) and 0 <= fraction <= 1
    return Cell(percent(fraction), round(fraction * _SHADES) if sound else None, best)


def _at(cells: Sequence[Cell], index: int | None) -> Cell:
    return Cell("–", None) if index is None else cells[index]
