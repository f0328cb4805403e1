"""Projects: list, create, remove; and their labels: rename, merge."""

from __future__ import annotations

import sys
from dataclasses import asdict

import click

from bridge.cli.command import Call, command
from bridge.cli.spoken import SpokenGroup
from bridge.cli.values import Word
from bridge.errors import RefusedError

commands = click.Group()
project = SpokenGroup("project")
commands.add_command(project)


@command(project, "list", remote=True)
def list_(call: Call) -> int:
    """All projects, with their pictures and boxes."""
    found = call.side().projects()
    columns = ("project", "id", "images", "labelled", "reviewed-empty", "unknown", "boxes")
    call.console.table(columns, [(p.name, p.id, *asdict(tally).values()) for p, tally in found], "projects-none")
    listed = [{"name": p.name, "id": p.id, **asdict(tally), "labels": p.label_names()} for p, tally in found]
    call.console.emit({"projects": listed})
    return 0


@command(project, "create", remote=True)
@click.argument("name", type=Word())
def create(call: Call, name: str) -> int:
    """Make a project of that NAME."""
    made = call.side(create=True).create_project(name)
    call.console.say("project-created", project=made.name, id=made.id)
    call.console.emit({"id": made.id, "name": made.name})
    return 0


@command(project, "remove", remote=True)
@click.argument("name", type=Word(), metavar="PROJECT")
@click.option("--yes", is_flag=True)
def remove(call: Call, name: str, yes: bool) -> int:
    """Forget a project with all its labels, versions and runs (your own files stay as they are)."""
    side = call.side()
    found = side.project(name)
    if not yes and not _agreed(call, found.name):
        raise RefusedError("remove-unconfirmed", project=found.name)
    side.remove_project(found.id)
    call.console.say("project-removed", project=found.name)
    call.console.emit({"removed": found.id})
    return 0


def _agreed(call: Call, name: str) -> bool:
    """Whether a person at a terminal says yes."""
    if not sys.stdin.isatty():
        return False
    return click.confirm(call.console.text("project-remove-sure", project=name), err=True)


@command(commands, "label")
@click.argument("name", type=Word(), metavar="PROJECT")
@click.argument("action", type=click.Choice(["rename", "merge"]))
@click.argument("old", type=Word())
@click.argument("new", type=Word())
def label(call: Call, name: str, action: str, old: str, new: str) -> int:
    """Rename label OLD to NEW, or merge OLD into NEW; what was written before is read under the new name."""
    from bridge.loop import labels

    act = labels.rename if action == "rename" else labels.merge
    found = act(call.open(), name, old, new, call.who)
    call.console.say(f"label-{action}", old=old, new=new, labels=call.console.text("comma").join(found.label_names()))
    call.console.emit({"project": found.id, "labels": found.label_names()})
    return 0
