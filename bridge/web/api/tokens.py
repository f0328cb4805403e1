"""Keys to the bridge."""

from __future__ import annotations

from typing import Literal

from flask import Response
from flask_openapi.blueprint import APIBlueprint
from pydantic import BaseModel, Field

from bridge.store import tokens
from bridge.web.api import answer, area
from bridge.web.api.paging import slice_of
from bridge.web.api.schemas import Given, Page, Paged, Taken
from bridge.web.auth import login_link, require, who
from bridge.web.current import workspace


class OfToken(BaseModel):
    """A token in a path."""

    token: str = Field(max_length=40, pattern="^[0-9a-f]+$")


class TokenIn(Taken):
    """A token to be made; its name is what the ledger will call its bearer."""

    name: str = Field(min_length=1, max_length=100, pattern=r"\S")
    role: Literal["admin", "node", "read"]
    seconds: float | None = Field(None, gt=0, le=315_360_000, description="how long it is valid; null = until revoked")


class TokenOut(Given):
    """A token without its secret; expires is in seconds since 1970."""

    id: str
    name: str
    role: str
    created: str
    expires: float | None
    revoked: bool


class TokenMade(TokenOut):
    """A new token; its secret is shown this once."""

    secret: str


class LinkOut(Given):
    """A link that opens the pages once, within a quarter of an hour."""

    url: str


def blueprint() -> APIBlueprint:
    """Routes of tokens."""
    api = area("tokens", "Keys for people, programs and nodes.")
    api.get("/tokens", responses={200: Page[TokenOut]})(list_tokens)
    api.post("/tokens", responses={201: TokenMade})(create_token)
    api.delete("/tokens/<token>", responses={204: None})(revoke_token)
    api.post("/login-links", responses={201: LinkOut})(create_login_link)
    return api


@require("admin")
def list_tokens(query: Paged) -> Response:
    """All tokens, oldest first."""
    with workspace().db.read() as tx:
        return answer(slice_of(tokens.listing(tx), query, TokenOut.model_validate))


@require("admin")
def create_token(body: TokenIn) -> Response:
    """Make a token."""
    with workspace().db.write() as tx:
        token, word = tokens.create(tx, body.name.strip(), body.role, body.seconds)
        tokens.record(tx, who(), "token-create", None, {"token": token.id, "name": token.name, "role": token.role})
    plain = TokenOut.model_validate(token)
    return answer(TokenMade(**plain.model_dump(), secret=word), 201)


@require("admin")
def revoke_token(path: OfToken) -> Response:
    """Make a token useless."""
    with workspace().db.write() as tx:
        tokens.revoke(tx, path.token)
        tokens.record(tx, who(), "token-revoke", None, {"token": path.token})
    return Response(status=204)


@require("admin")
def create_login_link() -> Response:
    """Make a link that opens the pages."""
    return answer(LinkOut(url=login_link(workspace())), 201)
