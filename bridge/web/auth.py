"""Who may come in: bearer tokens for programs, a login link and a session for people."""

from __future__ import annotations

import hmac
import secrets
import time
from collections.abc import Callable
from typing import Any, TypeVar

from flask import Flask, current_app, g, redirect, request, session, url_for
from werkzeug.wrappers import Response

from bridge.errors import AccessError
from bridge.store import secret, tokens
from bridge.store.tokens import Role, Token
from bridge.web.current import workspace
from bridge.workspace import Workspace

F = TypeVar("F", bound=Callable[..., Any])

LOGIN_SECONDS = 15 * 60
SESSION_SECONDS = 14 * 24 * 3600
# Views of these blueprints are pages: they want a session.
PAGES = "pages"
PICTURES = "pictures"


def require(*roles: Role) -> Callable[[F], F]:
    """Mark a view as open to tokens of these roles only; checked before its arguments are even looked at."""

    def mark(view: F) -> F:
        view.roles = frozenset(roles)  # type: ignore[attr-defined]
        return view

    return mark


def public(view: F) -> F:
    """Mark a view as open to everybody (it may have its own lock)."""
    view.public = True  # type: ignore[attr-defined]
    return view


def who() -> str:
    """The name of the token or session that is asking: what the ledger writes down."""
    token: Token | None = g.get("token")
    return token.name if token else str(session.get("who", ""))


def may_write() -> bool:
    """Whether this session may change things (one made with a read token may not)."""
    return session.get("role") == "admin"


def login_link(ws: Workspace) -> str:
    """A link that opens the pages once, within a quarter of an hour."""
    with ws.db.write() as tx:
        _, word = tokens.create(tx, "login", "login", LOGIN_SECONDS)
    return f"{ws.settings.url()}/login?token={word}"


def install(app: Flask, ws: Workspace) -> None:
    """Put the locks on: every view wants a token or a session unless it is marked public."""
    app.secret_key = secret.key(ws.settings, "session")
    app.config.update(
        SESSION_COOKIE_NAME="labelbridge",
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        SESSION_COOKIE_SECURE=ws.settings.url().startswith("https:"),
        PERMANENT_SESSION_LIFETIME=SESSION_SECONDS,
        SESSION_REFRESH_EACH_REQUEST=False,
    )
    public(app.view_functions["static"])
    app.before_request(_guard)
    app.jinja_env.globals["csrf"] = csrf


def _guard() -> Response | None:
    if request.endpoint != "static":
        _end_with_token()
    view = current_app.view_functions.get(request.endpoint or "")
    if view is None or getattr(view, "public", False):
        return None
    roles = getattr(view, "roles", None)
    if roles is not None:
        g.token = caller(*roles)
        return None
    if request.blueprint == PAGES:
        return _session()
    if request.blueprint == PICTURES:
        return None  # A session or a signature: its own file sees to that.
    # A view nobody thought about stays shut.
    raise AccessError("right-missing", wanted="-", found="-")


def caller(*roles: Role) -> Token:
    """The token that asks; raises AccessError when it is absent, wrong, or of another role."""
    kind, _, word = request.headers.get("Authorization", "").partition(" ")
    if kind.lower() != "bearer" or not word:
        raise AccessError("token-needed")
    with workspace().db.read() as tx:
        token = tokens.verify(tx, word.strip())
    if token is None or token.role == "login":
        raise AccessError("token-wrong")
    if token.role not in roles:
        raise AccessError("right-missing", wanted=", ".join(sorted(roles)), found=token.role)
    return token


# ---------------------------------------------------------------- sessions


def require_session() -> None:
    """Raise AccessError unless somebody is logged in."""
    if "who" not in session:
        raise AccessError("login-needed")


def _end_with_token() -> None:
    """Close the session of a pasted token that was revoked or has expired since.

    The token of a login link is revoked by being used, so its session stands by itself until it ends.
    """
    opener = session.get("token", "")
    if "who" in session and opener is not None and not _valid(opener):
        session.clear()


def _valid(token_id: str) -> bool:
    with workspace().db.read() as tx:
        kept = (token for token in tokens.listing(tx) if token.id == token_id and not token.revoked)
        return any(token.expires is None or token.expires >= time.time() for token in kept)


def _session() -> Response | None:
    if "who" not in session and request.method == "GET" and request.path == "/":
        return redirect(url_for("pages.login"))
    require_session()
    if request.method not in ("GET", "HEAD", "OPTIONS"):
        check_csrf()
        if not may_write() and request.endpoint != f"{PAGES}.log_out":
            raise AccessError("right-missing", wanted="admin", found=str(session.get("role")))
    return None


def csrf() -> str:
    """The word that every form of this session carries."""
    if "csrf" not in session:
        session["csrf"] = secrets.token_urlsafe(16)
    return str(session["csrf"])


def check_csrf() -> None:
    """Raise AccessError unless the form carries this session's word."""
    sent = request.form.get("csrf", "") or request.headers.get("X-CSRF-Token", "")
    if not hmac.compare_digest(sent.encode(), str(session.get("csrf", "")).encode()) or not sent:
        raise AccessError("form-stale")


def open_session(token: Token) -> None:
    """Let this browser in as the bearer of a token; a fresh session, so that nobody can plant one."""
    session.clear()
    session["who"] = token.name
    session["token"] = token.id if token.role != "login" else None
    session["role"] = "read" if token.role == "read" else "admin"
    session.permanent = True


def enter(ws: Workspace, word: str) -> Token:
    """The token of a login link (spent by this) or of a pasted admin or read token; raises AccessError."""
    with ws.db.write() as tx:
        token = tokens.spend(tx, word) or tokens.verify(tx, word)
    if token is None or token.role == "node":
        raise AccessError("login-spent")
    return token


def leave_to(app: Flask, blueprint: str) -> None:
    """Views of this blueprint keep their own lock (Basic, a secret header)."""
    for endpoint, view in app.view_functions.items():
        if endpoint.startswith(f"{blueprint}."):
            public(view)
