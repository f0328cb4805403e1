"""Projects: list, create, remove; and their labels: rename, merge."""

from __future__ import annotations

from typing import Any

import click

from bridge.cli.command import Call, command

commands = click.Group()


@commands.group("project")
def project() -> None:
    """Projects: list, create, remove."""


@command(project, "list")
def list_(call: Call) -> int:
    """All projects, with their pictures and boxes."""
    from bridge.store import projects, revisions

    with call.open().db.read() as tx:
        found = [(p, revisions.counts(tx, p.id)) for p in projects.listing(tx)]
    rows = [(p.name, p.id, c.images, c.labelled, c.reviewed_empty, c.unknown, c.boxes) for p, c in found]
    call.console.table("", ["project", "id", "images", "labelled", "reviewed-empty", "unknown", "boxes"], rows)
    keys = ("name", "id", "images", "labelled", "reviewed_empty", "unknown", "boxes")
    listed: list[dict[str, Any]] = [dict(zip(keys, row, strict=True)) for row in rows]
    call.console.emit(
        {"projects": [{**one, "labels": p.label_names()} for one, (p, _) in zip(listed, found, strict=True)]}
    )
    return 0


@command(project, "create")
@click.argument("name")
def create(call: Call, name: str) -> int:
    """Make a project of that NAME."""
    from bridge.store import projects, tokens

    with call.open(create=True).db.write() as tx:
        made = projects.create(tx, name)
        tokens.record(tx, call.who, "project-create", made.id, {"name": made.name})
    call.console.say("project-created", project=made.name, id=made.id)
    call.console.emit({"id": made.id, "name": made.name})
    return 0


@command(project, "remove")
@click.argument("name")
@click.option("--yes", is_flag=True, help="Do not ask.")
def remove(call: Call, name: str, yes: bool) -> int:
    """Forget a project with all its labels, versions and runs (your own files stay as they are)."""
    from bridge.store import projects, tokens

    with call.open().db.read() as tx:
        found = projects.find(tx, name)
    if not yes:
        click.confirm(f"{found.name} ({found.id})?", abort=True, err=True)
    with call.open().db.write() as tx:
        projects.remove(tx, found.id)
        tokens.record(tx, call.who, "project-remove", None, {"project": found.id, "name": found.name})
    call.console.say("project-removed", project=found.name)
    call.console.emit({"removed": found.id})
    return 0


@command(commands, "label")
@click.argument("project_name", metavar="PROJECT")
@click.argument("action", type=click.Choice(["rename", "merge"]))
@click.argument("old")
@click.argument("new")
def label(call: Call, project_name: str, action: str, old: str, new: str) -> int:
    """Rename label OLD to NEW, or merge OLD into NEW; what was written before is read under the new name."""
    from bridge.loop import labels

    act = labels.rename if action == "rename" else labels.merge
    found = act(call.open(), project_name, old, new, call.who)
    call.console.say(f"label-{action}", old=old, new=new, labels=", ".join(found.label_names()))
    call.console.emit({"project": found.id, "labels": found.label_names()})
    return 0
