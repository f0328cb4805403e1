"""Revisions of labels: append-only, with heads; nothing a person labelled is ever overwritten."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, Subquery, case, delete, func, insert, select

from bridge.model.annotation import Document, Image, Label, Region, Revision
from bridge.store import projects
from bridge.store import tables as t
from bridge.store.database import now
from bridge.store.images import image_of
from bridge.store.revision_doc import decode, encode, label_counts

_SLICE = 500


@dataclass(frozen=True, slots=True)
class Draft:
    """A revision about to be written.

    parent_ids are the heads it replaces (none: it becomes one head more); base is what it was made from in that case.
    With head=False it is only history: what a tool said before its edit was merged with another one.
    """

    image_id: int
    regions: Sequence[Region]
    content_hash: str
    author: str
    source: str
    parent_ids: tuple[int, ...] = ()
    base: int | None = None
    head: bool = True
    extra: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Counts:
    """Pictures by state, and boxes by label id, over the heads of a project; newest is when labels changed last."""

    images: int
    labelled: int
    reviewed_empty: int
    boxes: int
    by_label: dict[int, int]
    conflicts: int
    newest: str | None = None

    @property
    def unknown(self) -> int:
        """Pictures nobody has looked at."""
        return self.images - self.labelled - self.reviewed_empty


def put(tx: Connection, drafts: Sequence[Draft], labels: Sequence[Label]) -> list[int]:
    """Append revisions and move the heads; gives the new ids in order. A draft's parents stop being heads."""
    if not drafts:
        return []
    ids = {label.alias or label.name: label.id for label in labels}
    at = now()
    rows = [
        {
            "image_id": d.image_id,
            "parent_id": d.parent_ids[0] if d.parent_ids else d.base,
            "at": at,
            "author": d.author,
            "source": d.source,
            "boxes": len(d.regions),
            "content_hash": d.content_hash,
            "doc": encode(d.regions, d.extra, ids),
        }
        for d in drafts
    ]
    first = (tx.scalar(select(func.max(t.revision.c.id))) or 0) if tx.dialect.name == "sqlite" else None
    if first is not None:  # SQLite has one writer: ids can be given here, which lets 500 rows go in at once.
        new = [first + n for n in range(1, len(rows) + 1)]
        tx.execute(insert(t.revision), [{"id": i, **row} for i, row in zip(new, rows, strict=True)])
    else:
        result = tx.execute(insert(t.revision).returning(t.revision.c.id, sort_by_parameter_order=True), rows)
        new = list(result.scalars())
    _move_heads(tx, drafts, new)
    counts = [
        {"revision_id": i, "label_id": label, "n": n}
        for i, d in zip(new, drafts, strict=True)
        for label, n in label_counts(d.regions, ids).items()
    ]
    if counts:
        tx.execute(insert(t.revision_label), counts)
    return new


def _move_heads(tx: Connection, drafts: Sequence[Draft], new: Sequence[int]) -> None:
    replaced = [parent for d in drafts for parent in d.parent_ids]
    for start in range(0, len(replaced), _SLICE):
        tx.execute(delete(t.head).where(t.head.c.revision_id.in_(replaced[start : start + _SLICE])))
    rows = [{"image_id": d.image_id, "revision_id": i} for d, i in zip(drafts, new, strict=True) if d.head]
    if rows:
        tx.execute(insert(t.head), rows)


def withdraw(tx: Connection, ids: Sequence[int]) -> None:
    """These revisions hold no longer, and nothing does in their place; they stay in the history."""
    for start in range(0, len(ids), _SLICE):
        tx.execute(delete(t.head).where(t.head.c.revision_id.in_(ids[start : start + _SLICE])))


def heads(tx: Connection, image_id: int, labels: Sequence[Label]) -> list[Revision]:
    """The present revisions of a picture: none, one, or more in an open conflict; oldest first."""
    query = (
        select(t.revision).join(t.head, t.head.c.revision_id == t.revision.c.id).where(t.head.c.image_id == image_id)
    )
    return [_revision(row, _names(labels)) for row in tx.execute(query.order_by(t.revision.c.id))]


def head_hashes(tx: Connection, image_ids: Sequence[int]) -> dict[int, list[tuple[int, str]]]:
    """(revision id, content hash) of the heads of these pictures, oldest first."""
    found: dict[int, list[tuple[int, str]]] = {}
    query = select(t.head.c.image_id, t.revision.c.id, t.revision.c.content_hash).join(
        t.revision, t.revision.c.id == t.head.c.revision_id
    )
    for start in range(0, len(image_ids), _SLICE):
        part = query.where(t.head.c.image_id.in_(image_ids[start : start + _SLICE])).order_by(t.revision.c.id)
        for image_id, revision_id, content in tx.execute(part):
            found.setdefault(image_id, []).append((revision_id, content))
    return found


def history(tx: Connection, image_id: int, labels: Sequence[Label]) -> list[Revision]:
    """All revisions of a picture, oldest first."""
    query = select(t.revision).where(t.revision.c.image_id == image_id).order_by(t.revision.c.id)
    return [_revision(row, _names(labels)) for row in tx.execute(query)]


def find(tx: Connection, revision_id: int, labels: Sequence[Label]) -> Revision | None:
    """One revision by id."""
    row = tx.execute(select(t.revision).where(t.revision.c.id == revision_id)).first()
    return _revision(row, _names(labels)) if row else None


def find_many(tx: Connection, ids: Sequence[int], labels: Sequence[Label]) -> dict[int, Revision]:
    """Revisions by id."""
    names = _names(labels)
    found: dict[int, Revision] = {}
    for start in range(0, len(ids), _SLICE):
        rows = tx.execute(select(t.revision).where(t.revision.c.id.in_(ids[start : start + _SLICE])))
        found.update((row.id, _revision(row, names)) for row in rows)
    return found


def common_ancestor(tx: Connection, first: int, second: int) -> int | None:
    """The youngest revision that both descend from (or are)."""
    return next((i for i in _line(tx, second) if i in set(_line(tx, first))), None)


def _line(tx: Connection, revision_id: int) -> list[int]:
    line: list[int] = []
    here: int | None = revision_id
    while here is not None:
        line.append(here)
        here = tx.scalar(select(t.revision.c.parent_id).where(t.revision.c.id == here))
    return line


def _names(labels: Sequence[Label]) -> dict[int, str]:
    return {label.id: label.name for label in labels}


def _revision(row: Any, names: Mapping[int, str]) -> Revision:
    regions, extra = decode(row.doc, names)
    return Revision(
        row.id, row.image_id, regions, row.content_hash, row.at, row.author, row.source, row.parent_id, extra
    )


@dataclass(frozen=True, slots=True)
class Current:
    """A picture with the present labels; revision_id is the head's, None when unknown or in conflict."""

    document: Document
    revision_id: int | None
    content_hash: str | None
    heads: int


def current(
    tx: Connection, project: str, labels: Sequence[Label], image_ids: Sequence[int] | None = None
) -> Iterator[Current]:
    """Every picture with its present labels, in the order pictures came in, read as they are asked for.

    A picture in conflict (more than one head) comes with the common ancestor's labels and heads > 1.
    """
    names = _names(labels)
    query = (
        select(t.image, t.revision.c.id.label("revision_id"), t.revision.c.content_hash, t.revision.c.doc)
        .outerjoin(t.head, t.head.c.image_id == t.image.c.id)
        .outerjoin(t.revision, t.revision.c.id == t.head.c.revision_id)
        .where(t.image.c.project == project)
        .order_by(t.image.c.id, t.revision.c.id)
    )
    if image_ids is not None:
        query = query.where(t.image.c.id.in_(image_ids))
    rows: list[Any] = []
    for row in tx.execute(query, execution_options={"yield_per": 2000}):
        if rows and rows[0].id != row.id:
            yield _current(tx, rows, labels, names)
            rows = []
        rows.append(row)
    if rows:
        yield _current(tx, rows, labels, names)


def _current(tx: Connection, rows: list[Any], labels: Sequence[Label], names: Mapping[int, str]) -> Current:
    image: Image = image_of(rows[0])
    row = rows[0]
    if len(rows) > 1:
        ancestor = common_ancestor(tx, rows[0].revision_id, rows[1].revision_id)
        revision = find(tx, ancestor, labels) if ancestor is not None else None
        regions = revision.regions if revision else None
        return Current(Document(image, regions, extra=revision.extra if revision else {}), None, None, len(rows))
    if row.revision_id is None:
        return Current(Document(image), None, None, 0)
    regions, extra = decode(row.doc, names)
    return Current(Document(image, regions, extra=extra), row.revision_id, row.content_hash, 1)


def conflicts(tx: Connection, project: str) -> list[int]:
    """Images with more than one head."""
    query = (
        select(t.head.c.image_id)
        .join(t.image, t.image.c.id == t.head.c.image_id)
        .where(t.image.c.project == project)
        .group_by(t.head.c.image_id)
        .having(func.count() > 1)
    )
    return list(tx.scalars(query))


def counts(tx: Connection, project: str) -> Counts:
    """How many pictures and boxes a project holds now; a picture in conflict counts with its fullest head."""
    images = tx.scalar(select(func.count()).select_from(t.image).where(t.image.c.project == project)) or 0
    c = _by_image(project).c
    sums = [func.sum(case((when, 1), else_=0)) for when in (c.boxes > 0, c.boxes == 0, c.n > 1)]
    row = tx.execute(select(*sums, func.sum(c.boxes), func.max(c.at))).one()
    labelled, empty, clashing, boxes = (int(n or 0) for n in row[:4])
    return Counts(images, labelled, empty, boxes, _by_label(tx, project), clashing, row[4])


def _by_image(project: str) -> Subquery:
    r = t.revision.c
    return (
        select(func.max(r.boxes).label("boxes"), func.max(r.at).label("at"), func.count().label("n"))
        .join(t.head, t.head.c.revision_id == r.id)
        .join(t.image, t.image.c.id == t.head.c.image_id)
        .where(t.image.c.project == project)
        .group_by(t.head.c.image_id)
        .subquery()
    )


def _by_label(tx: Connection, project: str) -> dict[int, int]:
    """Regions by class over all heads."""
    c = t.revision_label.c
    query = (
        select(c.label_id, func.sum(c.n))
        .join(t.head, t.head.c.revision_id == c.revision_id)
        .where(c.label_id.in_(select(t.label.c.id).where(t.label.c.project == project)))
        .group_by(c.label_id)
    )
    read_as = projects.class_ids(projects.labels(tx, project))
    found: dict[int, int] = {}
    for label, n in tx.execute(query):
        found[read_as[label]] = found.get(read_as[label], 0) + int(n)
    return found
