"""Events of a connected Label Studio: kept and answered at once, worked on later.

Label Studio sends an event inside the annotator's request, waits one second at most, and never sends it again. It
follows a redirect and carries our secret header along, so that there is none here, whatever slash an address ends in.
"""

from __future__ import annotations

from flask import Blueprint, Response, jsonify, request

from bridge.document import parse_json
from bridge.errors import AccessError, InputError
from bridge.loop import events, reconcile
from bridge.loop.tool import holder_of
from bridge.model.project import Source
from bridge.plugin import BACKEND_USER, SECRET_HEADER
from bridge.web.current import workspace

# 5000 tasks in one event take 2.6 MB; annotations with brush strokes can be large.
MOST_BYTES = 64_000_000


def blueprint() -> Blueprint:
    """The route of webhooks, which keeps its own lock."""
    found = Blueprint("webhooks", __name__)
    add(found, "/webhooks/label-studio/<project>", "POST", told)
    return found


def add(to: Blueprint, rule: str, method: str, view: object, endpoint: str | None = None) -> None:
    """A route that never redirects."""
    to.add_url_rule(rule, endpoint, view, methods=[method], strict_slashes=False, merge_slashes=False)  # type: ignore[arg-type]


def told(project: str) -> Response:
    """Keep the event of whoever shows the secret header; raises AccessError."""
    receive(secret_holder(project))
    return jsonify(status="ok")


def secret_holder(project: str) -> Source:
    """The source whose secret header this request carries; raises AccessError webhook-secret-wrong."""
    source = holder_of(workspace(), project, "webhook", request.headers.get(SECRET_HEADER, ""))
    if source is None:
        raise AccessError("webhook-secret-wrong")
    return source


def receive(source: Source, may_train: bool = False) -> str:
    """Keep this request's event; gives the id of the job that works on it.

    Raises InputError event-broken, or AccessError: a training is only started by whoever knows the password.
    """
    request.max_content_length = MOST_BYTES
    raw = request.get_data(cache=False)
    event = parse_json(raw, request.path)
    if not isinstance(event, dict):
        raise InputError("event-broken", found=type(event).__name__)
    if events.trains(event) and not may_train:
        raise AccessError("backend-password-wrong", user=BACKEND_USER)
    return reconcile.receive(workspace(), source, event, raw)
