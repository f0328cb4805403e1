"""A model's boxes that stand in a tool's file, untouched by any person, as we last read them there."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, cast

import msgspec
from sqlalchemy import Connection, Select, case, delete, func, insert, select, update

from bridge.model.annotation import Kind, Point, Region
from bridge.store import tables as t
from bridge.store.images import in_vott

_SLICE = 500


@dataclass(frozen=True, slots=True)
class Standing:
    """One picture's boxes in one tool, with the labels as the file names them; looked: a person has seen them."""

    source_id: int
    image_id: int
    looked: bool
    regions: tuple[Region, ...]


class _Stored(msgspec.Struct, omit_defaults=True):
    """One region with short keys; labels by name, since the project need not know them."""

    k: str
    p: tuple[Point, ...]
    l: tuple[str, ...] = ()  # noqa: E741
    id: str | None = None
    a: str | None = None
    s: float | None = None


_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(tuple[_Stored, ...])


def put(tx: Connection, source_id: int, found: Iterable[Standing]) -> None:
    """Remember what stands on these pictures now; nothing is kept of those on which nothing stands."""
    rows = list(found)
    remove(tx, source_id, [one.image_id for one in rows])
    new = [
        {
            "source_id": source_id,
            "image_id": one.image_id,
            "looked": one.looked,
            "boxes": len(one.regions),
            "doc": _encode(one.regions),
        }
        for one in rows
        if one.regions
    ]
    for start in range(0, len(new), _SLICE):
        tx.execute(insert(t.standing), new[start : start + _SLICE])


def remove(tx: Connection, source_id: int, image_ids: Sequence[int]) -> None:
    """Nothing stands on these pictures any more."""
    c = t.standing.c
    for start in range(0, len(image_ids), _SLICE):
        part = image_ids[start : start + _SLICE]
        tx.execute(delete(t.standing).where(c.source_id == source_id, c.image_id.in_(part)))


def any_of(tx: Connection, source_id: int) -> bool:
    """Whether anything stands in a tool."""
    return tx.scalar(select(t.standing.c.image_id).where(t.standing.c.source_id == source_id).limit(1)) is not None


def looked(tx: Connection, source_id: int) -> set[int]:
    """Pictures on whose standing boxes a person has looked in this tool."""
    c = t.standing.c
    return set(tx.scalars(select(c.image_id).where(c.source_id == source_id, c.looked)))


def waiting(tx: Connection, project: str) -> int:
    """How many pictures of a project have boxes that were looked at and that nobody has accepted."""
    c, item = t.standing.c, t.source_item.c
    query = (
        _there(select(func.count(c.image_id.distinct())), project)
        .outerjoin(t.head, t.head.c.image_id == c.image_id)
        .where(c.looked, t.head.c.image_id.is_(None) | (item.open > 0))
    )
    return tx.scalar(query) or 0


def _there(query: Select[Any], project: str) -> Select[Any]:
    """Only where the picture is in the tool still; what was imported once counts for less than the tool itself."""
    c, item = t.standing.c, t.source_item.c
    return (
        query.select_from(t.standing)
        .join(t.source, t.source.c.id == c.source_id)
        .join(t.source_item, (item.source_id == c.source_id) & (item.image_id == c.image_id))
        .where(t.source.c.project == project, item.gone.is_(False))
        .where((t.source.c.kind != "import") | ~in_vott(c.image_id))
    )


def of_source(tx: Connection, source_id: int, image_ids: Sequence[int]) -> dict[int, Standing]:
    """What stands on these pictures in one tool, by image id."""
    query = select(t.standing).where(t.standing.c.source_id == source_id)
    rows = (tx.execute(query.where(t.standing.c.image_id.in_(part))) for part in _slices(image_ids))
    return {row.image_id: _standing(row) for part in rows for row in part}


def of_project(tx: Connection, project: str, image_ids: Collection[int] | None = None) -> list[Standing]:
    """What stands in all tools of a project that have the picture still, by picture and tool."""
    c = t.standing.c
    query = _there(select(t.standing), project).order_by(c.image_id, c.source_id)
    if image_ids is None:
        return [_standing(row) for row in tx.execute(query)]
    rows = (tx.execute(query.where(c.image_id.in_(part))) for part in _slices(sorted(image_ids)))
    return [_standing(row) for part in rows for row in part]


def pictures(tx: Connection, image_ids: Sequence[int]) -> set[int]:
    """Which of these pictures have boxes of a model standing in any tool."""
    c = t.standing.c
    return {i for part in _slices(image_ids) for i in tx.scalars(select(c.image_id).where(c.image_id.in_(part)))}


def extras(tx: Connection, source_id: int, image_ids: Sequence[int]) -> dict[int, dict[str, Any]]:
    """What a tool keeps beside each of these pictures that we do not know."""
    c = t.source_item.c
    query = select(c.image_id, c.extra).where(c.source_id == source_id, c.extra.is_not(None))
    rows = (tx.execute(query.where(c.image_id.in_(part))) for part in _slices(image_ids))
    return {row.image_id: msgspec.json.decode(row.extra) for part in rows for row in part}


def close(tx: Connection, image_ids: Sequence[int]) -> None:
    """All of a model's boxes on these pictures are judged: they may be trained on."""
    for part in _slices(image_ids):
        tx.execute(update(t.source_item).where(t.source_item.c.image_id.in_(part)).values(open=0))


def reopen(tx: Connection, image_ids: Sequence[int]) -> None:
    """What stands on these pictures beside a person's boxes waits to be judged again."""
    c, item = t.standing.c, t.source_item.c
    there = (
        select(c.boxes).where(c.source_id == item.source_id, c.image_id == item.image_id).correlate(t.source_item)
    ).scalar_subquery()
    left = case((item.content_hash.is_(None), 0), else_=there)
    for part in _slices(image_ids):
        tx.execute(update(t.source_item).where(item.image_id.in_(part), there.is_not(None)).values(open=left))


def _slices(ids: Sequence[int]) -> list[Sequence[int]]:
    return [ids[start : start + _SLICE] for start in range(0, len(ids), _SLICE)]


def _encode(regions: Sequence[Region]) -> bytes:
    return _encoder.encode([_Stored(r.kind, r.points, r.labels, r.region_id, r.author, r.score) for r in regions])


def _standing(row: Any) -> Standing:
    stored = _decoder.decode(row.doc)
    regions = tuple(Region(cast(Kind, s.k), s.p, s.l, s.id, s.a, s.s) for s in stored)
    return Standing(row.source_id, row.image_id, row.looked, regions)
