"""What came from or goes to other programs, kept until it is done."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from sqlalchemy import Connection, insert, select, update

from bridge.errors import NotFoundError
from bridge.model.delivery import Delivery, DeliveryState
from bridge.store import tables as t
from bridge.store.database import now


def put(
    tx: Connection,
    direction: Literal["in", "out"],
    kind: str,
    project: str | None,
    key: str,
    body: Mapping[str, Any],
    state: DeliveryState = DeliveryState.PENDING,
) -> tuple[int, bool]:
    """Keep a delivery; one with the same key is there only once (then False)."""
    c = t.delivery.c
    known = tx.scalar(select(c.id).where(c.direction == direction, c.key == key))
    if known is not None:
        return known, False
    values = {"direction": direction, "kind": kind, "project": project, "key": key, "body": dict(body)}
    row = insert(t.delivery).values(state=state.value, attempts=0, outcome={}, at=now(), **values)
    return int(tx.execute(row.returning(t.delivery.c.id)).scalar_one()), True


def wait(tx: Connection, kind: str, project: str | None, key: str, body: Mapping[str, Any]) -> int:
    """Let something that came in wait for a person; what waits under this key already is brought up to date."""
    before = keyed(tx, "in", key)
    c = t.delivery.c
    if before is not None and before.state is DeliveryState.WAITING:
        tx.execute(update(t.delivery).where(c.id == before.id).values(project=project, body=dict(body)))
        return before.id
    if before is not None:  # What was decided of it earlier stays listed as it was.
        tx.execute(update(t.delivery).where(c.id == before.id).values(key=f"{key}:{before.id}"))
    return put(tx, "in", kind, project, key, body, DeliveryState.WAITING)[0]


def keyed(tx: Connection, direction: Literal["in", "out"], key: str) -> Delivery | None:
    """The delivery of a key, if there is one."""
    c = t.delivery.c
    row = tx.execute(select(t.delivery).where(c.direction == direction, c.key == key)).first()
    return _delivery(row) if row else None


def find(tx: Connection, delivery_id: int) -> Delivery:
    """A delivery by id; raises NotFoundError."""
    row = tx.execute(select(t.delivery).where(t.delivery.c.id == delivery_id)).first()
    if row is None:
        raise NotFoundError("delivery-missing", delivery=delivery_id)
    return _delivery(row)


def listing(
    tx: Connection,
    project: str | None = None,
    state: DeliveryState | None = None,
    direction: str | None = None,
    limit: int = 200,
    before: int | None = None,
) -> list[Delivery]:
    """Deliveries, newest first; before is the id of the last one that was seen."""
    query = select(t.delivery).order_by(t.delivery.c.id.desc()).limit(limit)
    for column, value in ((t.delivery.c.project, project), (t.delivery.c.direction, direction)):
        query = query.where(column == value) if value is not None else query
    query = query.where(t.delivery.c.state == state.value) if state else query
    return [_delivery(row) for row in tx.execute(query.where(t.delivery.c.id < before) if before else query)]


def pending(tx: Connection, kind: str, project: str | None = None, limit: int = 500) -> list[Delivery]:
    """Deliveries of a kind still to be done, oldest first."""
    c = t.delivery.c
    query = select(t.delivery).where(c.kind == kind, c.state == DeliveryState.PENDING.value).order_by(c.id).limit(limit)
    return [_delivery(row) for row in tx.execute(query.where(c.project == project) if project else query)]


def settle(tx: Connection, delivery_id: int, state: DeliveryState, outcome: Mapping[str, Any]) -> None:
    """Say how a try ended."""
    c = t.delivery.c
    values = {"state": state.value, "outcome": dict(outcome), "attempts": c.attempts + 1}
    tx.execute(update(t.delivery).where(c.id == delivery_id).values(**values))


def _delivery(row: Any) -> Delivery:
    return Delivery(
        row.id,
        row.direction,
        row.kind,
        row.project,
        row.key,
        row.body,
        DeliveryState(row.state),
        row.attempts,
        row.outcome,
        row.at,
    )
