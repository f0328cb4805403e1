"""Trainings: start, watch, stop, go on; their events, checkpoints, logs and reports."""

from __future__ import annotations

from typing import Any, Literal

from flask import Response, request
from flask_openapi.blueprint import APIBlueprint
from pydantic import BaseModel, Field

from bridge.loop import train, transcript
from bridge.model.scores import Scores
from bridge.model.training import Checkpoint, RunEvent
from bridge.store import jobs, projects, runs
from bridge.web import live
from bridge.web.api import answer, area
from bridge.web.api.paging import cut_off
from bridge.web.api.schemas import Given, Name, OfRun, Page, Paged, PagedByTime, RunOut, Taken
from bridge.web.auth import require, who
from bridge.web.current import workspace


class RunQuery(PagedByTime):
    """Which runs."""

    project: Name | None = None


class EventQuery(Paged):
    """Which events; the cursor is attempt.number."""

    cursor: str | None = Field(None, pattern=r"^[0-9]{1,8}\.[0-9]{1,14}$")
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


class PartsOut(Given):
    """How many train, and how many are held out."""

    train: int
    valid: int


class LossOut(Given):
    """One point of the loss curve; null where it was no number."""

    iteration: int
    loss: float | None
    avg_loss: float | None


class RowOut(ScoresOut):
    """One checkpoint's scores in a report."""

    id: str
    iteration: int
    kind: str


class DrawnOut(Given):
    """One box in an example picture, in pixels; the score is null for a person's."""

    kind: str
    labels: list[str]
    points: list[tuple[float | None, float | None]]
    score: float | None


class ExampleOut(Given):
    """One held-out picture with its labels and what the best checkpoint sees in it."""

    image: str
    width: int
    height: int
    truth: list[DrawnOut]
    detections: list[DrawnOut]


class ReportOut(Given):
    """All figures of a report, as `labelbridge report RUN --json` prints them."""

    project: str
    run: str
    created: str
    classes: list[str]
    objects: dict[str, PartsOut]
    pictures: PartsOut
    losses: list[LossOut]
    checkpoints: list[RowOut]
    best: RowOut | None
    examples: list[ExampleOut]
    findings: dict[str, int]
    facts: dict[str, Any]


class OfCheckpoint(BaseModel):
    """A checkpoint in a path."""

    checkpoint: str = Field(min_length=4, max_length=40, pattern="^[0-9a-zA-Z-]+$")


class CheckpointWhole(CheckpointOut):
    """A checkpoint with the run that saved it and the project of that."""

    run: str
    project: str


class LogQuery(Taken):
    """How much of the log."""

    lines: int | None = Field(None, ge=1, le=10_000, description="only so many last lines, as a person would see them")


def blueprint() -> APIBlueprint:
    """Routes of runs."""
    api = area("runs", "Trainings with their events, checkpoints, scores and reports.")
    api.get("/runs", responses={200: Page[RunOut]})(list_runs)
    api.get("/runs/<run>", responses={200: RunWhole})(get_run)
    api.post("/runs/<run>/cancel", responses={200: RunOut})(cancel_run)
    api.post("/runs/<run>/resume", responses={200: RunOut})(resume_run)
    api.get("/runs/<run>/events", responses={200: Page[EventOut]})(list_events)
    api.get("/runs/<run>/checkpoints", responses={200: Page[CheckpointOut]})(list_checkpoints)
    api.get("/checkpoints/<checkpoint>", responses={200: CheckpointWhole})(get_checkpoint)
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
    """Go on with a run that has stopped, from its newest checkpoint; refused when no worker is there."""
    ws = workspace()
    with ws.db.read() as tx:
        run = runs.find(tx, path.run)
    train.require_worker(ws, "train")
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
def get_checkpoint(path: OfCheckpoint) -> Response:
    """A checkpoint by its id or the beginning of it."""
    with workspace().db.read() as tx:
        found = runs.find_checkpoint(tx, path.checkpoint)
        run = runs.find(tx, found.run_id)
        scores = runs.scores(tx, run.id).get(found.id)
    return answer(CheckpointWhole(**CheckpointOut.of(found, scores).model_dump(), run=run.id, project=run.project))


@require("admin", "read")
def get_report(path: OfRun, query: ReportQuery) -> Response:
    """A run's report, as figures or as one HTML file that needs nothing else."""
    from bridge.loop import report
    from bridge.reporting.record import report_json

    ws = workspace()
    with ws.db.read() as tx:
        run = runs.find(tx, path.run)
    if query.format == "html":
        return Response(report.render(ws, run.id, query.lang), content_type="text/html; charset=utf-8")
    return answer(ReportOut.model_validate(report_json(report.build(ws, run.id))))


@require("admin", "read")
def get_log(path: OfRun, query: LogQuery) -> Response:
    """What the program wrote; while it runs, what was understood of it."""
    ws = workspace()
    with ws.db.read() as tx:
        run = runs.find(tx, path.run)
    found = transcript.text(ws, run.id) if query.lines is None else "\n".join(transcript.tail(ws, run.id, query.lines))
    return Response(found, content_type="text/plain; charset=utf-8")
