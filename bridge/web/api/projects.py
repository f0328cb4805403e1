"""Projects and what can be done with a whole one."""

from __future__ import annotations

import time

from flask import Response
from flask_openapi.blueprint import APIBlueprint
from pydantic import Field

from bridge.loop.reconcile import PULL_FIRST
from bridge.model.project import Project
from bridge.store import findings, jobs, projects, tokens
from bridge.store.revisions import Counts
from bridge.web.api import answer, area
from bridge.web.api.paging import slice_of
from bridge.web.api.schemas import Flag, Given, JobsOut, Name, OfProject, Page, Paged, Taken
from bridge.web.auth import require, who
from bridge.web.counted import counted
from bridge.web.current import workspace


class ProjectIn(Taken):
    """A project to be made."""

    name: str = Field(min_length=1, max_length=200, pattern=r"\S")


class ProjectOut(Given):
    """A project by its names."""

    id: str
    name: str
    created: str


class LabelOut(Given):
    """A class of a project, and how many boxes carry it now."""

    id: int
    name: str
    color: str | None
    boxes: int


class SourceOut(Given):
    """A connected tool, or a place that was imported from; never its credentials."""

    name: str
    kind: str
    place: str


class CountsOut(Given):
    """Pictures by state, boxes and conflicts."""

    images: int
    labelled: int
    reviewed_empty: int
    unknown: int
    boxes: int
    conflicts: int


class ProjectWhole(ProjectOut):
    """A project with all that counts in it; labels are in class order, findings by rule and severity."""

    labels: list[LabelOut]
    sources: list[SourceOut]
    counts: CountsOut
    findings: dict[str, dict[str, int]]
    published: str | None


class SourceIn(Taken):
    """Which connected tool; all of them when none is named."""

    source: Name | None = None


class PredictIn(Taken):
    """What to look at, and with which weights (the promoted, else the best ones)."""

    checkpoint: str | None = Field(None, max_length=40)
    only_unlabelled: Flag = False


class PromoteIn(Taken):
    """The checkpoint that pre-labels from now on; null for the best one."""

    checkpoint: str | None = Field(max_length=40)


def blueprint() -> APIBlueprint:
    """Routes of projects."""
    api = area("projects", "Projects: labels in order, pictures, findings, and what can be done with all of them.")
    one = "/projects/<project>"
    api.get("/projects", responses={200: Page[ProjectOut]})(list_projects)
    api.post("/projects", responses={201: ProjectWhole})(create_project)
    api.get(one, responses={200: ProjectWhole})(get_project)
    api.delete(one, responses={204: None})(delete_project)
    api.post(f"{one}/sync", responses={202: JobsOut})(sync_project)
    api.post(f"{one}/push", responses={202: JobsOut})(push_project)
    api.post(f"{one}/predict", responses={202: JobsOut})(predict_project)
    api.post(f"{one}/promote", responses={200: ProjectWhole})(promote_checkpoint)
    return api


@require("admin", "read")
def list_projects(query: Paged) -> Response:
    """All projects by name."""
    with workspace().db.read() as tx:
        return answer(slice_of(projects.listing(tx), query, ProjectOut.model_validate))


@require("admin")
def create_project(body: ProjectIn) -> Response:
    """Make a project; its id for addresses is made from its name and never changes."""
    with workspace().db.write() as tx:
        made = projects.create(tx, body.name)
        tokens.record(tx, who(), "create", made.id)
    return answer(_whole(made.id), 201)


@require("admin", "read")
def get_project(path: OfProject) -> Response:
    """A project with labels, counts, findings by rule, and sources."""
    return answer(_whole(path.project))


@require("admin")
def delete_project(path: OfProject) -> Response:
    """Forget a project with its labels, versions and runs; picture files stay untouched."""
    with workspace().db.write() as tx:
        found = projects.find(tx, path.project)
        projects.remove(tx, found.id)
        tokens.record(tx, who(), "remove", None, {"project": found.id, "name": found.name})
    return Response(status=204)


def _whole(wanted: str) -> ProjectWhole:
    with workspace().db.read() as tx:
        found = projects.find(tx, wanted)
        counts = counted(tx, found)
        return ProjectWhole(
            id=found.id,
            name=found.name,
            created=found.created,
            labels=_labels(found, counts),
            sources=[SourceOut.model_validate(source) for source in projects.sources(tx, found.id)],
            counts=CountsOut.model_validate(counts),
            findings=findings.counts(tx, found.id),
            published=projects.published(tx, found.id),
        )


def _labels(project: Project, counts: Counts) -> list[LabelOut]:
    return [
        LabelOut(id=label.id, name=label.name, color=label.color, boxes=counts.by_label.get(label.id, 0))
        for label in project.classes
    ]


# ---------------------------------------------------------------- tools and models


@require("admin")
def sync_project(path: OfProject, body: SourceIn) -> Response:
    """Pull from the connected tools and push to them, now."""
    pulled = _due("pull", path.project, body.source)
    return answer(JobsOut(jobs=[*pulled, *_due("push", path.project, body.source, time.time() + PULL_FIRST)]), 202)


@require("admin")
def push_project(path: OfProject, body: SourceIn) -> Response:
    """Push changed labels (to shared files) and predictions to the connected tools, now."""
    return answer(JobsOut(jobs=_due("push", path.project, body.source)), 202)


def _due(kind: str, wanted: str, source: str | None, due: float = 0.0) -> list[str]:
    with workspace().db.write() as tx:
        project = projects.find(tx, wanted)
        if source is not None:
            projects.find_source(tx, project.id, source)
        payload = {"project": project.id, "source": source}
        made = jobs.put_once(tx, kind, "bridge", payload, project.id, f"asked:{source or '*'}", due)
        tokens.record(tx, who(), kind, project.id, {"source": source})
    return [made]


@require("admin")
def predict_project(path: OfProject, body: PredictIn) -> Response:
    """Let a checkpoint look at the project's pictures."""
    from bridge.loop import predict

    job = predict.predict(workspace(), path.project, body.checkpoint, who(), body.only_unlabelled)
    return answer(JobsOut(jobs=[job]), 202)


@require("admin")
def promote_checkpoint(path: OfProject, body: PromoteIn) -> Response:
    """Choose the checkpoint that pre-labels."""
    from bridge.loop import predict

    predict.publish(workspace(), path.project, body.checkpoint, who())
    return answer(_whole(path.project))
