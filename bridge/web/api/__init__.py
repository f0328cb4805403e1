"""The admin API under /api/v1: one file per noun, OpenAPI from the models in schemas.py."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module, metadata
from typing import Any

from flask import Blueprint, Response, current_app, jsonify, request
from flask_openapi.blueprint import APIBlueprint
from flask_openapi.models.info import Info
from flask_openapi.models.tag import Tag
from flask_openapi.openapi import OpenAPI

from bridge.document import too_deep
from bridge.errors import InputError
from bridge.web import problems
from bridge.web.api.schemas import Problem
from bridge.web.auth import public

PREFIX = "/api/v1"
_NOUNS = (
    "projects",
    "findings",
    "images",
    "acceptances",
    "datasets",
    "plans",
    "runs",
    "checkpoints",
    "reports",
    "jobs",
    "nodes",
    "plugins",
    "tokens",
    "deliveries",
    "work",
    "blobs",
)
_BODY_BYTES = 8_000_000
# The deepest body that fits a model nests a handful of brackets; Python's decoder ends in an error at a thousand.
_BODY_DEPTH = 64
# One server-sent event; its data is the JSON of one event.
_EVENT = {
    "type": "object",
    "properties": {"id": {"type": "string"}, "event": {"type": "string"}, "data": {"type": "string"}},
    "required": ["data"],
}
# What these answer besides JSON.
_ALSO: tuple[tuple[str, str, dict[str, Any]], ...] = (
    (f"{PREFIX}/runs/{{run}}/events", "text/event-stream", _EVENT),
    (f"{PREFIX}/runs/{{run}}/report", "text/html", {"type": "string"}),
)


def new_app() -> OpenAPI:
    """An empty app that collects the description of its routes and serves it at /api/v1/openapi.json."""
    app = OpenAPI(
        "bridge.web.app",
        info=Info(title="labelbridge", version=metadata.version("labelbridge")),
        security_schemes={"bearer": {"type": "http", "scheme": "bearer"}},
        validation_error_model=Problem,
        validation_error_callback=problems.invalid,
        doc_ui=False,
    )
    app.add_url_rule(f"{PREFIX}/openapi.json", "openapi", public(lambda: jsonify(spec(current_app))))  # type: ignore[arg-type]
    return app


def area(name: str, words: str) -> APIBlueprint:
    """A group of routes below /api/v1 that want a bearer token and answer with problems."""
    refusals: dict[Any, Any] = dict.fromkeys((401, 403, 404, 409, 422, 503), Problem)
    found = APIBlueprint(
        name,
        f"bridge.web.api.{name}",
        url_prefix=PREFIX,
        abp_tags=[Tag(name=name, description=words)],
        abp_security=[{"bearer": []}],
        abp_responses=refusals,
    )
    found.before_request(_bound)
    return found


def _bound() -> None:
    request.max_content_length = _BODY_BYTES
    if request.is_json and too_deep(request.get_data(), _BODY_DEPTH):
        raise InputError("json-too-deep", path=request.path, limit=_BODY_DEPTH)


def areas() -> Iterator[Blueprint]:
    """The blueprints of all nouns (which need this file, so they are imported when it is there)."""
    for noun in _NOUNS:
        yield import_module(f"{__name__}.{noun}").blueprint()


def spec(app: OpenAPI) -> dict[str, Any]:
    """The description of the API, OpenAPI 3.1, with refusals as problem+json."""
    app.openapi_version = "3.1.0"  # What it writes fits 3.1 too, and more programs read that than 3.2.
    found: dict[str, Any] = app.api_doc
    for methods in found["paths"].values():
        for operation in methods.values():
            for status, answer in operation["responses"].items():
                content = answer.get("content", {})
                if status[0] in "45" and "application/json" in content:
                    content["application/problem+json"] = content.pop("application/json")
    for path, kind, schema in _ALSO:
        if path in found["paths"]:
            found["paths"][path]["get"]["responses"]["200"]["content"][kind] = {"schema": schema}
    return found


def answer(body: Any, status: int = 200) -> Response:
    """A model as JSON."""
    return Response(body.model_dump_json(), status, content_type="application/json")
