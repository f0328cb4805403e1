"""Trainings: the list, one while it runs, and its report."""

from __future__ import annotations

from functools import lru_cache

from flask import Blueprint, Response, render_template, stream_with_context
from markupsafe import Markup
from werkzeug.wrappers import Response as BaseResponse

from bridge.loop import report as reports
from bridge.loop import train
from bridge.model.training import Run
from bridge.reporting.page import report_fragment
from bridge.store import projects, runs
from bridge.web import auth, live
from bridge.web.current import workspace
from bridge.web.language import language
from bridge.web.pages import watching
from bridge.web.pages.accepting import judged
from bridge.web.pages.ways import choice, done, link
from bridge.workspace import Workspace


def add_to(pages: Blueprint) -> None:
    """Routes of runs."""
    pages.get("/runs", endpoint="runs")(all_runs)
    pages.get("/runs/<run>")(run)
    pages.get("/runs/<run>/live", endpoint="live")(watch)
    pages.get("/runs/<run>/report")(report)
    pages.get("/runs/<run>/report.html", endpoint="report_file")(report_file)
    pages.post("/runs/<run>/cancel")(cancel)
    pages.post("/runs/<run>/resume")(resume)


def all_runs() -> str:
    """Runs of all projects, newest first."""
    before = choice("before") or None
    with workspace().db.read() as tx:
        found = runs.listing(tx, None, 41, before)
        names = {project.id: project.name for project in projects.listing(tx)}
        best = {one.id: max((s.map for s in runs.scores(tx, one.id).values()), default=None) for one in found}
    more = found[39].created if len(found) > 40 else None
    return render_template("runs.html", runs=found[:40], names=names, best=best, next=more, before=before)


def run(run: str) -> str:
    """One run: how far it is, its curve, checkpoints, and what the program says."""
    ws = workspace()
    found = _find(ws, run)
    shown = watching.watched(ws, found.id, watching.first_points(ws, found.id))
    with ws.db.read() as tx:
        project = projects.find(tx, found.project)
    of_run = [one for one in judged(ws, project.id) if one.checkpoint.run_id == found.id]
    return render_template("run.html", w=shown, run=found, project=project, judged=of_run)


def watch(run: str) -> Response:
    """The changing pieces of a run's page, as server-sent events."""
    ws = workspace()
    found = _find(ws, run)
    body = watching.piece_stream(ws, found.id, live.asked_mark(choice("mark")))
    return live.stream(stream_with_context(body))


def report(run: str) -> str:
    """A run's report as a page."""
    ws = workspace()
    found = _find(ws, run)
    with ws.db.read() as tx:
        project = projects.find(tx, found.project)
        measured = tuple(sorted((s.checkpoint_id or "", s.map) for s in runs.scores(tx, found.id).values()))
    fragment = _fragment(ws, found.id, language(), (found.state.value, found.iteration, measured))
    return render_template("report.html", run=found, project=project, fragment=fragment)


@lru_cache(maxsize=16)
def _fragment(ws: Workspace, run_id: str, chosen: str, state: object) -> Markup:
    """A report is a second's work; it changes only with what `state` holds."""
    return report_fragment(reports.build(ws, run_id), chosen)


def report_file(run: str) -> Response:
    """A run's report as one file that opens offline."""
    ws = workspace()
    found = _find(ws, run)
    answer = Response(reports.render(ws, found.id, language()), content_type="text/html; charset=utf-8")
    answer.headers["Content-Disposition"] = f'attachment; filename="{found.project}-{found.id}.html"'
    return answer


def cancel(run: str) -> BaseResponse:
    """Ask a run to stop."""
    ws = workspace()
    stopped = train.cancel(ws, _find(ws, run).id, auth.who())
    return done(link("run", run=stopped.id), "cancel")


def resume(run: str) -> BaseResponse:
    """Go on with a run."""
    ws = workspace()
    train.require_worker(ws, "train")
    going = train.resume(ws, _find(ws, run).id, auth.who())
    return done(link("run", run=going.id), "resume")


def _find(ws: Workspace, wanted: str) -> Run:
    with ws.db.read() as tx:
        return runs.find(tx, wanted)
