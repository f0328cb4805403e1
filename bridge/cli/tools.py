"""Labeling tools: source add|list|remove, sync, predict, push."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from bridge.cli.command import Call, command
from bridge.cli.console import finding_json
from bridge.cli.refused import say_refused
from bridge.cli.spoken import SpokenGroup
from bridge.cli.unbegun import Begin
from bridge.cli.values import Whole, Word
from bridge.errors import AccessError, RefusedError
from bridge.model.job import ENDED, JobState

if TYPE_CHECKING:
    from bridge.cli.side import Pulled, Side
    from bridge.loop.intake import Imported
    from bridge.model.project import Source
    from bridge.plugin import PushOutcome

commands = click.Group()
source = SpokenGroup("source")
commands.add_command(source)

_LOOK_SECONDS = 0.3


@command(source, "add")
@click.argument("project", type=Word())
@click.argument("kind", type=click.Choice(["label-studio", "vott-v1", "vott-v2"]))
@click.argument("place", metavar="URL|FOLDER")
@click.option("--name", type=Word(), metavar="NAME")
@click.option("--ls-project", type=Whole(1, 2**31), metavar="NUMBER")
@click.option("--order", type=click.Choice(["ntfs", "bytes", "created"]))
def add(
    call: Call, project: str, kind: Any, place: str, name: str | None, ls_project: int | None, order: str | None
) -> int:
    """Connect PROJECT to a tool; Label Studio's token is read from LABEL_STUDIO_TOKEN, or asked for."""
    from bridge.loop import connect

    ws = call.open()
    read: Sequence[Pulled | Imported] = ()
    if kind == "label-studio":
        made = connect.connect(ws, project, place, _token(call), ls_project, call.who, name or kind)
    else:
        try:
            made = connect.connect_folder(ws, project, kind, Path(place), call.who, name or kind, order)
            read = _read_folder(call, made)
        except RefusedError as refusal:
            return say_refused(call, refusal)
    call.console.say("source-added", source=made.name, kind=made.kind, place=made.place)
    _say_pulled(call, read)
    call.console.emit({"source": made.name, "kind": made.kind, "place": made.place, **_pulls_json(read)})
    return 0


def _read_folder(call: Call, source: Source) -> Sequence[Imported]:
    """Read a folder at once: what is edited there from now on has a beginning."""
    from bridge.loop.reconcile import pull

    with call.console.progress("syncing", project=source.name) as progress:
        return pull(call.open(), source.project, source.name, progress, wait=time.sleep)


def _token(call: Call) -> str:
    """Label Studio's token; raises AccessError when there is none and nobody to ask."""
    known = os.environ.get("LABEL_STUDIO_TOKEN")
    if known:
        return known
    if not sys.stdin.isatty():
        raise AccessError("tool-token-unset")
    return str(click.prompt(call.console.text("token-wanted"), hide_input=True, err=True))


@command(source, "list")
@click.argument("project", type=Word())
def list_(call: Call, project: str) -> int:
    """The tools that PROJECT is connected to."""
    from bridge.store import projects

    with call.open().db.read() as tx:
        found = [s for s in projects.sources(tx, projects.find(tx, project).id) if s.kind != "import"]
    columns = ("source", "kind", "place", "cursor")
    rows = [(s.name, s.kind, s.place, s.cursor) for s in found]
    call.console.table(columns, rows, "sources-none")
    call.console.emit({"sources": [dict(zip(columns, row, strict=True)) for row in rows]})
    return 0


@command(source, "remove")
@click.argument("project", type=Word())
@click.argument("name", type=Word())
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


@command(commands, "predict", remote=True)
@click.argument("project", type=Word())
@click.option("--checkpoint", type=Word(), metavar="ID")
@click.option("--unlabelled", is_flag=True)
@click.option("--wait/--no-wait", default=True, show_default=True)
def predict_(call: Call, project: str, checkpoint: str | None, unlabelled: bool, wait: bool) -> int:
    """Let a checkpoint draw boxes on the pictures of PROJECT."""
    side = call.side()
    job_id = side.predict(project, checkpoint, unlabelled)
    state = _ended(call, side, job_id) if wait else JobState.QUEUED
    call.console.say(f"predict-{state.value}", job=job_id, project=project)
    call.console.emit({"job": job_id, "state": state.value})
    return 1 if state in (JobState.FAILED, JobState.CANCELLED) else 0


def _ended(call: Call, side: Side, job_id: str) -> JobState:
    """Wait for a job; how it ended. Raises UnreachableError job-unbegun."""
    begin = Begin()
    with call.console.progress("predicting") as progress:
        while True:
            job = side.job(job_id)
            begin.check(side, job)
            progress(int(job.progress.get("done", 0)), int(job.progress.get("total", 0)))
            if job.state in ENDED:
                return job.state
            time.sleep(_LOOK_SECONDS)


@command(commands, "push", remote=True)
@click.argument("project", type=Word())
@click.option("--source", "name", type=Word(), metavar="NAME")
def push_(call: Call, project: str, name: str | None) -> int:
    """Put changed labels and the predictions of the promoted (else best) checkpoint into the connected tools."""
    with call.console.progress("pushing", project=project):
        pushed = call.side().push(project, name)
    _say_pushed(call, pushed)
    call.console.emit({"pushed": [_pushed_json(one) for one in pushed]})
    return 0 if all(one.accepted == one.sent for one in pushed) else 1


@command(commands, "sync", remote=True)
@click.argument("project", type=Word())
@click.option("--source", "name", type=Word(), metavar="NAME")
def sync(call: Call, project: str, name: str | None) -> int:
    """Pull from and push to the connected tools now."""
    try:
        with call.console.progress("syncing", project=project):
            pulled, pushed = call.side().sync(project, name)
    except RefusedError as refusal:
        return say_refused(call, refusal)
    _say_pulled(call, pulled)
    _say_pushed(call, pushed)
    call.console.emit({**_pulls_json(pulled), "pushed": [_pushed_json(one) for one in pushed]})
    return 0 if all(one.accepted == one.sent for one in pushed) else 1


def _say_pulled(call: Call, pulled: Sequence[Pulled | Imported]) -> None:
    for one in pulled:
        call.console.findings(one.findings)
        call.console.say("pulled", images=one.images, revisions=one.revisions)


def _pulls_json(pulled: Sequence[Pulled | Imported]) -> dict[str, Any]:
    counts = [{"images": one.images, "boxes": one.boxes, "revisions": one.revisions} for one in pulled]
    return {"pulled": counts, "findings": [finding_json(f) for one in pulled for f in one.findings]}


def _say_pushed(call: Call, pushed: Sequence[PushOutcome]) -> None:
    if not pushed:
        call.console.say("pushed-nowhere")
    for one in pushed:
        call.console.findings(one.refused)
        if one.written:
            call.console.say("written-back", n=one.written)
        if one.sent or not one.written:
            call.console.say("pushed" if one.sent else "pushed-nothing", sent=one.sent, accepted=one.accepted)


def _pushed_json(one: PushOutcome) -> dict[str, Any]:
    counts = {"sent": one.sent, "accepted": one.accepted, "written": one.written}
    return {**counts, "refused": [finding_json(f) for f in one.refused]}
