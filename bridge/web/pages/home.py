"""The first page: every project, and what it needs next."""

from __future__ import annotations

from flask import Blueprint, render_template, request
from werkzeug.wrappers import Response

from bridge.loop.train import living_nodes
from bridge.model.delivery import DeliveryState
from bridge.model.job import ENDED
from bridge.store import deliveries, projects, runs, tokens
from bridge.web import auth
from bridge.web.current import workspace
from bridge.web.pages.standing import overview
from bridge.web.pages.ways import done, link


def add_to(pages: Blueprint) -> None:
    """Routes of the first page."""
    pages.get("/")(home)
    pages.post("/projects")(create_project)


def home() -> str:
    """All projects with their next steps, trainings that run, and what waits for a person."""
    ws = workspace()
    with ws.db.read() as tx:
        found = [overview(tx, project) for project in projects.listing(tx)]
        waiting = deliveries.listing(tx, state=DeliveryState.WAITING, limit=5)
        running = [run for run in runs.listing(tx, limit=30) if run.state not in ENDED]
    return render_template(
        "home.html", overviews=found, waiting_list=waiting, running=running, workers=len(living_nodes(ws))
    )


def create_project() -> Response:
    """Make an empty project."""
    name = request.form.get("name", "").strip()[:200] or "-"
    with workspace().db.write() as tx:
        made = projects.create(tx, name)
        tokens.record(tx, auth.who(), "create", made.id)
    return done(link("project", project=made.id), "created", name=made.name)
