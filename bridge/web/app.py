"""The web app: pages, admin API, work protocol, ML backend and webhooks over one workspace."""

from __future__ import annotations

from flask import Blueprint, Response, request
from flask_openapi.blueprint import APIBlueprint
from flask_openapi.openapi import OpenAPI
from werkzeug.routing import IntegerConverter

from bridge.web import api, auth, health, language, live, ml_backend, pages, pictures, problems, webhooks
from bridge.workspace import Workspace

_POLICY = (
    "default-src 'none'; img-src 'self' data:; style-src 'self' 'unsafe-inline'; script-src 'self'; "
    "connect-src 'self'; font-src 'self' data:; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)


class _Id(IntegerConverter):
    """A number in an address, with no more digits than both stores can count (their ids have 64 bits)."""

    regex = r"\d{1,18}"


def create_app(ws: Workspace) -> OpenAPI:
    """The app over a workspace, found again as app.extensions["workspace"]."""
    app = api.new_app()
    app.extensions["workspace"] = ws
    app.url_map.converters["int"] = _Id
    app.json.sort_keys = False  # type: ignore[attr-defined]
    problems.install(app)
    auth.install(app, ws)
    live.install(app, ws.settings.web_threads)
    _register(app)
    app.after_request(language.remember)
    app.after_request(_harden)
    return app


def _register(app: OpenAPI) -> None:
    app.register_blueprint(health.blueprint())
    app.register_blueprint(pages.blueprint())
    app.register_blueprint(pictures.blueprint())
    for area in api.areas():
        _add(app, area)
    # These have locks of their own (Basic, a secret header), which their own files keep.
    for own in (ml_backend.blueprint(), webhooks.blueprint()):
        app.register_blueprint(own)
        auth.leave_to(app, own.name)


def _add(app: OpenAPI, part: Blueprint) -> None:
    if isinstance(part, APIBlueprint):
        app.register_api(part)
    else:
        app.register_blueprint(part)


def _harden(answer: Response) -> Response:
    headers = answer.headers
    headers.setdefault("X-Content-Type-Options", "nosniff")
    headers.setdefault("Referrer-Policy", "same-origin")
    if answer.mimetype == "text/html":
        headers.setdefault("Content-Security-Policy", _POLICY)
        headers.setdefault("Cache-Control", "no-store")
    elif request.path.startswith("/api/"):
        headers.setdefault("Cache-Control", "no-store")
    return answer
