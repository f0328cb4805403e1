"""Looking after the server: nodes, node drain, plugins, token, doctor."""

from __future__ import annotations

import time

import click
import msgspec

from bridge.cli.command import Call, command

commands = click.Group()


@command(commands, "nodes")
def nodes_(call: Call) -> int:
    """The machines that work for this bridge."""
    from bridge.store import nodes

    with call.open().db.read() as tx:
        found = nodes.listing(tx)
    rows = [
        (n.name, ", ".join(n.queues), len(n.gpus), n.engine.get("fork", "-"), "yes" if n.draining else "", _ago(n.seen))
        for n in found
    ]
    call.console.table("", ["node", "queues", "gpus", "engine", "draining", "seen"], rows)
    call.console.emit({"nodes": [msgspec.to_builtins(n) for n in found]})
    return 0


def _ago(seen: float) -> str:
    return f"{max(time.time() - seen, 0):.0f} s"


@commands.group("node")
def node() -> None:
    """One node: drain, resume."""


@command(node, "drain")
@click.argument("name")
@click.option("--undo", is_flag=True, help="Let it take work again.")
def drain(call: Call, name: str, undo: bool) -> int:
    """Let a node finish what it does and take no new training."""
    from bridge.store import nodes, tokens

    with call.open().db.write() as tx:
        nodes.drain(tx, name, not undo)
        tokens.record(tx, call.who, "drain", None, {"node": name, "draining": not undo})
    call.console.say("node-takes" if undo else "node-drains", node=name)
    call.console.emit({"node": name, "draining": not undo})
    return 0


@command(commands, "plugins")
def plugins_(call: Call) -> int:
    """All plugins with their versions, and the broken ones with the reason."""
    from bridge.registry import Registry

    found = Registry(call.settings.data / "plugins").listing()
    rows = [(p.kind, p.name, p.origin, p.version, p.broken or "") for p in found]
    call.console.table("", ["kind", "name", "origin", "version", "broken"], rows)
    call.console.emit({"plugins": [msgspec.to_builtins(p) for p in found]})
    return 1 if any(p.broken for p in found) else 0


@commands.group("token")
def token() -> None:
    """Keys for programs: create, revoke, list."""


@command(token, "create")
@click.argument("name")
@click.option("--role", type=click.Choice(["admin", "node", "read"]), default="read", show_default=True)
def create(call: Call, name: str, role: str) -> int:
    """Make a token; its secret is shown this once."""
    from bridge.store import tokens

    with call.open().db.write() as tx:
        made, secret = tokens.create(tx, name, role)  # type: ignore[arg-type]
        tokens.record(tx, call.who, "token-create", None, {"token": made.id, "name": name, "role": role})
    call.console.say("token-created", id=made.id, secret=secret, role=role)
    call.console.emit({"id": made.id, "name": name, "role": role, "token": secret})
    return 0


@command(token, "revoke")
@click.argument("token_id", metavar="ID")
def revoke(call: Call, token_id: str) -> int:
    """Make a token useless."""
    from bridge.store import tokens

    with call.open().db.write() as tx:
        tokens.revoke(tx, token_id)
        tokens.record(tx, call.who, "token-revoke", None, {"token": token_id})
    call.console.say("token-revoked", id=token_id)
    call.console.emit({"revoked": token_id})
    return 0


@command(token, "list")
def list_(call: Call) -> int:
    """All tokens, without their secrets."""
    from bridge.store import tokens

    with call.open().db.read() as tx:
        found = tokens.listing(tx)
    rows = [(one.id, one.name, one.role, one.created, "yes" if one.revoked else "") for one in found]
    call.console.table("", ["id", "name", "role", "created", "revoked"], rows)
    call.console.emit({"tokens": [msgspec.to_builtins(one) for one in found]})
    return 0


@command(commands, "doctor")
def doctor_(call: Call) -> int:
    """What is there on this machine, what is missing, and what to do about it."""
    from bridge.doctor import examine

    found = examine(call.settings)
    for one in found:
        mark = "ok  " if one.fine else "MISS" if one.needed else "--  "
        if not call.console.json:
            call.console.line(
                f"{mark} {one.part:16} {one.detail}", None if one.fine else "red" if one.needed else "yellow"
            )
    call.console.emit({"parts": [msgspec.to_builtins(one) for one in found]})
    return 1 if any(one.needed and not one.fine for one in found) else 0
