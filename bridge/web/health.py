"""Whether this server lives and can work, and its figures for Prometheus."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import TYPE_CHECKING

from flask import Blueprint, Response, jsonify
from sqlalchemy import func, select

from bridge.store import nodes
from bridge.store import tables as t
from bridge.web.auth import public, require
from bridge.web.current import workspace
from bridge.workspace import Workspace

if TYPE_CHECKING:
    from prometheus_client.core import Metric
    from prometheus_client.registry import CollectorRegistry

# A node that said nothing for so long is not counted as alive.
NODE_SECONDS = 60.0


def blueprint() -> Blueprint:
    """Routes outside pages and API."""
    found = Blueprint("health", __name__)
    found.get("/healthz")(healthz)
    found.get("/readyz")(readyz)
    found.get("/metrics")(metrics)
    return found


@public
def healthz() -> Response:
    """The process answers."""
    return jsonify(status="ok")


@public
def readyz() -> Response:
    """The store answers too; else 503 with the reason."""
    with workspace().db.read() as tx:
        tx.scalar(select(func.count()).select_from(t.project))
    return jsonify(status="ok")


@require("read", "admin")
def metrics() -> Response:
    """Figures counted in the store while being asked (so any number of processes agree)."""
    from prometheus_client import exposition

    return Response(exposition.generate_latest(_registry(workspace())), content_type=exposition.CONTENT_TYPE_LATEST)


def _registry(ws: Workspace) -> CollectorRegistry:
    from prometheus_client import CollectorRegistry

    class FromStore:
        def collect(self) -> Iterator[Metric]:
            yield from _gauges(ws)

    registry = CollectorRegistry()
    registry.register(FromStore())
    return registry


def _gauges(ws: Workspace) -> Iterator[Metric]:
    from prometheus_client.core import GaugeMetricFamily

    j, d = t.job.c, t.delivery.c
    with ws.db.read() as tx:
        jobs = tx.execute(select(j.kind, j.state, func.count()).group_by(j.kind, j.state)).all()
        deliveries = tx.execute(
            select(d.direction, d.kind, d.state, func.count()).group_by(d.direction, d.kind, d.state)
        ).all()
        oldest = tx.scalar(select(func.min(j.due)).where(j.state == "queued", j.due > 0))
        sizes = [
            (table.name, tx.scalar(select(func.count()).select_from(table)) or 0)
            for table in (t.project, t.image, t.revision, t.checkpoint)
        ]
        known = nodes.listing(tx)
    yield _family("labelbridge_jobs", "Jobs by kind and state", ["kind", "state"], jobs)
    yield _family(
        "labelbridge_deliveries", "Deliveries by direction, kind and state", ["direction", "kind", "state"], deliveries
    )
    yield _family("labelbridge_rows", "Rows of the largest tables", ["table"], sizes)
    yield GaugeMetricFamily(
        "labelbridge_oldest_due_seconds",
        "How long the oldest queued job has been due",
        max(0.0, time.time() - oldest) if oldest else 0.0,
    )
    alive = [(node.name, float(time.time() - node.seen < NODE_SECONDS)) for node in known]
    yield _family("labelbridge_node_alive", "Whether a node spoke within a minute", ["node"], alive)
    yield _family(
        "labelbridge_node_draining",
        "Whether a node takes no new training",
        ["node"],
        [(n.name, float(n.draining)) for n in known],
    )


def _family(name: str, words: str, labels: list[str], rows: object) -> Metric:
    from prometheus_client.core import GaugeMetricFamily

    family = GaugeMetricFamily(name, words, labels=labels)
    for *values, number in rows:  # type: ignore[attr-defined]
        family.add_metric([str(v) for v in values], float(number))
    return family
