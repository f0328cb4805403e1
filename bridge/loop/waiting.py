"""Deliveries that wait for a person: read what was refused as he chose, or put it aside."""

from __future__ import annotations

import time
from pathlib import Path

from bridge.errors import BridgeError, ConflictError
from bridge.loop import reconcile, undecided
from bridge.loop.intake import IntakeOptions, import_path
from bridge.loop.tool import connected
from bridge.model.delivery import OPEN, Delivery, DeliveryState, Order
from bridge.model.project import Source
from bridge.store import deliveries, projects, tokens
from bridge.workspace import Workspace


def resume(
    ws: Workspace, delivery_id: int, order: Order | None = None, who: str = "local", leave_newer: bool = False
) -> Delivery:
    """Read again what was refused, in the order that a person chose (None: as it was asked for before).

    leave_newer leaves out the pictures that are newer than the project file.
    Raises ConflictError delivery-settled when there is nothing to decide, and what the reading raises. Refused again,
    it goes on waiting, with what is wrong now.
    """
    waiting = _waiting(ws, delivery_id)
    if waiting.kind == undecided.IMPORT:
        _import(ws, waiting, order, leave_newer, who)
    elif waiting.kind == undecided.PULL and "refusal" in waiting.body:
        _pull(ws, waiting, order, leave_newer, who)
    else:
        raise ConflictError("delivery-settled", delivery=delivery_id, state=waiting.state.value)
    with ws.db.read() as tx:
        return deliveries.find(tx, delivery_id)


def _import(ws: Workspace, waiting: Delivery, order: Order | None, leave_newer: bool, who: str) -> None:
    body = waiting.body
    read = undecided.chosen(undecided.read_options(body), order, leave_newer)
    import_path(ws, str(body["project"]), Path(body["path"]), IntakeOptions(str(body["format"]), read, who))


def _pull(ws: Workspace, waiting: Delivery, order: Order | None, leave_newer: bool, who: str) -> None:
    """The order stays with the connection, so that it is read in the same way from now on."""
    _, [source] = connected(ws, str(waiting.project), str(waiting.body["name"]))
    if order is not None or leave_newer:
        chosen = {"order": order or source.options.get("order", "auto"), "leave_newer": leave_newer}
        _change(ws, source, {**source.options, **chosen})
    try:
        reconcile.pull(ws, source.project, source.name, who=who, wait=time.sleep)
    except BridgeError:
        _change(ws, source, source.options)
        raise


def _change(ws: Workspace, source: Source, options: dict[str, object]) -> None:
    with ws.db.write() as tx:
        projects.set_options(tx, source.id, options)


def dismiss(ws: Workspace, delivery_id: int, who: str = "local") -> Delivery:
    """Put a waiting or given-up delivery aside; raises ConflictError delivery-settled when there is none."""
    waiting = _waiting(ws, delivery_id)
    with ws.db.write() as tx:
        deliveries.settle(tx, waiting.id, DeliveryState.DONE, {"dismissed": who})
        tokens.record(tx, who, "dismiss", waiting.project, {"delivery": waiting.id})
        return deliveries.find(tx, waiting.id)


def _waiting(ws: Workspace, delivery_id: int) -> Delivery:
    with ws.db.read() as tx:
        found = deliveries.find(tx, delivery_id)
    if found.state not in OPEN:
        raise ConflictError("delivery-settled", delivery=delivery_id, state=found.state.value)
    return found
