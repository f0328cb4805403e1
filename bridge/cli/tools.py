"""Labeling tools: source add|list|remove, sync, predict, push."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import click
import msgspec

from bridge.cli.command import Call, command
from bridge.cli.console import finding_json

commands = click.Group()


@commands.group("source")
def source() -> None:
    """Connected labeling tools: add, list, remove."""


@command(source, "add")
@click.argument("project")
@click.argument("kind", type=click.Choice(["label-studio", "vott-v1", "vott-v2"]))
@click.argument("place", metavar="URL_OR_FOLDER")
@click.option("--name", help="Name of the connection [KIND].")
@click.option("--ls-project", type=int, help="Label Studio: use this project instead of making one.")
def add(call: Call, project: str, kind: str, place: str, name: str | None, ls_project: int | None) -> int:
    """Connect PROJECT to a tool; Label Studio's token is read from LABEL_STUDIO_TOKEN, or asked for."""
    from bridge.loop import connect

    ws = call.open()
    if kind == "label-studio":
        token = os.environ.get("LABEL_STUDIO_TOKEN") or click.prompt("Label Studio token", hide_input=True, err=True)
        made = connect.connect(ws, project, place, token, ls_project, call.who, name or kind)
    else:
        made = connect.connect_folder(ws, project, kind, Path(place), call.who, name or kind)
    call.console.say("source-added", source=made.name, kind=made.kind, place=made.place)
    call.console.emit({"source": made.name, "kind": made.kind, "place": made.place})
    return 0


@command(source, "list")
@click.argument("project")
def list_(call: Call, project: str) -> int:
    """The tools that PROJECT is connected to."""
    from bridge.store import projects

    with call.open().db.read() as tx:
        found = [s for s in projects.sources(tx, projects.find(tx, project).id) if s.kind != "import"]
    rows: list[dict[str, Any]] = [
        {"source": s.name, "kind": s.kind, "place": s.place, "cursor": s.cursor} for s in found
    ]
    call.console.table("", ["source", "kind", "place", "cursor"], [list(row.values()) for row in rows])
    call.console.emit({"sources": rows})
    return 0


@command(source, "remove")
@click.argument("project")
@click.argument("name")
def remove(call: Call, project: str, name: str) -> int:
    """Forget a connection; labels that came through it stay."""
    from bridge.store import projects, tokens

    with call.open().db.write() as tx:
        found = projects.find_source(tx, projects.find(tx, project).id, name)
        projects.remove_source(tx, found.id)
        tokens.record(tx, call.who, "source-remove", found.project, {"source": name})
    call.console.say("source-removed", source=name)
    call.console.emit({"removed": name})
    return 0


@command(commands, "sync")
@click.argument("project")
@click.option("--source", "name", help="Only this connection.")
def sync(call: Call, project: str, name: str | None) -> int:
    """Pull from and push to the connected tools now."""
    from bridge.loop.push import push
    from bridge.loop.reconcile import pull

    ws = call.open()
    pulled = pull(ws, project, name)
    for one in pulled:
        call.console.findings(one.findings)
        call.console.say("pulled", images=one.images, revisions=one.revisions)
    outcomes = push(ws, project, name)
    _say_outcomes(call, outcomes)
    found = [finding_json(f) for one in pulled for f in one.findings]
    taken = [{"images": one.images, "revisions": one.revisions} for one in pulled]
    call.console.emit({"pulled": taken, "findings": found, "pushed": [msgspec.to_builtins(o) for o in outcomes]})
    return 0


@command(commands, "predict")
@click.argument("project")
@click.option("--checkpoint", help="This one [the promoted one, else the best].")
@click.option("--unlabelled", is_flag=True, help="Only pictures nobody has looked at.")
@click.option("--wait/--no-wait", default=True, show_default=True, help="Wait until it is done.")
def predict_(call: Call, project: str, checkpoint: str | None, unlabelled: bool, wait: bool) -> int:
    """Let a checkpoint draw boxes on the pictures of PROJECT."""
    from bridge.loop.predict import predict

    ws = call.open()
    job_id = predict(ws, project, checkpoint, call.who, unlabelled)
    state = _wait(call, job_id) if wait else "queued"
    call.console.say(f"job-{state}", job=job_id)
    call.console.emit({"job": job_id, "state": state})
    return 0 if state in ("queued", "done") else 1


def _wait(call: Call, job_id: str) -> str:
    import time

    from bridge.model.job import ENDED
    from bridge.store import jobs

    with call.console.progress("predicting", job=job_id) as progress:
        while True:
            with call.open().db.read() as tx:
                job = jobs.find(tx, job_id)
            progress(int(job.progress.get("done", 0)), int(job.progress.get("total", 0)))
            if job.state in ENDED:
                return job.state.value
            time.sleep(0.3)


@command(commands, "push")
@click.argument("project")
@click.option("--source", "name", help="Only this connection.")
def push_(call: Call, project: str, name: str | None) -> int:
    """Put the predictions of the promoted (else best) checkpoint into the connected tools."""
    from bridge.loop.push import push

    outcomes = push(call.open(), project, name)
    _say_outcomes(call, outcomes)
    call.console.emit({"pushed": [msgspec.to_builtins(o) for o in outcomes]})
    return 0 if all(o.accepted == o.sent for o in outcomes) else 1


def _say_outcomes(call: Call, outcomes: Any) -> None:
    for outcome in outcomes:
        call.console.findings(outcome.refused)
        call.console.say("pushed", sent=outcome.sent, accepted=outcome.accepted)
