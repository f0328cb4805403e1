"""One project: counts, labels, findings, versions, runs, sources, and what can be done with it."""

from __future__ import annotations

import time

from flask import Blueprint, render_template, request
from werkzeug.wrappers import Response

from bridge.loop import check as checking
from bridge.loop import predict, undecided
from bridge.loop.cut import CutOptions
from bridge.loop.cut import cut as freeze
from bridge.loop.reconcile import PULL_FIRST
from bridge.store import datasets, findings, jobs, projects, runs, standing, tokens
from bridge.web import auth
from bridge.web.current import workspace
from bridge.web.pages.accepting import judged
from bridge.web.pages.look import colours
from bridge.web.pages.standing import overview
from bridge.web.pages.ways import done, link

_EXAMPLES = 1
# Held-out pictures that are named on the page of a version.
_NAMED = 200


def add_to(pages: Blueprint) -> None:
    """Routes of a project."""
    one = "/projects/<project>"
    pages.get(one)(project)
    pages.post(f"{one}/check")(check)
    pages.post(f"{one}/cut")(cut)
    pages.post(f"{one}/sync")(sync)
    pages.post(f"{one}/predict")(predict_all)
    pages.post(f"{one}/promote")(promote)
    pages.get("/versions/<version>")(version)


def project(project: str) -> str:
    """Everything about one project on one page."""
    with workspace().db.read() as tx:
        found = overview(tx, projects.find(tx, project))
        examples = {
            rule: findings.listing(tx, found.project.id, rule=rule, limit=_EXAMPLES)
            for rule in list(found.findings)[:40]
        }
        scores = {run.id: runs.scores(tx, run.id) for run in found.runs}
        ledger = tokens.recorded(tx, found.project.id, 12)
        waits = undecided.listing(tx, found.project.id)
        looked = standing.waiting(tx, found.project.id)
    best = {run: max((s.map for s in of_run.values()), default=None) for run, of_run in scores.items()}
    return render_template(
        "project.html",
        o=found,
        project=found.project,
        colours=colours(found.project.classes),
        examples=examples,
        best=best,
        ledger=ledger,
        waits=waits,
        looked=looked,
        judged=judged(workspace(), found.project.id),
    )


def check(project: str) -> Response:
    """Run the validators; with fix=1, mend what is safe first."""
    ws = workspace()
    fix = request.form.get("fix") == "1"
    found = checking.check(ws, project, fix, who=auth.who())
    errors = sum(f.severity == "error" for f in found.findings)
    key = "fixed" if fix else "checked"
    target = link("findings", project=project)
    return done(target, key, n=len(found.findings), errors=errors, fixed=found.fixed)


def cut(project: str) -> Response:
    """Freeze a dataset version."""
    made = freeze(workspace(), project, CutOptions(who=auth.who()))
    key = "cut" if made.new else "cut-same"
    return done(link("version", version=made.version.id), key, n=len(made.version.members), left_out=len(made.findings))


def sync(project: str) -> Response:
    """Pull from the connected tools and push to them."""
    with workspace().db.write() as tx:
        found = projects.find(tx, project)
        for kind, due in (("pull", 0.0), ("push", time.time() + PULL_FIRST)):
            jobs.put_once(tx, kind, "bridge", {"project": found.id, "source": None}, found.id, "asked:*", due)
        tokens.record(tx, auth.who(), "sync", found.id)
    return done(link("project", project=project), "sync")


def predict_all(project: str) -> Response:
    """Let the promoted (or best) checkpoint look at the pictures."""
    only = request.form.get("only_unlabelled") == "1"
    predict.predict(workspace(), project, None, auth.who(), only)
    return done(link("project", project=project), "predict")


def promote(project: str) -> Response:
    """Choose the checkpoint that pre-labels."""
    chosen = predict.publish(workspace(), project, request.form.get("checkpoint") or None, auth.who())
    return done(link("run", run=chosen.run_id), "promote", iteration=chosen.iteration)


def version(version: str) -> str:
    """One frozen version: its split and its classes."""
    with workspace().db.read() as tx:
        found, parts = datasets.glance(tx, version)
        of = projects.find(tx, found.project)
        held = datasets.members(tx, found.id, limit=_NAMED, part="valid")
        used_by = [run for run in runs.listing(tx, of.id) if run.version == found.id]
    return render_template("version.html", version=found, parts=parts, held=held, project=of, used_by=used_by)
