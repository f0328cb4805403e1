"""Looking after the server: nodes, node drain, token, plugins, doctor."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import click
import msgspec

from bridge.cli.command import Call, command
from bridge.cli.spoken import SpokenGroup
from bridge.cli.values import Word

if TYPE_CHECKING:
    from bridge.doctor import Part
    from bridge.model.job import Node

commands = click.Group()
node = SpokenGroup("node")
token = SpokenGroup("token")
commands.add_command(node)
commands.add_command(token)


@command(commands, "nodes", remote=True)
def nodes_(call: Call) -> int:
    """The machines that work for this bridge."""
    found = call.side().nodes()
    yes, comma = call.console.text("yes"), call.console.text("comma")
    rows = [
        (
            n.name,
            comma.join(q for q in n.queues if "." not in q),
            comma.join(gpu.name for gpu in n.gpus),
            " ".join(filter(None, (n.engine.get("fork"), n.engine.get("version")))),
            yes if n.draining else None,
            _ago(call, time.time() - n.seen),
        )
        for n in found
    ]
    call.console.table(("node", "queues", "gpus", "engine", "draining", "seen"), rows, "nodes-none")
    call.console.emit({"nodes": [_json(n) for n in found]})
    return 0


def _json(node_: Node) -> dict[str, Any]:
    """A node as other programs read it, its time as text."""
    seen = datetime.fromtimestamp(int(node_.seen), UTC).isoformat().replace("+00:00", "Z")
    return {**msgspec.to_builtins(node_), "seen": seen}


def _ago(call: Call, seconds: float) -> str:
    """A time that has passed, in its largest fitting unit."""
    for unit, length in (("days", 86_400), ("hours", 3600), ("minutes", 60)):
        if seconds >= 2 * length:
            return call.console.text(f"ago-{unit}", n=int(seconds // length))
    return call.console.text("ago-now" if seconds < 10 else "ago-seconds", n=int(seconds))


@command(node, "drain", remote=True)
@click.argument("name", type=Word(), metavar="NODE")
@click.option("--undo", is_flag=True)
def drain(call: Call, name: str, undo: bool) -> int:
    """Let a node finish what it does and take no new training."""
    call.side().drain(name, not undo)
    call.console.say("node-takes" if undo else "node-drains", node=name)
    call.console.emit({"node": name, "draining": not undo})
    return 0


@command(token, "create", remote=True)
@click.argument("name", type=Word())
@click.option("--role", type=click.Choice(["admin", "node", "read"]), default="read", show_default=True)
def create(call: Call, name: str, role: str) -> int:
    """Make a token; its secret is shown this once."""
    made, secret = call.side().create_token(name, role)
    call.console.say("token-created", id=made.id, secret=secret, role=role)
    call.console.emit({"id": made.id, "name": made.name, "role": role, "token": secret})
    return 0


@command(token, "revoke", remote=True)
@click.argument("token_id", type=Word(), metavar="ID")
def revoke(call: Call, token_id: str) -> int:
    """Make a token useless."""
    call.side().revoke_token(token_id)
    call.console.say("token-revoked", id=token_id)
    call.console.emit({"revoked": token_id})
    return 0


@command(token, "list", remote=True)
def list_(call: Call) -> int:
    """All tokens, without their secrets."""
    found = call.side().tokens()
    yes = call.console.text("yes")
    rows = [(one.id, one.name, one.role, one.created, yes if one.revoked else None) for one in found]
    call.console.table(("id", "name", "role", "created", "revoked"), rows, "tokens-none")
    call.console.emit({"tokens": [msgspec.to_builtins(one) for one in found]})
    return 0


@command(commands, "plugins")
def plugins_(call: Call) -> int:
    """All plugins with their versions, and the broken ones with the reason."""
    found = call.plugins().listing()
    rows = [(p.kind, p.name, p.origin, p.version, p.broken) for p in found]
    call.console.table(("kind", "name", "origin", "version", "broken"), rows)
    call.console.emit({"plugins": [msgspec.to_builtins(p) for p in found]})
    return 1 if any(p.broken for p in found) else 0


@command(commands, "doctor")
def doctor_(call: Call) -> int:
    """What is there on this machine, what is missing, and what to do about it."""
    from bridge.doctor import examine

    found = examine(call.settings)
    rows = [(call.console.text(_mark(one)), one.part, one.detail) for one in found]
    call.console.table(("state", "part", "detail"), rows)
    call.console.emit({"parts": [msgspec.to_builtins(one) for one in found]})
    return 1 if any(one.needed and not one.fine for one in found) else 0


def _mark(part: Part) -> str:
    return "part-fine" if part.fine else "part-missing" if part.needed else "part-absent"
