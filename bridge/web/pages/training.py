"""Planning a training: a form, what it would be, and the button that starts it."""

from __future__ import annotations

from flask import Blueprint, render_template, request
from werkzeug.wrappers import Response

from bridge.errors import InputError
from bridge.loop import train as training
from bridge.loop.train import PlanOptions
from bridge.model.finding import Severity
from bridge.store import datasets, projects, runs
from bridge.web import auth
from bridge.web.current import workspace
from bridge.web.pages.ways import done, link

_NUMBERS = {"size": (32, 4096), "max_batches": (1, 10_000_000), "subdivisions": (1, 4096)}


def add_to(pages: Blueprint) -> None:
    """Routes of planning."""
    pages.get("/projects/<project>/train")(train)
    pages.post("/projects/<project>/plan")(plan)
    pages.post("/projects/<project>/train")(start)


def train(project: str) -> str:
    """What can be chosen for a training."""
    ws = workspace()
    with ws.db.read() as tx:
        found = projects.find(tx, project)
        version = next(iter(datasets.listing(tx, found.id)), None)
        best = runs.best_checkpoint(tx, found.id)
    nodes = [node for node in training.living_nodes(ws) if "train" in node.queues and not node.draining]
    templates = getattr(ws.registry.engine(training.ENGINE), "templates", ())  # No part of the contract of engines.
    return render_template("train.html", project=found, version=version, best=best, nodes=nodes, templates=templates)


def plan(project: str) -> str:
    """What the chosen training would be; starts nothing."""
    ws = workspace()
    chosen = {key: value[:200] for key, value in request.form.items() if key != "csrf"}
    made = training.plan(ws, project, _options(chosen), auth.who())
    with ws.db.read() as tx:
        found = projects.find(tx, project)
    broken = any(f.severity is Severity.ERROR for f in made.findings)
    return render_template("plan.html", project=found, plan=made, chosen=chosen, broken=broken)


def start(project: str) -> Response:
    """Start what was planned."""
    ws = workspace()
    made = training.plan(ws, project, _options(dict(request.form.items())), auth.who())
    run = training.start(ws, made, auth.who())
    return done(link("run", run=run.id), "train")


def _options(chosen: dict[str, str]) -> PlanOptions:
    size = _number(chosen, "size")
    weights = chosen.get("weights", "none")
    return PlanOptions(
        template=chosen.get("template", "").strip(),
        network=(size, size) if size else None,
        max_batches=_number(chosen, "max_batches"),
        subdivisions=_number(chosen, "subdivisions"),
        weights=weights if weights in ("none", "best", "last") else "none",
        node=chosen.get("node") or None,
        version=chosen.get("version") or None,
    )


def _number(chosen: dict[str, str], name: str) -> int | None:
    text = chosen.get(name, "").strip()
    if not text:
        return None
    low, high = _NUMBERS[name]
    if not text.isascii() or not text.isdigit() or not low <= int(text) <= high:
        raise InputError("number-wrong", field=name, found=text, low=low, high=high)
    return int(text)
