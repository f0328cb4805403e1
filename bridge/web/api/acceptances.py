"""A model's boxes that a person has looked at: what accepting would take, accepting, and how people judged models."""

from __future__ import annotations

from flask import Response
from flask_openapi.blueprint import APIBlueprint
from pydantic import Field

from bridge.loop.accept import Preview, accept, preview
from bridge.loop.tally import tally
from bridge.model.prediction import Counts
from bridge.web.api import answer, area
from bridge.web.api.schemas import FindingOut, Given, Name, OfProject, Taken
from bridge.web.auth import require, who
from bridge.web.current import workspace

_NAMES = 10_000
# No server takes an address that is much longer.
_ASKED = 20


class AcceptQuery(Taken):
    """Which pictures: those named, else all that were looked at in VoTT since the boxes were put there."""

    image: list[Name] = Field([], max_length=_ASKED, description="names of pictures, looked at or not")


class AcceptIn(Taken):
    """What to accept; `shown` is the digest of the list that a person has seen, so that nothing else is accepted."""

    images: list[str] = Field([], max_length=_NAMES, description="names of pictures; none: all that were looked at")
    shown: str | None = Field(None, pattern="^[0-9a-f]{16}$")


class AcceptRow(Given):
    """How many boxes of one class by one checkpoint, on how many pictures."""

    label: str
    checkpoint: str
    boxes: int
    pictures: int


class Acceptable(Given):
    """What accepting would take; `unseen` pictures have a model's boxes that nobody has looked at."""

    digest: str
    images: list[str]
    boxes: int
    unseen: int
    rows: list[AcceptRow]
    findings: list[FindingOut]

    @classmethod
    def of(cls, found: Preview) -> Acceptable:
        """A preview."""
        return cls(
            digest=found.digest,
            images=[picture.image.name for picture in found.pictures],
            boxes=found.boxes,
            unseen=found.unseen,
            rows=[AcceptRow.model_validate(row) for row in found.rows],
            findings=[FindingOut.of(f) for f in found.findings],
        )


class AcceptedOut(Given):
    """How many pictures, with how many boxes, are a person's now."""

    pictures: int
    boxes: int


class VerdictsOut(Given):
    """What people did with a model's boxes (kept, moved, relabelled, deleted), and what they added themselves."""

    kept: int
    moved: int
    relabelled: int
    deleted: int
    added: int


class JudgedOut(Given):
    """How one checkpoint fared: pictures that were judged, all boxes, and the boxes of each class."""

    checkpoint: str
    pictures: int
    total: VerdictsOut
    labels: dict[str, VerdictsOut]


class JudgedList(Given):
    """Every checkpoint that was judged, most pictures first."""

    judged: list[JudgedOut]


def blueprint() -> APIBlueprint:
    """Routes of acceptances."""
    api = area("acceptances", "A model's boxes before the people who judge them.")
    api.get("/projects/<project>/acceptable", responses={200: Acceptable})(list_acceptable)
    api.post("/projects/<project>/accept", responses={200: AcceptedOut})(accept_boxes)
    api.get("/projects/<project>/judged", responses={200: JudgedList})(list_judged)
    return api


@require("admin", "read")
def list_acceptable(path: OfProject, query: AcceptQuery) -> Response:
    """What accepting would take now; nothing is changed."""
    return answer(Acceptable.of(preview(workspace(), path.project, query.image)))


@require("admin")
def accept_boxes(path: OfProject, body: AcceptIn) -> Response:
    """Make a model's boxes a person's, as one change that the project's undo takes back."""
    done = accept(workspace(), path.project, body.images, body.shown, who())
    return answer(AcceptedOut.model_validate(done))


@require("admin", "read")
def list_judged(path: OfProject) -> Response:
    """What people did with the boxes of each checkpoint, by class."""
    found = [
        JudgedOut(
            checkpoint=one.checkpoint,
            pictures=one.pictures,
            total=_verdicts(one.total),
            labels={label: _verdicts(counts) for label, counts in one.labels.items()},
        )
        for one in tally(workspace(), path.project)
    ]
    return answer(JudgedList(judged=found))


def _verdicts(counts: Counts) -> VerdictsOut:
    return VerdictsOut.model_validate(counts)
