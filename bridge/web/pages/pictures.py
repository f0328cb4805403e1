"""Pictures with their boxes: lists, and one with findings, history and predictions."""

from __future__ import annotations

from dataclasses import dataclass

from flask import Blueprint, redirect, render_template, request
from sqlalchemy import Connection
from werkzeug.wrappers import Response

from bridge.loop.resolve import conflict_of, resolve
from bridge.loop.undo import undo as take_back
from bridge.model.annotation import Image, State
from bridge.model.project import Project
from bridge.store import findings, images, predictions, projects, revisions, runs
from bridge.web import auth
from bridge.web.api.images import label_id
from bridge.web.current import workspace
from bridge.web.pages.clashes import sides
from bridge.web.pages.look import colours
from bridge.web.pages.overlay import Shape, shapes
from bridge.web.pages.ways import choice, cursor, done, link

_PAGE = 60


@dataclass(frozen=True, slots=True)
class Card:
    """One picture of a list."""

    image: Image
    state: State
    heads: int
    shapes: list[Shape]
    findings: int


def add_to(pages: Blueprint) -> None:
    """Routes of pictures."""
    pages.get("/projects/<project>/pictures")(pictures)
    pages.get("/projects/<project>/picture")(by_name)
    pages.post("/projects/<project>/undo")(undo_fixes)
    pages.get("/images/<int:image>")(picture)
    pages.post("/images/<int:image>/undo")(undo)
    pages.post("/images/<int:image>/resolve")(settle)


def pictures(project: str) -> str:
    """A page of pictures, filtered by state, label, finding and name."""
    chosen = {name: choice(name) for name in ("state", "label", "rule", "search")}
    with workspace().db.read() as tx:
        found = projects.find(tx, project)
        page = _page(tx, found, chosen)
        cards = _cards(tx, found, page.images)
        rules = findings.counts(tx, found.id)
    return render_template(
        "pictures.html", project=found, page=page, cards=cards, chosen=chosen, rules=sorted(rules), after=cursor()
    )


def _page(tx: Connection, project: Project, chosen: dict[str, str]) -> images.Page:
    if chosen["state"] == "conflict":
        ids = revisions.conflicts(tx, project.id)
        found = [images.find_id(tx, image_id)[1] for image_id in ids[:500]]
        return images.Page(tuple(found), None, len(ids))
    label = label_id(project.classes, chosen["label"])
    state = chosen["state"] if chosen["state"] in list(State) else None
    return images.page(tx, project.id, cursor(), _PAGE, state, label, chosen["search"], chosen["rule"] or None)


def _cards(tx: Connection, project: Project, found: tuple[Image, ...]) -> list[Card]:
    ids = [image.id for image in found if image.id is not None]
    faults = findings.counts_of_images(tx, ids)
    paint = colours(project.classes)
    present = {c.document.image.id: c for c in revisions.current(tx, project.id, project.labels, ids)}
    cards = []
    for image in found:
        current = present[image.id]
        drawn = shapes(current.document.regions or (), paint)
        cards.append(Card(image, current.document.state, current.heads, drawn, faults.get(image.id or 0, 0)))
    return cards


def by_name(project: str) -> Response:
    """The page of the picture of that name."""
    with workspace().db.read() as tx:
        found = images.find(tx, projects.find(tx, project).id, choice("name"))
    return redirect(link("picture", image=found.id))


def picture(image: int) -> str:
    """One picture: labels drawn solid, predictions dashed, and how it came to be."""
    with workspace().db.read() as tx:
        project_id, found = images.find_id(tx, image)
        project = projects.find(tx, project_id)
        conflict = conflict_of(tx, found, project.labels)
        history = revisions.history(tx, image, project.labels)
        guesses = predictions.of_image(tx, image, project.labels)
        origins = {p.checkpoint_id: runs.find_checkpoint(tx, p.checkpoint_id) for p in guesses}
        faults = findings.listing(tx, project_id, image_id=image)
        before, after = images.neighbours(tx, project_id, image)
    paint = colours(project.classes)
    wanted = request.args.get("checkpoint", "")
    guess = next((p for p in guesses if p.checkpoint_id == wanted), guesses[0] if guesses else None)
    heads = conflict.heads
    shown = heads[-1] if heads else None
    return render_template(
        "picture.html",
        project=project,
        image=found,
        heads=heads,
        sides=sides(conflict, paint) if len(heads) > 1 else [],
        shown=shown,
        truth=shapes(shown.regions, paint) if shown else [],
        guess=guess,
        guesses=guesses,
        origins=origins,
        guessed=shapes(guess.regions, paint, dashed=True) if guess else [],
        history=history[::-1],
        findings=faults,
        before=before,
        after=after,
    )


def undo(image: int) -> Response:
    """Take back the last change of one picture."""
    ws = workspace()
    with ws.db.read() as tx:
        project_id, found = images.find_id(tx, image)
    take_back(ws, project_id, found.name, auth.who())
    return done(link("picture", image=image), "undone", n=1)


def settle(image: int) -> Response:
    """Settle a conflict in favour of one of the present revisions, or of all of them together."""
    ws = workspace()
    with ws.db.read() as tx:
        project_id, found = images.find_id(tx, image)
    keep = None if request.form.get("keep") == "both" else request.form.get("keep", 0, int)
    resolve(ws, project_id, found.name, keep, auth.who())
    return done(link("picture", image=image), "resolved")


def undo_fixes(project: str) -> Response:
    """Take back all safe fixes that are in force."""
    n = take_back(workspace(), project, None, auth.who())
    return done(link("findings", project=project), "undone", n=n)
