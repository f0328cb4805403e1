"""A model's boxes that a person has looked at: shown once more, accepted with one press, taken back with another."""

from __future__ import annotations

from dataclasses import dataclass

from flask import Blueprint, render_template, request
from werkzeug.wrappers import Response

from bridge.errors import NotFoundError
from bridge.loop import accept as accepting
from bridge.loop.accept import Picture
from bridge.loop.tally import tally
from bridge.loop.undo import undo
from bridge.model.prediction import Fared
from bridge.model.project import Project
from bridge.model.training import Checkpoint
from bridge.store import projects, runs, tokens
from bridge.web import auth
from bridge.web.current import workspace
from bridge.web.pages.look import colours
from bridge.web.pages.overlay import Shape, shapes
from bridge.web.pages.ways import done, link
from bridge.workspace import Workspace

# So many of the pictures are shown; the table counts all of them.
_SHOWN = 60
_LAST = 200


@dataclass(frozen=True, slots=True)
class Judged:
    """How a checkpoint fared, with the checkpoint itself."""

    checkpoint: Checkpoint
    fared: Fared


def add_to(pages: Blueprint) -> None:
    """Routes of accepting."""
    one = "/projects/<project>/accept"
    pages.get(one, endpoint="accept")(acceptable)
    pages.post(one, endpoint="accept_all")(accept)
    pages.post(f"{one}/undo", endpoint="accept_undo")(take_back)


def acceptable(project: str) -> str:
    """What was looked at, and what people made of each model's boxes so far."""
    ws = workspace()
    shown = accepting.preview(ws, project)
    with ws.db.read() as tx:
        found = projects.find(tx, project)
        origins = {r.checkpoint: _known(ws, r.checkpoint) for r in shown.rows}
        lines = tokens.recorded(tx, found.id, _LAST)
    last = next((line["what"] for line in lines if line["what"] in ("accept", "undo", "fix")), None)
    return render_template(
        "accept.html",
        project=found,
        shown=shown,
        cards=[(p, _drawn(found, p)) for p in shown.pictures[:_SHOWN]],
        origins=origins,
        judged=judged(ws, found.id),
        undoable=last == "accept",
    )


def _drawn(project: Project, picture: Picture) -> list[Shape]:
    return shapes(picture.regions, colours(project.classes))


def judged(ws: Workspace, project: str) -> list[Judged]:
    """How the checkpoints of a project fared with the people who judged their boxes."""
    found = [(_known(ws, one.checkpoint), one) for one in tally(ws, project)]
    return [Judged(checkpoint, one) for checkpoint, one in found if checkpoint is not None]


def _known(ws: Workspace, checkpoint: str) -> Checkpoint | None:
    """The checkpoint, unless it is another server's."""
    with ws.db.read() as tx:
        try:
            return runs.find_checkpoint(tx, checkpoint)
        except NotFoundError:
            return None


def accept(project: str) -> Response:
    """Accept exactly what was shown."""
    made = accepting.accept(workspace(), project, (), request.form.get("shown", ""), auth.who())
    return done(link("accept", project=project), "accepted", pictures=made.pictures, boxes=made.boxes)


def take_back(project: str) -> Response:
    """Take the last acceptance back."""
    n = undo(workspace(), project, None, auth.who())
    return done(link("accept", project=project), "undone", n=n)
