from __future__ import annotations

import logging
from typing import Any
from urllib.parse import urlsplit

import pytest
from flask.testing import FlaskClient
from flask_openapi.openapi import OpenAPI
from sqlalchemy import update
from werkzeug.test import TestResponse

from bridge.store import secret, tokens
from bridge.store import tables as t
from bridge.web import auth
from bridge.web.app import create_app
from bridge.workspace import Workspace


def body(answer: TestResponse) -> dict[str, Any]:
    found: dict[str, Any] | None = answer.json
    assert found is not None
    return found


def test_it_lives_and_is_ready(client: FlaskClient) -> None:
    assert client.get("/healthz").json == {"status": "ok"}
    assert client.get("/readyz").status_code == 200


def test_it_says_when_the_store_is_gone(client: FlaskClient, sqlite_workspace: Workspace) -> None:
    sqlite_workspace.db.dispose()
    for file in sqlite_workspace.settings.data.glob("store.sqlite3*"):
        file.rename(file.with_name("away-" + file.name))
    answer = client.get("/readyz")
    assert answer.status_code == 503
    assert body(answer)["rule"] == "store-unusable"
    assert client.get("/healthz").status_code == 200


def test_figures_are_for_read_tokens(client: FlaskClient, reader: FlaskClient, node: FlaskClient) -> None:
    refused = client.get("/metrics")
    assert (refused.status_code, refused.content_type) == (401, "application/problem+json")
    assert refused.headers["WWW-Authenticate"].startswith("Bearer")
    assert node.get("/metrics").status_code == 403
    assert 'labelbridge_rows{table="image"} 0.0' in reader.get("/metrics").text


def test_a_login_link_opens_the_pages_once(client: FlaskClient, app: OpenAPI, sqlite_workspace: Workspace) -> None:
    link = urlsplit(auth.login_link(sqlite_workspace))
    path = f"{link.path}?{link.query}"
    assert client.get("/").location == "/login"
    entered = client.get(path)
    assert entered.location == "/"
    cookie = entered.headers["Set-Cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie
    assert client.get("/").status_code == 200
    assert app.test_client().get(path).status_code == 401


def enter(client: FlaskClient, word: str) -> TestResponse:
    """Paste a token into the login form."""
    client.get("/login")
    with client.session_transaction() as session:
        session["csrf"] = "word"
    return client.post("/login", data={"csrf": "word", "token": word})


def test_a_session_ends_with_its_token(client: FlaskClient, sqlite_workspace: Workspace) -> None:
    with sqlite_workspace.db.write() as tx:
        token, word = tokens.create(tx, "健太", "admin")
    assert enter(client, word).location == "/"
    assert client.get("/tokens").status_code == 200
    with sqlite_workspace.db.write() as tx:
        tokens.revoke(tx, token.id)
    with client.session_transaction() as session:
        session["csrf"] = "word"
    made = client.post("/tokens", data={"csrf": "word", "name": "後", "role": "admin"})
    assert made.status_code == 401
    assert client.get("/tokens").status_code == 401
    assert client.get("/").location == "/login"
    assert client.get("/login").status_code == 200
    with sqlite_workspace.db.read() as tx:
        assert [kept.name for kept in tokens.listing(tx)] == ["健太"]


def test_a_session_ends_when_its_token_expires(client: FlaskClient, sqlite_workspace: Workspace) -> None:
    with sqlite_workspace.db.write() as tx:
        token, word = tokens.create(tx, "健太", "admin", 3600)
    enter(client, word)
    assert client.get("/tokens").status_code == 200
    with sqlite_workspace.db.write() as tx:
        tx.execute(update(t.token).where(t.token.c.id == token.id).values(expires=1.0))
    assert client.get("/tokens").status_code == 401


def test_forms_want_the_word_of_their_session(person: FlaskClient) -> None:
    assert person.post("/logout", data={"csrf": "wrong"}).status_code == 403
    assert person.get("/").status_code == 200
    assert person.post("/logout", data={"csrf": "word"}).location == "/login"
    assert person.get("/").location == "/login"


def test_a_program_gets_a_problem_and_a_person_a_page(client: FlaskClient) -> None:
    program = client.get("/api/v1/nothing")
    assert program.status_code == 404
    assert body(program)["rule"] == "page-missing"
    assert "/api/v1/nothing" in body(program)["detail"]
    person = client.get("/nothing", headers={"Accept-Language": "ja"})
    assert (person.status_code, person.mimetype) == (404, "text/html")


def test_the_unexpected_is_logged_and_not_told(
    sqlite_workspace: Workspace, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken() -> str:
        raise RuntimeError("password=hunter2")

    app = create_app(sqlite_workspace)
    app.add_url_rule("/api/v1/broken", "broken", auth.public(broken))
    with caplog.at_level(logging.ERROR):
        answer = app.test_client().get("/api/v1/broken")
    assert answer.status_code == 500
    assert "hunter2" not in answer.text
    assert body(answer)["fields"]["number"] in capsys.readouterr().out + caplog.text


def test_no_view_is_open_by_oversight(sqlite_workspace: Workspace) -> None:
    app = create_app(sqlite_workspace)
    app.add_url_rule("/api/v1/forgotten", "forgotten", lambda: "secret")
    assert app.test_client().get("/api/v1/forgotten").status_code == 403


def test_the_key_file_is_made_once_for_the_owner_alone(sqlite_workspace: Workspace) -> None:
    first = secret.secret(sqlite_workspace.settings)
    path = sqlite_workspace.settings.data / secret.FILE
    assert path.stat().st_mode & 0o777 == 0o600
    assert secret.secret(sqlite_workspace.settings) == first
    assert secret.key(sqlite_workspace.settings, "a") != secret.key(sqlite_workspace.settings, "b")
