"""The pages people see: server-rendered, in English and Japanese, without a request to anywhere else."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, session

from bridge.model.delivery import DeliveryState
from bridge.store import deliveries
from bridge.web import auth
from bridge.web.current import workspace
from bridge.web.language import language
from bridge.web.pages import (
    accepting,
    decision,
    desk,
    entry,
    findings,
    home,
    look,
    machines,
    pictures,
    project,
    runs,
    training,
)
from bridge.web.said import taken

_PARTS = (entry, home, project, pictures, accepting, findings, training, runs, machines, desk, decision)


def blueprint() -> Blueprint:
    """All pages."""
    found = Blueprint(auth.PAGES, __name__)
    for part in _PARTS:
        part.add_to(found)
    found.get("/style.css")(auth.public(look.style))
    found.app_context_processor(_context)
    return found


def _context() -> dict[str, Any]:
    """What every template may use."""
    chosen = language()
    inside = "who" in session
    return {
        "language": chosen,
        "t": look.speaker(chosen),
        "inside": inside,
        "may_write": auth.may_write(),
        "waiting": _waiting() if inside else 0,
        "csrf": auth.csrf,
        "said": lambda: taken(chosen),
        **look.shown(chosen),
    }


def _waiting() -> int:
    """How many deliveries wait for a person."""
    with workspace().db.read() as tx:
        return len(deliveries.listing(tx, state=DeliveryState.WAITING, limit=100))
