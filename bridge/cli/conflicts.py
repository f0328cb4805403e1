"""Pictures whose labels clash: conflicts, resolve."""

from __future__ import annotations

from dataclasses import asdict

import click

from bridge.cli.command import Call, command
from bridge.cli.values import Whole, Word

commands = click.Group()


@command(commands, "conflicts", remote=True)
@click.argument("project", type=Word())
def conflicts_(call: Call, project: str) -> int:
    """The pictures of PROJECT that have more than one set of labels, with the sets."""
    found = call.side().conflicts(project)
    rows = [(one.image, h.number, h.source, h.author, h.at, h.boxes) for one in found for h in one.heads]
    call.console.table(("image", "number", "source", "author", "created", "boxes"), rows, "conflicts-none")
    if found:
        call.console.say("conflicts", n=len(found), project=project)
    call.console.emit({"conflicts": [asdict(one) for one in found]})
    return 0


@command(commands, "resolve", remote=True)
@click.argument("project", type=Word())
@click.argument("image", type=Word())
@click.option("--keep", type=Whole(1, 2**63 - 1), metavar="NUMBER", required=True)
def resolve_(call: Call, project: str, image: str, keep: int) -> int:
    """Let the set of labels with that number hold for IMAGE; the others stay in its history."""
    new = call.side().resolve(project, image, keep)
    call.console.say("resolved", image=image, keep=keep)
    call.console.emit({"image": image, "kept": keep, "revision": new})
    return 0
