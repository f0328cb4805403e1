"""An app over a fresh workspace, and callers of each role."""

from __future__ import annotations

from urllib.parse import urlsplit

import pytest
from flask.testing import FlaskClient
from flask_openapi.openapi import OpenAPI

from bridge.store import tokens
from bridge.store.tokens import Role
from bridge.web import auth
from bridge.web.app import create_app
from bridge.workspace import Workspace


@pytest.fixture
def app(sqlite_workspace: Workspace) -> OpenAPI:
    made = create_app(sqlite_workspace)
    made.config["PROPAGATE_EXCEPTIONS"] = False
    return made


@pytest.fixture
def client(app: OpenAPI) -> FlaskClient:
    """Somebody without token or session."""
    return app.test_client()


def caller(app: OpenAPI, role: Role, name: str = "愛子") -> FlaskClient:
    """A program with a token."""
    ws: Workspace = app.extensions["workspace"]
    with ws.db.write() as tx:
        _, word = tokens.create(tx, name, role)
    found = app.test_client()
    found.environ_base["HTTP_AUTHORIZATION"] = f"Bearer {word}"
    return found


@pytest.fixture
def admin(app: OpenAPI) -> FlaskClient:
    return caller(app, "admin")


@pytest.fixture
def reader(app: OpenAPI) -> FlaskClient:
    return caller(app, "read")


@pytest.fixture
def person(app: OpenAPI) -> FlaskClient:
    """Somebody who followed a login link; his forms carry the word "word"."""
    found = app.test_client()
    link = urlsplit(auth.login_link(app.extensions["workspace"]))
    found.get(f"{link.path}?{link.query}")
    with found.session_transaction() as session:
        session["csrf"] = "word"
    return found


@pytest.fixture
def node(app: OpenAPI) -> FlaskClient:
    return caller(app, "node")
