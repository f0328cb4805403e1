"""The machines that work for us."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from flask import Response
from flask_openapi.blueprint import APIBlueprint
from pydantic import BaseModel

from bridge.model.job import Node
from bridge.store import nodes, tokens
from bridge.web.api import answer, area
from bridge.web.api.paging import slice_of
from bridge.web.api.schemas import Given, Name, Page, Paged
from bridge.web.auth import require, who
from bridge.web.current import workspace


class OfNode(BaseModel):
    """A node in a path."""

    node: Name


class GpuOut(Given):
    """One accelerator; memory in MiB, null where the driver does not tell."""

    index: int
    name: str
    uuid: str | None
    memory_mib: int | None


class NodeOut(Given):
    """A machine with workers on it; seen is when it last spoke."""

    name: str
    gpus: list[GpuOut]
    engine: dict[str, Any]
    queues: list[str]
    disk_free: int | None
    draining: bool
    seen: str

    @classmethod
    def of(cls, node: Node) -> NodeOut:
        """A node, its time as text."""
        seen = datetime.fromtimestamp(node.seen, UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
        return cls(
            name=node.name,
            gpus=[GpuOut.model_validate(gpu) for gpu in node.gpus],
            engine=node.engine,
            queues=list(node.queues),
            disk_free=node.disk_free,
            draining=node.draining,
            seen=seen,
        )


def blueprint() -> APIBlueprint:
    """Routes of nodes."""
    api = area("nodes", "Machines with workers: GPUs, engine, disk, draining.")
    api.get("/nodes", responses={200: Page[NodeOut]})(list_nodes)
    api.get("/nodes/<node>", responses={200: NodeOut})(get_node)
    api.post("/nodes/<node>/drain", responses={200: NodeOut})(drain_node)
    api.post("/nodes/<node>/undrain", responses={200: NodeOut})(undrain_node)
    return api


@require("admin", "read")
def list_nodes(query: Paged) -> Response:
    """All nodes that ever spoke to us."""
    with workspace().db.read() as tx:
        return answer(slice_of(nodes.listing(tx), query, NodeOut.of))


@require("admin", "read")
def get_node(path: OfNode) -> Response:
    """One node."""
    with workspace().db.read() as tx:
        return answer(NodeOut.of(nodes.find(tx, path.node)))


@require("admin")
def drain_node(path: OfNode) -> Response:
    """Let a node take no new training; what runs there goes on."""
    return _drain(path.node, True)


@require("admin")
def undrain_node(path: OfNode) -> Response:
    """Let a node take training again."""
    return _drain(path.node, False)


def _drain(name: str, draining: bool) -> Response:
    with workspace().db.write() as tx:
        nodes.drain(tx, name, draining)
        tokens.record(tx, who(), "drain" if draining else "undrain", None, {"node": name})
        return answer(NodeOut.of(nodes.find(tx, name)))
