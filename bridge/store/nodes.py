"""The machines that work for us."""

from __future__ import annotations

from typing import Any

import msgspec
from sqlalchemy import Connection, delete, insert, select, update

from bridge.errors import NotFoundError
from bridge.model.job import Gpu, Node
from bridge.store import tables as t


def put(tx: Connection, node: Node) -> None:
    """A node has spoken: keep what it said (draining is ours to decide and stays)."""
    values = {
        "gpus": msgspec.to_builtins(node.gpus),
        "engine": node.engine,
        "queues": list(node.queues),
        "disk_free": node.disk_free,
        "seen": node.seen,
    }
    known = tx.execute(update(t.node).where(t.node.c.name == node.name).values(**values))
    if known.rowcount == 0:
        tx.execute(insert(t.node).values(name=node.name, draining=False, **values))


def find(tx: Connection, name: str) -> Node:
    """A node by name; raises NotFoundError."""
    row = tx.execute(select(t.node).where(t.node.c.name == name)).first()
    if row is None:
        known = ", ".join(tx.scalars(select(t.node.c.name)))
        raise NotFoundError("node-missing", node=name, known=known or "-")
    return _node(row)


def listing(tx: Connection) -> list[Node]:
    """All nodes by name."""
    return [_node(row) for row in tx.execute(select(t.node).order_by(t.node.c.name))]


def drain(tx: Connection, name: str, draining: bool) -> None:
    """Let a node take no new training (or take it again)."""
    find(tx, name)
    tx.execute(update(t.node).where(t.node.c.name == name).values(draining=draining))


def remove(tx: Connection, name: str) -> None:
    """Forget a node."""
    tx.execute(delete(t.node).where(t.node.c.name == name))


def _node(row: Any) -> Node:
    gpus = msgspec.convert(row.gpus, tuple[Gpu, ...])
    return Node(row.name, gpus, row.engine, row.disk_free, tuple(row.queues), row.draining, row.seen)
