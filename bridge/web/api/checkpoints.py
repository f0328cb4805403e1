"""Weights that runs saved, and how good they are."""

from __future__ import annotations

from typing import Any

from flask import Response
from flask_openapi.blueprint import APIBlueprint
from pydantic import BaseModel, Field

from bridge.model.scores import Scores
from bridge.model.training import Checkpoint
from bridge.store import runs
from bridge.web.api import answer, area
from bridge.web.api.paging import slice_of
from bridge.web.api.schemas import Given, OfRun, Page, Paged
from bridge.web.auth import require
from bridge.web.current import workspace


class ClassOut(Given):
    """One class: average precision as a fraction, objects to be found, detections made."""

    id: int
    name: str
    ap: float | None
    truths: int
    detections: int


class ScoresOut(Given):
    """How good a checkpoint is under one protocol, and how that was measured."""

    protocol: str
    map: float | None
    classes: list[ClassOut]
    options: dict[str, Any]
    stats: dict[str, float | None]
    pictures: int


class CheckpointOut(Given):
    """Weights that a run saved, and their scores once they are measured."""

    id: str
    iteration: int
    kind: str
    blob: str
    size: int
    created: str
    scores: ScoresOut | None

    @classmethod
    def of(cls, checkpoint: Checkpoint, scores: Scores | None) -> CheckpointOut:
        """A checkpoint with its scores."""
        return cls(
            id=checkpoint.id,
            iteration=checkpoint.iteration,
            kind=checkpoint.kind,
            blob=checkpoint.blob,
            size=checkpoint.size,
            created=checkpoint.created,
            scores=ScoresOut.model_validate(scores) if scores else None,
        )


class OfCheckpoint(BaseModel):
    """A checkpoint in a path."""

    checkpoint: str = Field(min_length=4, max_length=40, pattern="^[0-9a-zA-Z-]+$")


class CheckpointWhole(CheckpointOut):
    """A checkpoint with the run that saved it and the project of that."""

    run: str
    project: str


def blueprint() -> APIBlueprint:
    """Routes of checkpoints."""
    api = area("checkpoints", "Weights with their scores.")
    api.get("/runs/<run>/checkpoints", responses={200: Page[CheckpointOut]})(list_checkpoints)
    api.get("/checkpoints/<checkpoint>", responses={200: CheckpointWhole})(get_checkpoint)
    return api


@require("admin", "read")
def list_checkpoints(path: OfRun, query: Paged) -> Response:
    """A run's checkpoints by iteration, with scores under darknet's rule."""
    with workspace().db.read() as tx:
        run = runs.find(tx, path.run)
        found = runs.checkpoints(tx, run.id)
        scores = runs.scores(tx, run.id)
    return answer(slice_of(found, query, lambda checkpoint: CheckpointOut.of(checkpoint, scores.get(checkpoint.id))))


@require("admin", "read")
def get_checkpoint(path: OfCheckpoint) -> Response:
    """A checkpoint by its id or the beginning of it."""
    with workspace().db.read() as tx:
        found = runs.find_checkpoint(tx, path.checkpoint)
        run = runs.find(tx, found.run_id)
        scores = runs.scores(tx, run.id).get(found.id)
    return answer(CheckpointWhole(**CheckpointOut.of(found, scores).model_dump(), run=run.id, project=run.project))
