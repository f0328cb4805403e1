"""We as Label Studio's ML backend: answers from the store at once, work for later.

Label Studio asks for health and version at every page and every "next task" while an annotator waits, and sends all
selected tasks in one request. It throws all answers away unless there is exactly one for each task, in order. Its
annotation events come to /webhook without the password that guards the rest, so a secret header guards them.
"""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, jsonify, request

from bridge.document import parse_json
from bridge.errors import AccessError, InputError
from bridge.loop import events, prelabel, reconcile
from bridge.loop.tool import holder_of
from bridge.model.project import Source
from bridge.plugin import BACKEND_USER
from bridge.store import jobs
from bridge.web import problems, webhooks
from bridge.web.current import workspace


def blueprint() -> Blueprint:
    """The routes of the backend, which keep their own lock."""
    found = Blueprint("ml_backend", __name__)
    for rule, method, view in (
        ("", "GET", health),
        ("/health", "GET", health),
        ("/setup", "POST", setup),
        ("/predict", "POST", predict),
        ("/train", "POST", train),
        ("/job_status", "POST", job_status),
        ("/versions", "GET", versions),
        ("/webhook", "POST", webhook),
    ):
        webhooks.add(found, f"/ml/<project>{rule}", method, view, rule.strip("/") or "root")
    found.register_error_handler(AccessError, _ask_for_password)
    return found


def health(project: str) -> Response:
    """We are there."""
    _source(project)
    return jsonify(status="UP", model_class=BACKEND_USER)


def setup(project: str) -> Response:
    """The version that /predict answers with; the access token that is handed to us here is not even looked at."""
    source = _source(project)
    return jsonify(model_version=prelabel.version(workspace(), source.project))


def predict(project: str) -> Response:
    """One prediction for each task, in order; an empty list where there is none yet."""
    source = _source(project)
    body = _body()
    tasks = body.get("tasks")
    if not isinstance(tasks, list):
        raise InputError("tasks-missing")
    asked = [task if isinstance(task, dict) else {} for task in tasks]
    config = body.get("label_config")
    results = prelabel.answer(
        workspace(), source, asked, config if isinstance(config, str) else "", _number(body.get("project"))
    )
    return jsonify(results=results)


def train(project: str) -> Response:
    """Make a training due."""
    return _start_training(_source(project))


def job_status(project: str) -> Response:
    """How far a job that we named is."""
    source = _source(project)
    with workspace().db.read() as tx:
        job = jobs.find(tx, str(_body().get("job", "")))
    state = job.state.value if job.project == source.project else "unknown"
    return jsonify(job_status=state, error="")


def versions(project: str) -> Response:
    """Checkpoints that have predictions, the present one first."""
    return jsonify(versions=prelabel.versions(workspace(), _source(project).project))


def webhook(project: str) -> Response:
    """START_TRAINING by password, events of annotations by the secret header."""
    if request.authorization is None:
        webhooks.receive(webhooks.secret_holder(project))
        return jsonify(status="ok")
    source = _source(project)
    return jsonify(status="ok", job=webhooks.receive(source, may_train=True))


def _start_training(source: Source) -> Response:
    event = {"action": events.START_TRAINING}
    return jsonify(status="ok", job=reconcile.receive(workspace(), source, event, b""))


def _source(project: str) -> Source:
    """The source whose password this request carries; raises AccessError backend-password-wrong."""
    shown = request.authorization
    if shown is not None and shown.type == "basic" and shown.username == BACKEND_USER:
        source = holder_of(workspace(), project, "backend", shown.password or "")
        if source is not None:
            return source
    raise AccessError("backend-password-wrong", user=BACKEND_USER)


def _body() -> dict[str, Any]:
    request.max_content_length = webhooks.MOST_BYTES
    body = parse_json(request.get_data(cache=False), request.path)
    if not isinstance(body, dict):
        raise InputError("event-broken", found=type(body).__name__)
    return body


def _number(told: object) -> int | None:
    """The tool's project out of "14.1795496005" (number and time of creation)."""
    number = str(told or "").partition(".")[0]
    return int(number) if number.isdecimal() else None


def _ask_for_password(error: AccessError) -> Response:
    answer = problems.problem(401, error.rule, error.fields)
    answer.headers["WWW-Authenticate"] = 'Basic realm="labelbridge", charset="UTF-8"'
    return answer
