"""The work protocol: nodes take jobs, say how it goes and hand in what came out. JSON under /api/v1/work."""

from __future__ import annotations

import gzip
import re
import time
from typing import Any, TypeVar
from urllib.parse import urlsplit

import msgspec
from flask import Blueprint, Response, request

from bridge.errors import InputError
from bridge.loop import detections, manifest, work
from bridge.model.job import Gpu, Node
from bridge.model.work import Beat, End, Events, Found, NewCheckpoint
from bridge.web.auth import require
from bridge.web.current import workspace

T = TypeVar("T")
# A part of a set of detections, or the events of a long outage, is larger than anything people send.
_BODY_BYTES = 64_000_000
_ZIP_FROM = 10_000
# No more digits than both stores can count (their ids have 64 bits).
_IDS = re.compile(r"(?:[0-9]{0,18},)*[0-9]{0,18}")


class _NodeSaid(msgspec.Struct):
    name: str
    gpus: tuple[Gpu, ...] = ()
    engine: dict[str, Any] = {}
    queues: tuple[str, ...] = ()
    disk_free: int | None = None


class _Wish(msgspec.Struct):
    holder: str


def blueprint() -> Blueprint:
    """The routes of the work protocol."""
    found = Blueprint("work", __name__, url_prefix="/api/v1/work")
    found.before_request(_bound)
    for rule, view in (
        ("/node", register),
        ("/jobs/<job_id>/lease", lease),
        ("/jobs/<job_id>/heartbeat", heartbeat),
        ("/jobs/<job_id>/events", events),
        ("/jobs/<job_id>/checkpoints", checkpoints),
        ("/jobs/<job_id>/detections", found_boxes),
        ("/jobs/<job_id>/finish", finish),
    ):
        found.post(rule)(require("node", "admin")(view))
    found.get("/broker")(require("node", "admin")(broker))
    found.get("/datasets/<version>")(require("node", "admin")(dataset))
    found.get("/pictures")(require("node", "admin")(pictures))
    return found


def _bound() -> None:
    request.max_content_length = _BODY_BYTES


def register() -> Response:
    """A node says that it is there."""
    said = _body(_NodeSaid)
    node = Node(said.name, said.gpus, said.engine, said.disk_free, said.queues, seen=time.time())
    return _answer(work.register(workspace(), node))


def broker() -> Response:
    """Where the broker is, for a node that was only told where we are."""
    return _answer({"url": work.broker_url(workspace().settings, urlsplit(request.host_url).hostname or "")})


def lease(job_id: str) -> Response:
    """A worker takes a job."""
    return _answer(work.lease(workspace(), job_id, _body(_Wish).holder))


def heartbeat(job_id: str) -> Response:
    """A worker still works."""
    return _answer({"cancel": work.heartbeat(workspace(), job_id, _body(Beat))})


def events(job_id: str) -> Response:
    """What happened in a training."""
    return _answer({"new": work.events(workspace(), job_id, _body(Events))})


def checkpoints(job_id: str) -> Response:
    """A training saved weights, whose bytes came before."""
    kept, new = work.checkpoint(workspace(), job_id, _body(NewCheckpoint))
    return _answer({"checkpoint": kept.id, "new": new})


def found_boxes(job_id: str) -> Response:
    """Detections in some pictures."""
    detections.take(workspace(), job_id, _body(Found))
    return _answer({})


def finish(job_id: str) -> Response:
    """A worker has ended a job, or gives it back."""
    work.finish(workspace(), job_id, _body(End))
    return _answer({})


def dataset(version: str) -> Response:
    """All of a frozen dataset version but the bytes of its pictures."""
    return _answer(manifest.dataset(workspace(), version))


def pictures() -> Response:
    """Pictures of a project; ids is a list with commas, absent for all."""
    listed = request.args.get("ids")
    if listed is not None and not _IDS.fullmatch(listed):
        raise InputError("request-invalid", listed="ids")
    ids = [int(i) for i in listed.split(",") if i] if listed is not None else None
    return _answer(manifest.pictures(workspace(), request.args.get("project", ""), ids))


def _body(kind: type[T]) -> T:
    try:
        return msgspec.json.decode(request.get_data(cache=False), type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise InputError("request-invalid", listed=str(error)) from None


def _answer(body: Any) -> Response:
    data = msgspec.json.encode(body)
    answer = Response(data, content_type="application/json")
    if len(data) >= _ZIP_FROM and "gzip" in request.headers.get("Accept-Encoding", ""):
        answer.set_data(gzip.compress(data, compresslevel=4))
        answer.headers["Content-Encoding"] = "gzip"
    return answer
