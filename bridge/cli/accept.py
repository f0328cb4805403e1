"""A model's boxes that a person has looked at in VoTT become his: accept."""

from __future__ import annotations

import sys
import time
from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from bridge.cli.command import Call, command
from bridge.cli.console import finding_json
from bridge.cli.values import Word
from bridge.errors import UsageError

if TYPE_CHECKING:
    from bridge.loop.accept import Accepted, Preview

commands = click.Group()

_COLUMNS = ("label", "checkpoint", "boxes", "pictures")
# So many pictures are named where people read; --json has them all.
_NAMED = 20


@command(commands, "accept")
@click.argument("project", type=Word())
@click.option("--visited", is_flag=True)
@click.option("--image", "images", type=Word(), metavar="NAME", multiple=True)
@click.option("--yes", is_flag=True)
def accept_(call: Call, project: str, visited: bool, images: tuple[str, ...], yes: bool) -> int:
    """Take the boxes of a model that were looked at in VoTT as a person's own: of all such pictures, or of those named.

    Shown first, then asked once; without a terminal, or with --json, only --yes accepts.
    """
    from bridge.loop.accept import accept, preview

    if visited and images:
        raise UsageError("accept-both")
    ws = call.open()
    _read_folders(call, project)
    shown = preview(ws, project, images)
    _say(call, shown, project)
    done = None
    if shown.pictures and (yes or _agreed(call, shown)):
        done = accept(ws, project, images, shown.digest, call.who)
        call.console.say("accepted", pictures=done.pictures, boxes=done.boxes)
    elif shown.pictures:
        call.console.say("accept-waits")
    _emit(call, shown, done)
    return 0


def _read_folders(call: Call, project: str) -> None:
    """What was looked at stands in the tools' files; they are read where that is possible."""
    from bridge.errors import BridgeError
    from bridge.loop.reconcile import pull
    from bridge.loop.tool import connected

    ws = call.open()
    found, tools = connected(ws, project)
    for tool in tools:
        if not tool.kind.startswith("vott"):
            continue
        try:
            with call.console.progress("syncing", project=project) as progress:
                pull(ws, found.id, tool.name, progress, wait=time.sleep)
        except BridgeError as error:
            if not call.console.json:
                call.console.error(error)


def _say(call: Call, shown: Preview, project: str) -> None:
    rows = [(row.label, row.checkpoint, row.boxes, row.pictures) for row in shown.rows]
    call.console.findings(shown.findings)
    if not shown.pictures:
        call.console.say("accept-none", project=project, unseen=shown.unseen)
        return
    call.console.table(_COLUMNS, rows)
    names = [picture.image.name for picture in shown.pictures]
    more = len(names) - _NAMED
    listed = call.console.text("comma").join(names[:_NAMED])
    call.console.say("accept-pictures-more" if more > 0 else "accept-pictures", names=listed, n=more)


def _agreed(call: Call, shown: Preview) -> bool:
    """Whether a person at a terminal says yes."""
    if call.console.json or not sys.stdin.isatty():
        return False
    sure = call.console.text("accept-sure", boxes=shown.boxes, pictures=len(shown.pictures))
    return click.confirm(sure, err=True)


def _emit(call: Call, shown: Preview, done: Accepted | None) -> None:
    call.console.emit(
        {
            "accepted": done is not None,
            "pictures": done.pictures if done else len(shown.pictures),
            "boxes": done.boxes if done else shown.boxes,
            "unseen": shown.unseen,
            "rows": [asdict(row) for row in shown.rows],
            "images": [picture.image.name for picture in shown.pictures],
            "findings": [finding_json(f) for f in shown.findings],
        }
    )
