"""What came from and goes to other programs."""

from __future__ import annotations

from typing import Any, Literal

from flask import Response
from flask_openapi.blueprint import APIBlueprint
from pydantic import BaseModel

from bridge.loop import waiting
from bridge.model.delivery import DeliveryState, Order
from bridge.store import deliveries, projects
from bridge.web.api import answer, area
from bridge.web.api.paging import after_number, cut_off
from bridge.web.api.schemas import Given, Name, Number, Page, Paged, Taken
from bridge.web.auth import require, who
from bridge.web.current import workspace


class OfDelivery(BaseModel):
    """A delivery in a path."""

    delivery: Number


class DeliveryQuery(Paged):
    """Which deliveries."""

    project: Name | None = None
    state: DeliveryState | None = None
    direction: Literal["in", "out"] | None = None


class DeliveryOut(Given):
    """One webhook, push, or import that waits for a person."""

    id: int
    direction: str
    kind: str
    project: str | None
    state: DeliveryState
    attempts: int
    body: dict[str, Any]
    outcome: dict[str, Any]
    at: str


class DecisionIn(Taken):
    """What a person decides about a waiting import: the order its files were in; null: as it was asked for before.

    leave_newer leaves out the pictures that are newer than the project file.
    """

    order: Order | None = None
    leave_newer: bool = False


def blueprint() -> APIBlueprint:
    """Routes of deliveries."""
    api = area("deliveries", "Incoming webhooks, outgoing pushes, and imports that wait for a person.")
    api.get("/deliveries", responses={200: Page[DeliveryOut]})(list_deliveries)
    api.get("/deliveries/<int:delivery>", responses={200: DeliveryOut})(get_delivery)
    api.post("/deliveries/<int:delivery>/resume", responses={200: DeliveryOut})(resume_delivery)
    api.post("/deliveries/<int:delivery>/dismiss", responses={200: DeliveryOut})(dismiss_delivery)
    return api


@require("admin", "read")
def list_deliveries(query: DeliveryQuery) -> Response:
    """Deliveries, newest first."""
    with workspace().db.read() as tx:
        project = projects.find(tx, query.project).id if query.project else None
        found = deliveries.listing(
            tx, project, query.state, query.direction, query.limit + 1, before=after_number(query)
        )
    return answer(cut_off(found, query, DeliveryOut.model_validate, lambda delivery: delivery.id))


@require("admin", "read")
def get_delivery(path: OfDelivery) -> Response:
    """One delivery."""
    with workspace().db.read() as tx:
        return answer(DeliveryOut.model_validate(deliveries.find(tx, path.delivery)))


@require("admin")
def resume_delivery(path: OfDelivery, body: DecisionIn) -> Response:
    """Go on with a waiting import, or a connected folder, in the order that a person has chosen."""
    done = waiting.resume(workspace(), path.delivery, body.order, who(), body.leave_newer)
    return answer(DeliveryOut.model_validate(done))


@require("admin")
def dismiss_delivery(path: OfDelivery) -> Response:
    """Put a waiting or given-up delivery aside; it stays listed as done."""
    return answer(DeliveryOut.model_validate(waiting.dismiss(workspace(), path.delivery, who())))
