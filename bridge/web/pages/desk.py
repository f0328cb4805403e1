"""What needs a person's hand: deliveries that wait, and keys to the bridge."""

from __future__ import annotations

from typing import cast

from flask import Blueprint, render_template, request
from werkzeug.wrappers import Response

from bridge.errors import InputError
from bridge.model.delivery import DeliveryState
from bridge.store import deliveries as kept
from bridge.store import tokens as keys
from bridge.store.tokens import Role
from bridge.web import auth
from bridge.web.current import workspace
from bridge.web.pages.ways import cursor, done, link

_PAGE = 50
_ROLES = ("read", "node", "admin")


def add_to(pages: Blueprint) -> None:
    """Routes of the desk."""
    pages.get("/deliveries")(deliveries)
    pages.get("/tokens")(tokens)
    pages.post("/tokens")(create_token)
    pages.post("/login-links")(create_link)
    pages.post("/tokens/<token>/revoke")(revoke_token)


def deliveries() -> str:
    """What waits for a person first, then what came and went."""
    with workspace().db.read() as tx:
        waits = kept.listing(tx, state=DeliveryState.WAITING) + kept.listing(tx, state=DeliveryState.DEAD)
        page = kept.listing(tx, limit=_PAGE + 1, before=cursor())
    more = page[_PAGE - 1].id if len(page) > _PAGE else None
    return render_template("deliveries.html", waits=waits, page=page[:_PAGE], next=more)


def tokens() -> str:
    """All keys, and a form for a new one."""
    with workspace().db.read() as tx:
        found = keys.listing(tx)
    return render_template("tokens.html", tokens=found, roles=_ROLES, made=None, secret=None)


def create_token() -> str:
    """Make a key; its secret is on this page and nowhere else."""
    name, role = request.form.get("name", "").strip()[:100], request.form.get("role", "")
    if not name or role not in _ROLES:
        raise InputError("choice-wrong", found=role or "-", known=", ".join(_ROLES))
    with workspace().db.write() as tx:
        made, secret = keys.create(tx, name, cast(Role, role))
        keys.record(tx, auth.who(), "token-create", None, {"token": made.id, "name": name, "role": role})
        found = keys.listing(tx)
    return render_template("tokens.html", tokens=found, roles=_ROLES, made=made, secret=secret)


def create_link() -> str:
    """Make a login link for another device."""
    with workspace().db.write() as tx:
        keys.record(tx, auth.who(), "login-link")
    url = auth.login_link(workspace())
    with workspace().db.read() as tx:
        found = keys.listing(tx)
    return render_template("tokens.html", tokens=found, roles=_ROLES, made=None, secret=url)


def revoke_token(token: str) -> Response:
    """Make a key useless."""
    with workspace().db.write() as tx:
        keys.revoke(tx, token)
        keys.record(tx, auth.who(), "token-revoke", None, {"token": token})
    return done(link("tokens"), "revoked")
