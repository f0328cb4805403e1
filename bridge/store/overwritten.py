"""What a tool's files held before we wrote into them: by that we know a tool that is behind from a person who edits."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, Connection, delete, insert, select, update

from bridge.store import tables as t

# So many states are remembered of one picture in one tool, for so long; VoTT sessions are shorter.
_MOST = 5
_SECONDS = 14 * 86_400.0


@dataclass(frozen=True, slots=True)
class Overwritten:
    """One picture as a tool held it once; content_hash None: without any label of a person.

    revision_id is that state in the store (None: nothing of it was taken), returns how often the tool came back to it.
    """

    image_id: int
    content_hash: str | None
    revision_id: int | None
    at: float
    returns: int = 0


def of_source(tx: Connection, source_id: int) -> dict[int, list[Overwritten]]:
    """All that is remembered of a tool, by image id, the latest first."""
    c = t.overwritten.c
    columns = (c.image_id, c.content_hash, c.revision_id, c.at, c.returns)
    found: dict[int, list[Overwritten]] = {}
    for row in tx.execute(select(*columns).where(c.source_id == source_id).order_by(c.at.desc(), c.id.desc())):
        found.setdefault(row.image_id, []).append(Overwritten(*row))
    return found


def put(tx: Connection, source_id: int, states: Iterable[Overwritten], now: float) -> None:
    """Remember states that are about to be written over, and forget old ones; one that is known keeps its count."""
    tx.execute(delete(t.overwritten).where(t.overwritten.c.source_id == source_id, t.overwritten.c.at < now - _SECONDS))
    known = of_source(tx, source_id)
    for state in states:
        past = known.get(state.image_id, [])
        same = next((p for p in past if p.content_hash == state.content_hash), None)
        _remove(tx, source_id, [s for s in (same, *past[_MOST - 1 :]) if s is not None])
        values = {
            "source_id": source_id,
            "image_id": state.image_id,
            "content_hash": state.content_hash,
            "revision_id": state.revision_id,
            "at": state.at,
            "returns": same.returns if same else state.returns,
        }
        tx.execute(insert(t.overwritten).values(**values))


def came_back(tx: Connection, source_id: int, state: Overwritten, returns: int) -> None:
    """Note how often a tool has come back to a state by now."""
    tx.execute(update(t.overwritten).where(*_is(source_id, state)).values(returns=returns))


def _remove(tx: Connection, source_id: int, states: Sequence[Overwritten]) -> None:
    for state in states:
        tx.execute(delete(t.overwritten).where(*_is(source_id, state)))


def _is(source_id: int, state: Overwritten) -> tuple[ColumnElement[bool], ...]:
    c = t.overwritten.c
    same = c.content_hash.is_(None) if state.content_hash is None else c.content_hash == state.content_hash
    return (c.source_id == source_id, c.image_id == state.image_id, same)
