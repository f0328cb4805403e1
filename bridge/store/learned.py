"""What was found out about the bytes of pictures, by their SHA-256."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from sqlalchemy import Connection, delete, insert, select

from bridge.store import tables as t
from bridge.store.database import Database

_SLICE = 5000
_SHA256 = re.compile(r"[0-9a-f]{64}")


def find(tx: Connection, kind: str, digests: Iterable[str]) -> dict[str, bytes]:
    """What is known of these bytes."""
    c, wanted = t.learned.c, list(digests)
    found: dict[str, bytes] = {}
    for start in range(0, len(wanted), _SLICE):
        query = select(c.sha256, c.found).where(c.kind == kind, c.sha256.in_(wanted[start : start + _SLICE]))
        found.update((row.sha256, row.found) for row in tx.execute(query))
    return found


def put(tx: Connection, kind: str, found: Mapping[str, bytes]) -> None:
    """Remember what was found out."""
    if found:
        tx.execute(delete(t.learned).where(t.learned.c.kind == kind, t.learned.c.sha256.in_(list(found))))
        tx.execute(insert(t.learned), [{"kind": kind, "sha256": s, "found": b} for s, b in found.items()])


class StoredNotes:
    """Notes of a project's check: what is said of a SHA-256 goes into the store, all else ends with the object."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._own: dict[str, dict[str, bytes]] = {}

    def recall(self, kind: str, keys: Iterable[str]) -> dict[str, bytes]:
        """What is known of these keys; unknown ones are left out."""
        own = self._own.get(kind, {})
        wanted = list(keys)
        with self._db.read() as tx:
            stored = find(tx, kind, (key for key in wanted if key not in own and _SHA256.fullmatch(key)))
        return stored | {key: own[key] for key in wanted if key in own}

    def keep(self, kind: str, found: Mapping[str, bytes]) -> None:
        """Remember this."""
        lasting = {key: value for key, value in found.items() if _SHA256.fullmatch(key)}
        self._own.setdefault(kind, {}).update((k, v) for k, v in found.items() if k not in lasting)
        listed = list(lasting)
        for start in range(0, len(listed), 500):
            with self._db.write() as tx:
                put(tx, kind, {key: lasting[key] for key in listed[start : start + 500]})
