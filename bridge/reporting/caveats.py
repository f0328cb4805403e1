"""What a reader must know before believing the number: drawn from the report itself."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from bridge.model.report import Report
from bridge.model.scores import ClassScore
from bridge.reporting.charts import first_nan

# Below these, chance moves the number visibly.
_FEW_PICTURES = 50
_FEW_OBJECTS = 30

Caveat = tuple[str, dict[str, Any]]


def caveats(report: Report) -> list[Caveat]:
    """Text keys (below "caveat." in the report catalogue) with their fields, the gravest first."""
    return [*_training(report), *_measuring(report), *_data(report)]


def _training(report: Report) -> Iterator[Caveat]:
    broken = first_nan(report.losses)
    if broken is not None:
        yield "nan", {"iteration": broken}
    planned = report.facts.get("max_batches")
    reached = max([i for i, _, _ in report.losses] + [r.iteration for r in report.checkpoints], default=0)
    if isinstance(planned, int) and reached < planned:
        yield "unfinished", {"reached": reached, "planned": planned}


def _measuring(report: Report) -> Iterator[Caveat]:
    best = report.best_row
    if best is None:
        return
    if report.facts.get("valid_is_train"):
        yield "valid-is-train", {}
    if len(report.checkpoints) > 1:
        yield "chosen", {}
    pictures = best.scores.pictures or report.pictures[1]
    if pictures < _FEW_PICTURES:
        yield "few-pictures", {"pictures": pictures}


def _data(report: Report) -> Iterator[Caveat]:
    best = report.best_row
    classes = best.scores.classes if best is not None else ()
    empty = [c for c in classes if c.truths == 0]
    if empty and best is not None:
        # darknet counts a class without anything to find as 0; COCO leaves it out of the mean.
        key = "no-objects" if best.scores.protocol == "darknet" else "no-objects-left-out"
        yield key, {"classes": ", ".join(c.name for c in empty)}
    few = [c for c in classes if 0 < c.truths < _FEW_OBJECTS]
    if few:
        yield "few-objects", {"classes": _counted(few), "points": round(100 / min(c.truths for c in few))}
    untrained = [name for name in report.classes if report.objects.get(name, (1, 0))[0] == 0]
    if untrained:
        yield "untrained", {"classes": ", ".join(untrained)}


def _counted(classes: list[ClassScore]) -> str:
    return ", ".join(f"{c.name} ({c.truths})" for c in classes)
