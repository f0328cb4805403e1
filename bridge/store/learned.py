"""What was found out about the bytes of pictures, by their SHA-256."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping

from sqlalchemy import Connection, delete, insert, select

from bridge.store import tables as t
from bridge.store.database import Database

_SLICE = 5000
# Written in one go, so that a webhook is answered meanwhile.
_WRITTEN = 500
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
    """Notes that last: what is said of bytes holds in every project, what has another key in this one alone."""

    def __init__(self, db: Database, project: str) -> None:
        self._db, self._project = db, project

    def recall(self, kind: str, keys: Iterable[str]) -> dict[str, bytes]:
        """What is known of these keys; unknown ones are left out."""
        places = {self._place(key): key for key in keys}
        with self._db.read() as tx:
            return {places[place]: found for place, found in find(tx, kind, places).items()}

    def keep(self, kind: str, found: Mapping[str, bytes]) -> None:
        """Remember this."""
        keys = list(found)
        for start in range(0, len(keys), _WRITTEN):
            with self._db.write() as tx:
                put(tx, kind, {self._place(key): found[key] for key in keys[start : start + _WRITTEN]})

    def _place(self, key: str) -> str:
        if _SHA256.fullmatch(key):
            return key
        return hashlib.sha256(f"{self._project}\n{key}".encode("utf-8", "surrogatepass")).hexdigest()
