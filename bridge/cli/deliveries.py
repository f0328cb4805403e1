"""What waits for a person: deliveries, delivery show|resume|dismiss."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from bridge import texts
from bridge.cli.command import Call, command
from bridge.cli.evidence import say_evidence
from bridge.cli.refused import say_refused, say_ways
from bridge.cli.spoken import SpokenGroup
from bridge.cli.values import Whole, Word
from bridge.errors import RefusedError
from bridge.model.delivery import OPEN

if TYPE_CHECKING:
    from bridge.model.delivery import Delivery

commands = click.Group()
delivery = SpokenGroup("delivery")
commands.add_command(delivery)

_NUMBER = Whole(1, 2**63 - 1)


@command(commands, "deliveries", remote=True)
@click.argument("project", type=Word(), required=False)
@click.option("--all", "everything", is_flag=True)
def deliveries_(call: Call, project: str | None, everything: bool) -> int:
    """What waits for a person (of PROJECT); with --all also what is done."""
    found = call.side().deliveries(project, everything)
    rows = [(d.id, d.kind, d.body.get("project") or d.project, d.state.value, d.body.get("path"), d.at) for d in found]
    call.console.table(("number", "kind", "project", "state", "path", "created"), rows, "deliveries-none")
    call.console.emit({"deliveries": [_json(one) for one in found]})
    return 0


def _json(found: Delivery) -> dict[str, Any]:
    """As the API gives it: the key is between us and the store."""
    return {name: value for name, value in asdict(found).items() if name != "key"}


@command(delivery, "show", remote=True)
@click.argument("number", type=_NUMBER)
def show(call: Call, number: int) -> int:
    """What came, why it waits, and what speaks for each way to read it."""
    found = call.side().delivery(number)
    _say(call, found)
    call.console.emit(_json(found))
    return 0


def _say(call: Call, found: Delivery) -> None:
    call.console.facts(
        [
            ("number", found.id),
            ("kind", found.kind),
            ("project", found.body.get("project") or found.project),
            ("state", found.state.value),
            ("path", found.body.get("path")),
            ("created", found.at),
        ]
    )
    refusal: dict[str, Any] | None = found.body.get("refusal")
    if refusal is None or found.state not in OPEN:
        return
    call.console.line("")
    call.console.line(texts.render("errors", refusal["rule"], refusal["fields"], call.console.language))
    say_evidence(call.console, refusal["fields"])
    say_ways(call, found.id, refusal["rule"])


@command(delivery, "resume", remote=True)
@click.argument("number", type=_NUMBER)
@click.option("--order", type=click.Choice(["ntfs", "bytes", "created"]))
@click.option("--leave-newer", is_flag=True)
def resume(call: Call, number: int, order: Any, leave_newer: bool) -> int:
    """Read again what was refused, in the order given; without one, as it was asked for before."""
    side = call.side()
    try:
        with call.console.progress("resuming", number=number):
            done = side.resume_delivery(number, order, leave_newer)
    except RefusedError as refusal:
        return say_refused(call, refusal)
    call.console.say("imported", **done.outcome | {"project": done.body["project"]})
    call.console.emit(_json(done))
    return 0


@command(delivery, "dismiss", remote=True)
@click.argument("number", type=_NUMBER)
def dismiss(call: Call, number: int) -> int:
    """Put a delivery aside; it stays listed, but nothing more is done with it."""
    done = call.side().dismiss_delivery(number)
    call.console.say("delivery-dismissed", number=number)
    call.console.emit(_json(done))
    return 0
