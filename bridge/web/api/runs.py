"""Trainings: watch, stop, go on; their events and logs."""

from __future__ import annotations

from typing import Any

from flask import Response, request
from flask_openapi.blueprint import APIBlueprint
from pydantic import Field

from bridge.loop import train, transcript
from bridge.model.training import RunEvent
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


class EventOut(Given):
    """One thing that happened; which fields there are depends on the kind."""

    attempt: int
    seq: int
    at: float
    kind: str
    fields: dict[str, Any]


class RunWhole(RunOut):
    """A run with how far it is."""

    progress: dict[str, Any]


class LogQuery(Taken):
    """How much of the log."""

    lines: int | None = Field(None, ge=1, le=10_000, description="only so many last lines, as a person would see them")


def blueprint() -> APIBlueprint:
    """Routes of runs."""
    api = area("runs", "Trainings with their events and logs.")
    api.get("/runs", responses={200: Page[RunOut]})(list_runs)
    api.get("/runs/<run>", responses={200: RunWhole})(get_run)
    api.post("/runs/<run>/cancel", responses={200: RunOut})(cancel_run)
    api.post("/runs/<run>/resume", responses={200: RunOut})(resume_run)
    api.get("/runs/<run>/events", responses={200: Page[EventOut]})(list_events)
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
def get_log(path: OfRun, query: LogQuery) -> Response:
    """What the program wrote; while it runs, what was understood of it."""
    ws = workspace()
    with ws.db.read() as tx:
        run = runs.find(tx, path.run)
    found = transcript.text(ws, run.id) if query.lines is None else "\n".join(transcript.tail(ws, run.id, query.lines))
    return Response(found, content_type="text/plain; charset=utf-8")
