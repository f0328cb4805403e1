"""Deliveries that wait for a person: go on with a refused import, or put one aside."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from bridge.errors import ConflictError, RefusedError
from bridge.loop.intake import IntakeOptions, import_path
from bridge.model.delivery import Delivery, DeliveryState
from bridge.plugin import ReadOptions
from bridge.store import deliveries, tokens
from bridge.workspace import Workspace

Order = Literal["ntfs", "bytes", "created"]


def resume(ws: Workspace, delivery_id: int, order: Order, who: str = "local") -> Delivery:
    """Import again what was refused, in the order that a person chose.

    Raises ConflictError delivery-settled when there is nothing to decide, and what the import raises. Refused again,
    it waits under a new number, with what is wrong now.
    """
    waiting = _waiting(ws, delivery_id)
    body = waiting.body
    if waiting.kind != "import":
        raise ConflictError("delivery-settled", delivery=delivery_id, state=waiting.state.value)
    images = Path(body["images"]) if body.get("images") else None
    options = IntakeOptions(str(body.get("format", "auto")), ReadOptions(images=images, order=order), who)
    try:
        done = import_path(ws, str(body["project"]), Path(body["path"]), options)
    except RefusedError as refusal:
        _settle(ws, waiting, {"refused": refusal.rule}, who, "resume")
        raise
    outcome = {"order": done.order, "images": done.images, "boxes": done.boxes, "revisions": done.revisions}
    return _settle(ws, waiting, {**outcome, "project": done.project}, who, "resume")


def dismiss(ws: Workspace, delivery_id: int, who: str = "local") -> Delivery:
    """Put a waiting or given-up delivery aside; raises ConflictError delivery-settled when there is none."""
    return _settle(ws, _waiting(ws, delivery_id), {"dismissed": who}, who, "dismiss")


def _waiting(ws: Workspace, delivery_id: int) -> Delivery:
    with ws.db.read() as tx:
        found = deliveries.find(tx, delivery_id)
    if found.state not in (DeliveryState.WAITING, DeliveryState.DEAD):
        raise ConflictError("delivery-settled", delivery=delivery_id, state=found.state.value)
    return found


def _settle(ws: Workspace, waiting: Delivery, outcome: dict[str, object], who: str, what: str) -> Delivery:
    with ws.db.write() as tx:
        deliveries.settle(tx, waiting.id, DeliveryState.DONE, outcome)
        tokens.record(tx, who, what, waiting.project, {"delivery": waiting.id})
        return deliveries.find(tx, waiting.id)
