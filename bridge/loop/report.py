"""All Scores of a Run → a Report, and the one file a person keeps."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from sqlalchemy import Connection

from bridge import picture
from bridge.errors import BridgeError
from bridge.loop.evaluate import Found, detected_regions, load_detections
from bridge.loop.truth import Labelled, labelled, object_counts
from bridge.model.dataset import DatasetVersion
from bridge.model.report import CheckpointRow, Example, Report
from bridge.model.scores import Scores
from bridge.model.training import Checkpoint, Run
from bridge.store import datasets, findings, jobs, projects, runs
from bridge.store.database import now
from bridge.workspace import Workspace

# What is drawn on example pictures, as darknet's own `detector test` does by default.
_SHOWN = 0.25
_EXAMPLES = 12
_PREVIEW = 640
# A loss curve needs no more points than a screen has pixels.
_CURVE_POINTS = 1500


def build(ws: Workspace, run_id: str) -> Report:
    """Everything the report of a run shows, from the store alone."""
    with ws.db.read() as tx:
        run = runs.find(tx, run_id)
        version = datasets.find(tx, run.version)
        project = projects.find(tx, run.project)
        train, valid = (labelled(tx, version, version.part(part)) for part in ("train", "valid"))
        scores, coco = runs.scores(tx, run.id), runs.scores(tx, run.id, "coco")
        rows = tuple(_row(c, scores[c.id], coco.get(c.id)) for c in runs.checkpoints(tx, run.id) if c.id in scores)
        best = best_row(rows)
        kept = runs.detections(tx, best.checkpoint_id) if best else None
        counted = {rule: sum(n.values()) for rule, n in findings.counts(tx, project.id).items()}
        losses = _losses(tx, run.id)
        facts = _facts(tx, run, version)
    found = load_detections(ws, kept[0]) if kept else {}
    counts = [object_counts(part, len(version.labels)) for part in (train, valid)]
    return Report(
        project.name,
        run.id,
        now(),
        version.labels,
        {name: (counts[0][n], counts[1][n]) for n, name in enumerate(version.labels)},
        (len(train), len(valid)),
        losses,
        rows,
        best.checkpoint_id if best else None,
        tuple(_examples(version, valid, found, best.checkpoint_id)) if best else (),
        counted,
        facts,
    )


def best_row(rows: Sequence[CheckpointRow]) -> CheckpointRow | None:
    """The checkpoint with the highest mAP; the earliest of equals."""
    return max(rows, key=lambda row: (row.scores.map, -row.iteration), default=None)


def keep(ws: Workspace, run_id: str, language: str = "en") -> str:
    """Make the report file, keep it as a blob and give its hash."""
    blob = ws.blobs.put(render(ws, run_id, language).encode())
    with ws.db.write() as tx:
        runs.change(tx, runs.find(tx, run_id).id, report=blob)
    return blob


def render(ws: Workspace, run_id: str, language: str = "en") -> str:
    """The report as one HTML file that opens offline."""
    from bridge.reporting.page import render_report

    return render_report(build(ws, run_id), language)


def _row(checkpoint: Checkpoint, scores: Scores, coco: Scores | None) -> CheckpointRow:
    return CheckpointRow(checkpoint.id, checkpoint.iteration, checkpoint.kind, scores, coco)


def _losses(tx: Connection, run_id: str) -> tuple[tuple[int, float, float], ...]:
    """(iteration, loss, average loss); a resumed attempt takes the place of what it trained again."""
    latest: dict[int, tuple[int, float, float]] = {}
    last = 0
    for event in runs.events(tx, run_id, ["iteration"]):
        iteration = int(event.fields["iteration"])
        if iteration <= last:
            latest = {i: point for i, point in latest.items() if i < iteration}
        last = iteration
        latest[iteration] = (iteration, _number(event.fields, "loss"), _number(event.fields, "avg_loss"))
    points = list(latest.values())
    step = max(len(points) // _CURVE_POINTS, 1)
    return tuple(points[::step] + (points[-1:] if points and (len(points) - 1) % step else []))


def _number(fields: Mapping[str, Any], key: str) -> float:
    value = fields.get(key)
    return float("nan") if value is None else float(value)


def _facts(tx: Connection, run: Run, version: DatasetVersion) -> dict[str, Any]:
    """Where the numbers came from."""
    recipe = run.recipe
    said = runs.last_event(tx, run.id, "engine")  # what trained, not what is installed there by now
    engine = said.fields if said else {}
    facts: dict[str, Any] = {
        "dataset_version": version.id,
        "seed": version.seed,
        "fraction": version.fraction,
        "valid_is_train": not version.part("valid"),
        "engine": recipe.engine,
        "fork": engine.get("fork"),
        "engine_version": engine.get("version"),
        "cfg_hash": hashlib.sha256(recipe.cfg.encode()).hexdigest(),
        "network": f"{recipe.width}x{recipe.height}",
        "batch": recipe.batch,
        "subdivisions": recipe.subdivisions,
        "max_batches": recipe.max_batches,
        "start_weights": recipe.weights,
        "node": run.node,
        "started": run.started,
        "ended": run.ended,
        "state": run.state.value,
        "shown_threshold": _SHOWN,
        "gpus": ", ".join(map(str, recipe.gpus)),
        "attempts": jobs.find(tx, run.job_id).attempts,
    }
    return facts


def _examples(
    version: DatasetVersion, valid: Sequence[Labelled], found: Mapping[int, Sequence[Found]], checkpoint_id: str
) -> list[Example]:
    """Held-out pictures spread evenly, those with most to see of each stretch."""
    readable = [one for one in valid if one.image.file is not None and one.boxes]
    step = max(len(readable) / _EXAMPLES, 1.0)
    groups = [readable[int(n * step) : int((n + 1) * step)] for n in range(_EXAMPLES)]
    chosen = [max(group, key=lambda one: len({c for c, _ in one.boxes})) for group in groups if group]
    examples = []
    for one in chosen:
        regions = detected_regions(version, one.image, found.get(one.member.image_id, ()), checkpoint_id, _SHOWN)
        example = _example(one, regions)
        if example is not None:
            examples.append(example)
    return examples


def _example(one: Labelled, detections: tuple[Any, ...]) -> Example | None:
    assert one.image.file is not None
    try:
        jpeg = picture.preview(Path(one.image.file.path), _PREVIEW)
    except BridgeError:
        return None  # The picture has gone since; the numbers stand without it.
    return Example(one.image.name, one.image.width, one.image.height, jpeg, one.regions, detections)
