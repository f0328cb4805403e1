"""Best Checkpoint + Images → Predictions, and which checkpoint pre-labels."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from sqlalchemy import Connection

from bridge.errors import ConflictError, NotFoundError
from bridge.loop.doubles import sifted, together_in
from bridge.loop.evaluate import Found, detected_regions
from bridge.loop.train import require_worker
from bridge.model.prediction import Prediction
from bridge.model.training import Checkpoint
from bridge.store import datasets, images, jobs, predictions, projects, revisions, runs, tokens
from bridge.store.database import now
from bridge.workspace import Workspace

# A box less sure than this is more work to delete than to draw.
THRESHOLD = 0.25


def predict(
    ws: Workspace, project: str, checkpoint: str | None = None, who: str = "local", only_unlabelled: bool = False
) -> str:
    """Make a job that lets a checkpoint (the published one, else the best) look at the pictures; gives the job's id.

    Raises NotFoundError checkpoint-none, or MissingPartError when no worker is alive.
    """
    require_worker(ws, "detect")
    with ws.db.write() as tx:
        found = projects.find(tx, project)
        chosen = choose(tx, found.id, checkpoint)
        ids = _unlabelled(tx, found.id) if only_unlabelled else None
        payload = {"checkpoint": chosen.id, "project": found.id, "images": ids}
        job_id = jobs.put(tx, "predict", "detect", payload, found.id, f"predict:{chosen.id}")
        tokens.record(tx, who, "predict", found.id, {"checkpoint": chosen.id})
    return job_id


def choose(tx: Connection, project: str, wanted: str | None = None) -> Checkpoint:
    """The checkpoint of that id, else the published one, else the best; raises NotFoundError, ConflictError."""
    name = wanted or projects.published(tx, project)
    if name is not None:
        return _own(tx, project, name)
    best = runs.best_checkpoint(tx, project)
    if best is None:
        raise NotFoundError("checkpoint-none", project=project)
    return best


def _own(tx: Connection, project: str, wanted: str) -> Checkpoint:
    """A checkpoint of this project: another one's classes would be taken for ours."""
    found = runs.find_checkpoint(tx, wanted)
    theirs = runs.find(tx, found.run_id).project
    if theirs != project:
        raise ConflictError("checkpoint-elsewhere", checkpoint=found.id, found=theirs, project=project)
    return found


def publish(ws: Workspace, project: str, checkpoint: str | None, who: str) -> Checkpoint:
    """Make a checkpoint the one that pre-labels (None: the best); kept in the ledger. Raises as choose does."""
    with ws.db.write() as tx:
        found = projects.find(tx, project)
        if checkpoint is None:
            best = runs.best_checkpoint(tx, found.id)
            if best is None:
                raise NotFoundError("checkpoint-none", project=found.name)
            checkpoint = best.id
        chosen = _own(tx, found.id, checkpoint)
        before = projects.published(tx, found.id)
        projects.publish(tx, found.id, chosen.id)
        tokens.record(tx, who, "promote", found.id, {"checkpoint": chosen.id, "before": before})
    return chosen


def keep(
    tx: Connection, project: str, checkpoint_id: str, found: Mapping[int, Sequence[Found]], threshold: float = THRESHOLD
) -> int:
    """Put detections into the prediction store, one box for each thing, by image id; gives how many pictures."""
    version = datasets.find(tx, runs.find(tx, runs.find_checkpoint(tx, checkpoint_id).run_id).version)
    together = together_in(tx, version)
    known = images.find_many(tx, list(found))
    at = now()
    made = [
        Prediction(image_id, known[image_id].name, checkpoint_id, regions, at)
        for image_id, boxes in found.items()
        if image_id in known
        for regions in [sifted(detected_regions(version, known[image_id], boxes, checkpoint_id, threshold), together)]
    ]
    predictions.put(tx, made, version.frozen_labels())
    return len(made)


def _unlabelled(tx: Connection, project: str) -> list[int]:
    present: Iterable[revisions.Current] = revisions.current(tx, project, projects.labels(tx, project))
    return [c.document.image.id for c in present if c.heads == 0 and c.document.image.id is not None]
