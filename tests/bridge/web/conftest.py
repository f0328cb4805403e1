"""An app over a fresh workspace, callers of each role, and a project with something of everything."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from flask.testing import FlaskClient
from flask_openapi.openapi import OpenAPI
from sqlalchemy import update

from bridge.settings import Settings
from bridge.store import tables as t
from bridge.store import tokens
from bridge.store.tokens import Role
from bridge.web import auth, live
from bridge.web.app import create_app
from bridge.workspace import Workspace, open_workspace
from tests.filled import Filled, fill


@pytest.fixture(scope="session")
def one_app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OpenAPI]:
    """Describing a hundred routes takes a while, so the tests share one app."""
    ws = open_workspace(Settings(data=tmp_path_factory.mktemp("web") / "data"), create=True)
    yield create_app(ws)
    ws.close()


@pytest.fixture
def app(one_app: OpenAPI, sqlite_workspace: Workspace) -> OpenAPI:
    """The app, over this test's own workspace."""
    one_app.extensions["workspace"] = sqlite_workspace
    live.install(one_app, sqlite_workspace.settings.web_threads)
    return one_app


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
def node(app: OpenAPI) -> FlaskClient:
    return caller(app, "node")


@pytest.fixture
def person(app: OpenAPI) -> FlaskClient:
    """Somebody who followed a login link; his forms carry the word "word"."""
    found = app.test_client()
    link = urlsplit(auth.login_link(app.extensions["workspace"]))
    found.get(f"{link.path}?{link.query}")
    with found.session_transaction() as session:
        session["csrf"] = "word"
    return found


@pytest.fixture(scope="session")
def filled_once(tmp_path_factory: pytest.TempPathFactory, sqlite_template: Path) -> Filled:
    """A project with something of everything, to copy from: a store syncs to disk many times while it is filled."""
    folder = tmp_path_factory.mktemp("filled")
    (folder / "data").mkdir()
    shutil.copy(sqlite_template, folder / "data")
    ws = open_workspace(Settings(data=folder / "data"))
    made = fill(ws, folder / "撮影")
    ws.close()  # Everything is in the one file then.
    return made


@pytest.fixture
def sqlite_workspace(request: pytest.FixtureRequest, tmp_path: Path, sqlite_template: Path) -> Iterator[Workspace]:
    """A workspace of this test's own, already filled where the test asks for that."""
    full = "filled" in request.fixturenames
    filled_once: Filled | None = request.getfixturevalue("filled_once") if full else None
    data = tmp_path / "data"
    data.mkdir(mode=0o700)
    shutil.copy(filled_once.ws.settings.data / "store.sqlite3" if filled_once else sqlite_template, data)
    made = open_workspace(Settings(data=data))
    yield made
    made.close()


@pytest.fixture
def filled(filled_once: Filled, sqlite_workspace: Workspace) -> Filled:
    """A project with something of everything; its node has just spoken."""
    with sqlite_workspace.db.write() as tx:
        tx.execute(update(t.node).values(seen=time.time()))
    return replace(filled_once, ws=sqlite_workspace)
