"""Trainings: start, watch, stop, go on; their events, checkpoints, logs and reports."""

from __future__ import annotations

from typing import Any, Literal

import msgspec
from flask import Response, request
from flask_openapi.blueprint import APIBlueprint
from pydantic import BaseModel, Field

from bridge.loop import train
from bridge.model.report import Report
from bridge.model.scores import Scores
from bridge.model.training import Checkpoint, RunEvent
from bridge.store import jobs, projects, runs
from bridge.web import live, transcript
from bridge.web.api import answer, area
from bridge.web.api.paging import cut_off
from bridge.web.api.schemas import Given, Name, OfRun, Page, Paged, RunOut, Taken
from bridge.web.auth import require, who
from bridge.web.current import workspace


class RunQuery(Paged):
    """Which runs."""

    project: Name | None = None


class EventQuery(Paged):
    """Which events; the cursor is attempt.number."""

    kind: str | None = Field(None, max_length=32)


class ReportQuery(Taken):
    """In which form and language a report is wanted."""

    format: Literal["json", "html"] = "json"
    lang: Literal["en", "ja"] = "en"


class EventOut(Given):
    """One thing that happened; which fields there are depends on the kind."""

    attempt: int
    seq: int
    at: float
    kind: str
    fields: dict[str, Any]


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


class RunWhole(RunOut):
    """A run with how far it is."""

    progress: dict[str, Any]


class RowOut(Given):
    """One checkpoint's scores in a report."""

    checkpoint_id: str
    iteration: int
    kind: str
    scores: ScoresOut


class ReportOut(Given):
    """All that a report shows, without its example pictures."""

    project: str
    run_id: str
    created: str
    classes: list[str]
    objects: dict[str, tuple[int, int]]
    pictures: tuple[int, int]
    losses: list[tuple[int, float | None, float | None]]
    checkpoints: list[RowOut]
    best: str | None
    findings: dict[str, int]
    facts: dict[str, Any]


class OfCheckpoint(BaseModel):
    """A checkpoint in a path."""

    checkpoint: str = Field(min_length=4, max_length=40, pattern="^[0-9a-zA-Z-]+$")


def blueprint() -> APIBlueprint:
    """Routes of runs."""
    api = area("runs", "Trainings with their events, checkpoints, scores and reports.")
    api.get("/runs", responses={200: Page[RunOut]})(list_runs)
    api.get("/runs/<run>", responses={200: RunWhole})(get_run)
    api.post("/runs/<run>/cancel", responses={200: RunOut})(cancel_run)
    api.post("/runs/<run>/resume", responses={200: RunOut})(resume_run)
    api.get("/runs/<run>/events", responses={200: Page[EventOut]})(list_events)
    api.get("/runs/<run>/checkpoints", responses={200: Page[CheckpointOut]})(list_checkpoints)
    api.get("/runs/<run>/report", responses={200: ReportOut})(get_report)
    api.get("/runs/<run>/log", responses={200: {"content": {"text/plain": {"schema": {"type": "string"}}}}})(get_log)
    return api


@require("admin", "read")
def list_runs(query: RunQuery) -> Response:
    """Runs, newest first."""
    with workspace().db.read() as tx:
        project = projects.find(tx, query.project).id if query.project else None
        found = runs.listing(tx, project, query.limit + 1, before=query.cursor)
    return answer(cut_off(found, query, RunOut.of, lambda run: run.created))


@require("admin", "read")
def get_run(path: OfRun) -> Response:
    """One run with its cfg."""
    with workspace().db.read() as tx:
        run = runs.find(tx, path.run)
        job = jobs.find(tx, run.job_id)
    return answer(RunWhole(**RunOut.of(run, cfg=True).model_dump(), progress=job.progress))


@require("admin")
def cancel_run(path: OfRun) -> Response:
    """Stop a run; what it saved stays."""
    ws = workspace()
    with ws.db.read() as tx:
        run = runs.find(tx, path.run)
    train.cancel(ws, run.id, who())
    with ws.db.read() as tx:
        return answer(RunOut.of(runs.find(tx, run.id)))


@require("admin")
def resume_run(path: OfRun) -> Response:
    """Go on with a run that has stopped, from its newest checkpoint."""
    ws = workspace()
    with ws.db.read() as tx:
        run = runs.find(tx, path.run)
    return answer(RunOut.of(train.resume(ws, run.id, who())))


@require("admin", "read")
def list_events(path: OfRun, query: EventQuery) -> Response:
    """A run's events in order; as server-sent events to whom accepts only those."""
    ws = workspace()
    with ws.db.read() as tx:
        run = runs.find(tx, path.run)
    mark = live.asked_mark(query.cursor)
    if request.accept_mimetypes.best_match(["application/json", "text/event-stream"]) == "text/event-stream":
        return live.stream(live.event_stream(ws, run.id, mark))
    with ws.db.read() as tx:
        found = runs.events(tx, run.id, [query.kind] if query.kind else None, mark, query.limit + 1)
    return answer(cut_off(found, query, EventOut.model_validate, _mark))


def _mark(event: RunEvent) -> str:
    return f"{event.attempt}.{event.seq}"


@require("admin", "read")
def list_checkpoints(path: OfRun, query: Paged) -> Response:
    """A run's checkpoints by iteration, with scores under darknet's rule."""
    with workspace().db.read() as tx:
        run = runs.find(tx, path.run)
        found = runs.checkpoints(tx, run.id)
        scores = runs.scores(tx, run.id)
    shown = [CheckpointOut.of(checkpoint, scores.get(checkpoint.id)) for checkpoint in found]
    return answer(Page(items=shown, next=None))


@require("admin", "read")
def get_report(path: OfRun, query: ReportQuery) -> Response:
    """A run's report, as figures or as one HTML file that needs nothing else."""
    from bridge.loop import report

    ws = workspace()
    with ws.db.read() as tx:
        run = runs.find(tx, path.run)
    if query.format == "html":
        return Response(report.render(ws, run.id, query.lang), content_type="text/html; charset=utf-8")
    return answer(_figures(report.build(ws, run.id)))


def _figures(found: Report) -> ReportOut:
    return ReportOut.model_validate(msgspec.to_builtins(found, builtin_types=(bytes,)))


@require("admin", "read")
def get_log(path: OfRun) -> Response:
    """What the program wrote; while it runs, what was understood of it."""
    ws = workspace()
    with ws.db.read() as tx:
        run = runs.find(tx, path.run)
    return Response(transcript.text(ws, run.id), content_type="text/plain; charset=utf-8")
