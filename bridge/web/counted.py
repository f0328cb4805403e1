"""Counts of a project, remembered until something changes: over a million boxes they take a third of a second."""

from __future__ import annotations

import threading
from collections import OrderedDict
from typing import Any

from sqlalchemy import Connection, func, select

from bridge.model.project import Project
from bridge.store import revisions
from bridge.store import tables as t
from bridge.store.revisions import Counts

_MOST = 256
_kept: OrderedDict[tuple[Any, ...], Counts] = OrderedDict()
_lock = threading.Lock()


def counted(tx: Connection, project: Project) -> Counts:
    """The counts of a project as they are in this transaction."""
    key = (str(tx.engine.url), project.id, project.created, *_stamp(tx))
    with _lock:
        if key in _kept:
            _kept.move_to_end(key)
            return _kept[key]
    found = revisions.counts(tx, project.id)
    with _lock:
        _kept[key] = found
        while len(_kept) > _MOST:
            _kept.popitem(last=False)
    return found


def _stamp(tx: Connection) -> tuple[int, ...]:
    """Pictures and revisions are only ever added, and every other change of labels is in the ledger."""
    newest = (select(func.coalesce(func.max(table.c.id), 0)) for table in (t.image, t.revision, t.ledger))
    return tuple(tx.scalar(query) or 0 for query in newest)
