"""Who may come in, and the ledger of who did what."""

from __future__ import annotations

import hashlib
import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, cast

from sqlalchemy import Connection, insert, select, update

from bridge.errors import NotFoundError
from bridge.store import tables as t
from bridge.store.database import now

Role = Literal["admin", "node", "read", "login"]


@dataclass(frozen=True, slots=True)
class Token:
    """A key to the bridge; only its digest is kept. login tokens open the pages once, for a short time."""

    id: str
    name: str
    role: Role
    created: str
    expires: float | None = None
    revoked: bool = False


def create(tx: Connection, name: str, role: Role, seconds: float | None = None) -> tuple[Token, str]:
    """A new token and its secret, which is shown this once."""
    secret = f"lb_{secrets.token_urlsafe(24)}"
    expires = time.time() + seconds if seconds else None
    token = Token(secrets.token_hex(4), name, role, now(), expires)
    tx.execute(
        insert(t.token).values(
            id=token.id,
            name=name,
            role=role,
            digest=_digest(secret),
            created=token.created,
            expires=expires,
            revoked=False,
        )
    )
    return token, secret


def verify(tx: Connection, secret: str) -> Token | None:
    """The token of a secret, if it is valid now."""
    row = tx.execute(select(t.token).where(t.token.c.digest == _digest(secret))).first()
    if row is None or row.revoked or (row.expires is not None and row.expires < time.time()):
        return None
    return _token(row)


def spend(tx: Connection, secret: str) -> Token | None:
    """The login token of a secret, once; it is revoked by being used."""
    token = verify(tx, secret)
    if token is None or token.role != "login":
        return None
    tx.execute(update(t.token).where(t.token.c.id == token.id).values(revoked=True))
    return token


def revoke(tx: Connection, token_id: str) -> None:
    """Make a token useless; raises NotFoundError."""
    done = tx.execute(update(t.token).where(t.token.c.id == token_id).values(revoked=True))
    if done.rowcount == 0:
        raise NotFoundError("token-missing", token=token_id)


def listing(tx: Connection) -> list[Token]:
    """All tokens but login ones, oldest first."""
    rows = tx.execute(select(t.token).where(t.token.c.role != "login").order_by(t.token.c.created))
    return [_token(row) for row in rows]


def _digest(secret: str) -> str:
    # The secrets are random and long, so a plain hash cannot be turned back.
    return hashlib.sha256(secret.encode()).hexdigest()


def _token(row: Any) -> Token:
    return Token(row.id, row.name, cast(Role, row.role), row.created, row.expires, row.revoked)


def record(
    tx: Connection, who: str, what: str, project: str | None = None, fields: Mapping[str, Any] | None = None
) -> None:
    """Write a line of the ledger."""
    tx.execute(insert(t.ledger).values(at=now(), who=who, what=what, project=project, fields=dict(fields or {})))


def recorded(tx: Connection, project: str | None = None, limit: int = 100) -> list[dict[str, Any]]:
    """The newest lines of the ledger."""
    query = select(t.ledger).order_by(t.ledger.c.id.desc()).limit(limit)
    rows = tx.execute(query.where(t.ledger.c.project == project) if project else query)
    return [dict(row._mapping) for row in rows]
