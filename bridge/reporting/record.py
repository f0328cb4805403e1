"""A report as plain data for programs: the same numbers as the page, without its pictures."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from bridge.model.annotation import Region
from bridge.model.difference import difference
from bridge.model.report import CheckpointRow, Example, Report
from bridge.model.scores import Scores
from bridge.reporting.difference import why_different


def report_json(report: Report) -> dict[str, Any]:
    """JSON-safe: not-a-number becomes null, AP and mAP stay fractions, previews are left out."""
    best = report.best_row
    return {
        "project": report.project,
        "run": report.run_id,
        "created": report.created,
        "classes": list(report.classes),
        "objects": {name: {"train": train, "valid": valid} for name, (train, valid) in report.objects.items()},
        "pictures": {"train": report.pictures[0], "valid": report.pictures[1]},
        "best": None if best is None else _checkpoint(best),
        "difference": None if best is None else _difference(best),
        "checkpoints": [_checkpoint(row) for row in report.checkpoints],
        "losses": [{"iteration": i, "loss": _safe(loss), "avg_loss": _safe(avg)} for i, loss, avg in report.losses],
        "examples": [_example(example) for example in report.examples],
        "findings": dict(report.findings),
        "facts": _safe(report.facts),
    }


def _checkpoint(row: CheckpointRow) -> dict[str, Any]:
    named = {"id": row.checkpoint_id, "iteration": row.iteration, "kind": row.kind}
    return {**named, **_scores(row.scores), "coco": None if row.coco is None else _scores(row.coco)}


def _difference(row: CheckpointRow) -> dict[str, Any] | None:
    """Why the protocols differ: in words, and step by step."""
    if row.coco is None:
        return None
    steps = [{"cause": s.cause, "mean": s.mean, "change": s.change} for s in difference(row.scores, row.coco)]
    return {"message": why_different(row.scores, row.coco), "steps": steps}


def _scores(scores: Scores) -> dict[str, Any]:
    return {
        "protocol": scores.protocol,
        "map": _safe(scores.map),
        "pictures": scores.pictures,
        "classes": [
            {"id": c.id, "name": c.name, "ap": _safe(c.ap), "truths": c.truths, "detections": c.detections}
            for c in scores.classes
        ],
        "options": _safe(scores.options),
        "stats": _safe(scores.stats),
    }


def _example(example: Example) -> dict[str, Any]:
    return {
        "image": example.image,
        "width": example.width,
        "height": example.height,
        "truth": [_region(r) for r in example.truth],
        "detections": [_region(r) for r in example.detections],
    }


def _region(region: Region) -> dict[str, Any]:
    points = [[_safe(x), _safe(y)] for x, y in region.points]
    return {"kind": region.kind, "labels": list(region.labels), "points": points, "score": _safe(region.score)}


def _safe(value: Any) -> Any:
    """The value in JSON's own types; what JSON does not know becomes text."""
    if value is None or isinstance(value, str | bool | int):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {str(k): _safe(v) for k, v in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_safe(v) for v in value]
    return str(value)
