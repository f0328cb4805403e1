"""Due work of every kind."""

from __future__ import annotations

from flask import Response
from flask_openapi.blueprint import APIBlueprint
from pydantic import Field

from bridge.listeners import tell
from bridge.model.job import JobState
from bridge.store import jobs, projects, tokens
from bridge.web.api import answer, area
from bridge.web.api.paging import cut_off
from bridge.web.api.schemas import JobOut, Name, OfJob, Page, PagedByTime
from bridge.web.auth import require, who
from bridge.web.current import workspace


class JobQuery(PagedByTime):
    """Which jobs."""

    project: Name | None = None
    state: JobState | None = None
    kind: str | None = Field(None, max_length=32)


def blueprint() -> APIBlueprint:
    """Routes of jobs."""
    api = area("jobs", "Work that is due, running or done.")
    api.get("/jobs", responses={200: Page[JobOut]})(list_jobs)
    api.get("/jobs/<job>", responses={200: JobOut})(get_job)
    api.post("/jobs/<job>/cancel", responses={200: JobOut})(cancel_job)
    return api


@require("admin", "read")
def list_jobs(query: JobQuery) -> Response:
    """Jobs, newest first."""
    with workspace().db.read() as tx:
        project = projects.find(tx, query.project).id if query.project else None
        found = jobs.listing(tx, project, query.state, query.limit + 1, query.kind, before=query.cursor)
    return answer(cut_off(found, query, JobOut.model_validate, lambda job: job.created))


@require("admin", "read")
def get_job(path: OfJob) -> Response:
    """One job."""
    with workspace().db.read() as tx:
        return answer(JobOut.model_validate(jobs.find(tx, path.job)))


@require("admin")
def cancel_job(path: OfJob) -> Response:
    """Stop a job; one that runs is asked to, one that has ended stays as it is."""
    with workspace().db.write() as tx:
        before, found = jobs.find(tx, path.job), jobs.cancel(tx, path.job)
        tokens.record(tx, who(), "cancel", found.project, {"job": found.id})
    if found.kind == "train" and found.state is not before.state:
        tell(workspace().registry, "run_changed", run_id=found.payload["run"], state=found.state.value)
    return answer(JobOut.model_validate(found))
