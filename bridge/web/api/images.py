"""Pictures: lists, one with all that is known of it, and taking back its last change."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import astuple
from typing import Any, Literal

from flask import Response
from flask_openapi.blueprint import APIBlueprint
from pydantic import Field
from sqlalchemy import Connection

from bridge.errors import ConflictError, NotFoundError
from bridge.loop.matching import Change, bounds
from bridge.loop.resolve import Conflict, conflicts, resolve
from bridge.loop.undo import undo
from bridge.model.annotation import Image, Label, Region, Revision, State
from bridge.store import findings, images, predictions, projects, revisions
from bridge.web.api import answer, area
from bridge.web.api.paging import after_number
from bridge.web.api.schemas import FindingOut, Flag, Given, Number, OfImage, OfProject, Page, Paged, Taken
from bridge.web.auth import require, who
from bridge.web.current import workspace


class ImageQuery(Paged):
    """Which pictures; all conditions together."""

    state: Literal["labelled", "reviewed-empty", "unknown"] | None = None
    label: str | None = Field(None, max_length=400, description="name of a label on it")
    rule: str | None = Field(None, max_length=64, description="rule of a finding of it")
    search: str = Field("", max_length=400, description="part of its name")


class ImageOut(Given):
    """A picture; width and height are as stored in the file, without EXIF turn (0 = not known)."""

    id: int
    name: str
    width: int
    height: int
    sha256: str | None
    orientation: int


class RegionOut(Given):
    """One marked thing: shape in float pixels of the stored picture, labels, and who drew it (null: a person)."""

    kind: str
    points: list[tuple[float | None, float | None]]
    labels: list[str]
    region_id: str | None
    author: str | None
    score: float | None


class RevisionOut(Given):
    """One state of a picture's labels in its history."""

    id: int
    parent_id: int | None
    at: str
    author: str
    source: str
    state: State
    regions: int


class HeadOut(RevisionOut):
    """A present revision with its regions; more than one means that two people's edits clash."""

    shapes: list[RegionOut]


class PredictionOut(Given):
    """What a checkpoint sees in the picture."""

    checkpoint: str
    at: str
    shapes: list[RegionOut]


class ImageWhole(ImageOut):
    """A picture with everything that is known of it."""

    project: str
    state: State
    heads: list[HeadOut]
    history: list[RevisionOut]
    findings: list[FindingOut]
    predictions: list[PredictionOut]


class ResolveIn(Taken):
    """Which of the present revisions holds from now on, or all of them together, region by region (both)."""

    keep: Number | None = None
    both: Flag = False


class ChangeOut(Given):
    """What one set of labels says otherwise of one region; boxes are corners in pixels, was_… what stood before."""

    kind: Literal["added", "removed", "moved", "relabelled", "changed"]
    labels: list[str]
    box: list[float] | None
    was_labels: list[str] | None
    was_box: list[float] | None


class ClashOut(RevisionOut):
    """A present revision, and what it changed: against what all were made from, else against another one."""

    changes: list[ChangeOut]


class ConflictOut(Given):
    """A picture whose labels clash, with the sets that are open, oldest first."""

    id: int
    name: str
    heads: list[ClashOut]


class Conflicts(Given):
    """All open conflicts of a project."""

    conflicts: list[ConflictOut]


class Undone(Given):
    """How many pictures got their earlier labels back."""

    pictures: int


def blueprint() -> APIBlueprint:
    """Routes of pictures."""
    api = area("images", "Pictures with their labels, findings, history and predictions.")
    api.get("/projects/<project>/images", responses={200: Page[ImageOut]})(list_images)
    api.get("/projects/<project>/conflicts", responses={200: Conflicts})(list_conflicts)
    api.post("/projects/<project>/undo", responses={200: Undone})(undo_fixes)
    api.get("/images/<int:image>", responses={200: ImageWhole})(get_image)
    api.post("/images/<int:image>/undo", responses={200: Undone})(undo_image)
    api.post("/images/<int:image>/resolve", responses={200: ImageWhole})(resolve_image)
    return api


@require("admin", "read")
def list_images(path: OfProject, query: ImageQuery) -> Response:
    """Pictures of a project, in the order they came in."""
    with workspace().db.read() as tx:
        project = projects.find(tx, path.project)
        page = images.page(
            tx,
            project.id,
            after_number(query),
            query.limit,
            query.state,
            label_id(project.classes, query.label),
            query.search,
            query.rule,
        )
    items = [ImageOut.model_validate(image) for image in page.images]
    return answer(Page(items=items, next=str(page.cursor) if page.cursor else None))


@require("admin", "read")
def list_conflicts(path: OfProject) -> Response:
    """Pictures with more than one present revision."""
    with workspace().db.read() as tx:
        found = [_conflict(one) for one in conflicts(tx, projects.find(tx, path.project))]
    return answer(Conflicts(conflicts=found))


def _conflict(found: Conflict) -> ConflictOut:
    assert found.image.id is not None
    heads = [ClashOut(**_revision(head), changes=[_change(c) for c in found.changes(head)]) for head in found.heads]
    return ConflictOut(id=found.image.id, name=found.image.name, heads=heads)


def _change(change: Change) -> ChangeOut:
    was = change.was if change.kind != "removed" else None
    return ChangeOut(
        kind=change.kind,
        labels=list(change.region.labels),
        box=_corners(change.region),
        was_labels=list(was.labels) if was is not None else None,
        was_box=_corners(was) if was is not None else None,
    )


def _corners(region: Region) -> list[float] | None:
    box = bounds(region)
    return list(astuple(box)) if box is not None else None


def label_id(labels: Sequence[Label], name: str | None) -> int | None:
    """The id of a label by name; raises NotFoundError."""
    if not name:
        return None
    for label in labels:
        if label.name == name:
            return label.id
    raise NotFoundError("label-missing", label=name, known=", ".join(label.name for label in labels) or "-")


@require("admin", "read")
def get_image(path: OfImage) -> Response:
    """A picture with regions, findings, history and predictions."""
    with workspace().db.read() as tx:
        project_id, image = images.find_id(tx, path.image)
        return answer(_whole(tx, project_id, image))


def _whole(tx: Connection, project_id: str, image: Image) -> ImageWhole:
    labels = projects.labels(tx, project_id)
    assert image.id is not None
    heads = revisions.heads(tx, image.id, labels)
    history = revisions.history(tx, image.id, labels)
    return ImageWhole(
        **ImageOut.model_validate(image).model_dump(),
        project=project_id,
        state=heads[-1].state if heads else State.UNKNOWN,
        heads=[HeadOut(**_revision(head), shapes=_shapes(head.regions)) for head in heads],
        history=[RevisionOut(**_revision(revision)) for revision in history],
        findings=[FindingOut.of(f) for f in findings.listing(tx, project_id, image_id=image.id)],
        predictions=[
            PredictionOut(checkpoint=p.checkpoint_id, at=p.at, shapes=_shapes(p.regions))
            for p in predictions.of_image(tx, image.id, labels)
        ],
    )


def _revision(revision: Revision) -> dict[str, Any]:
    return {
        "id": revision.id,
        "parent_id": revision.parent_id,
        "at": revision.at,
        "author": revision.author,
        "source": revision.source,
        "state": revision.state,
        "regions": len(revision.regions),
    }


def _shapes(regions: Sequence[Region]) -> list[RegionOut]:
    return [RegionOut.model_validate(region) for region in regions]


@require("admin")
def undo_image(path: OfImage) -> Response:
    """Take back the last change of a picture's labels; the change stays in its history."""
    ws = workspace()
    with ws.db.read() as tx:
        project_id, image = images.find_id(tx, path.image)
    return answer(Undone(pictures=undo(ws, project_id, image.name, who())))


@require("admin")
def resolve_image(path: OfImage, body: ResolveIn) -> Response:
    """Settle a conflict: one of the present revisions holds, or all together; they stay in the history."""
    if (body.keep is not None) == body.both:
        raise ConflictError("resolve-how")
    ws = workspace()
    with ws.db.read() as tx:
        project_id, image = images.find_id(tx, path.image)
    resolve(ws, project_id, image.name, body.keep, who())
    with ws.db.read() as tx:
        return answer(_whole(tx, project_id, image))


@require("admin")
def undo_fixes(path: OfProject) -> Response:
    """Take back the safe fixes or the acceptance that were made last in a project and still stand."""
    return answer(Undone(pictures=undo(workspace(), path.project, None, who())))
