"""A model's boxes as they were put before a person, and what his labels made of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import astuple, dataclass, field
from typing import Any

from sqlalchemy import Connection, delete, func, insert, select, update

from bridge.model.annotation import Label, Region
from bridge.model.prediction import Counts, Prediction
from bridge.store import tables as t
from bridge.store.database import now
from bridge.store.revision_doc import decode, encode

_SLICE = 500
_VERDICTS = ("kept", "moved", "relabelled", "deleted", "added")


@dataclass(frozen=True, slots=True)
class Offer:
    """One picture's boxes by one checkpoint, as one tool showed them; looked: a person has seen them there."""

    source_id: int
    image_id: int
    checkpoint_id: str
    at: str
    looked: bool
    regions: tuple[Region, ...]


@dataclass(frozen=True, slots=True)
class Judgement:
    """What a picture's present labels (revision_id; 0 = none) make of one checkpoint's boxes, by label id.

    checkpoint_id is None where nobody has judged any.
    """

    image_id: int
    revision_id: int
    checkpoint_id: str | None = None
    counts: Mapping[int, Counts] = field(default_factory=dict)


def put(tx: Connection, source_id: int, shown: Sequence[Prediction], labels: Sequence[Label]) -> None:
    """Remember what a tool shows from now on; what was shown before and seen already stays as it was."""
    ids = {label.alias or label.name: label.id for label in labels}
    at, every = now(), list({(p.image_id, p.checkpoint_id): p for p in shown}.values())
    for start in range(0, len(every), _SLICE):
        part = every[start : start + _SLICE]
        seen = _seen(tx, source_id, [p.image_id for p in part])
        rows: list[dict[str, Any]] = [
            {
                "source_id": source_id,
                "image_id": p.image_id,
                "checkpoint_id": p.checkpoint_id,
                "at": at,
                "looked": False,
                "doc": encode(p.regions, {}, ids),
            }
            for p in part
            if (p.image_id, p.checkpoint_id) not in seen
        ]
        c = t.offer.c
        for checkpoint in {row["checkpoint_id"] for row in rows}:
            same = [row["image_id"] for row in rows if row["checkpoint_id"] == checkpoint]
            tx.execute(
                delete(t.offer).where(c.source_id == source_id, c.checkpoint_id == checkpoint, c.image_id.in_(same))
            )
        if rows:
            tx.execute(insert(t.offer), rows)
            forget(tx, [row["image_id"] for row in rows])


def _seen(tx: Connection, source_id: int, image_ids: Sequence[int]) -> set[tuple[int, str]]:
    c = t.offer.c
    query = select(c.image_id, c.checkpoint_id).where(c.source_id == source_id, c.image_id.in_(image_ids), c.looked)
    return {(row.image_id, row.checkpoint_id) for row in tx.execute(query)}


def known(tx: Connection, source_id: int, checkpoint_id: str, image_ids: Sequence[int]) -> set[int]:
    """Which of these pictures a tool is known to show a checkpoint's boxes on."""
    c = t.offer.c
    query = select(c.image_id).where(c.source_id == source_id, c.checkpoint_id == checkpoint_id)
    parts = (image_ids[start : start + _SLICE] for start in range(0, len(image_ids), _SLICE))
    return {image for part in parts for image in tx.scalars(query.where(c.image_id.in_(part)))}


def unseen(tx: Connection, source_id: int) -> set[int]:
    """Pictures on which a tool shows boxes that nobody has seen yet, as far as we know."""
    c = t.offer.c
    return set(tx.scalars(select(c.image_id).where(c.source_id == source_id, c.looked.is_(False))))


def see(tx: Connection, image_ids: Sequence[int], source_id: int | None = None) -> None:
    """A person has seen what a tool (None: any) shows on these pictures."""
    c = t.offer.c
    for start in range(0, len(image_ids), _SLICE):
        part = image_ids[start : start + _SLICE]
        query = update(t.offer).where(c.image_id.in_(part))
        tx.execute((query if source_id is None else query.where(c.source_id == source_id)).values(looked=True))
        forget(tx, part)


def of_images(tx: Connection, image_ids: Sequence[int], labels: Sequence[Label]) -> dict[int, list[Offer]]:
    """What was shown on these pictures and seen, oldest first, by image id."""
    names = {label.id: label.name for label in labels}
    query = select(t.offer).where(t.offer.c.looked).order_by(t.offer.c.at, t.offer.c.source_id)
    found: dict[int, list[Offer]] = {}
    for start in range(0, len(image_ids), _SLICE):
        for row in tx.execute(query.where(t.offer.c.image_id.in_(image_ids[start : start + _SLICE]))):
            found.setdefault(row.image_id, []).append(_offer(row, names))
    return found


def _offer(row: Any, names: Mapping[int, str]) -> Offer:
    regions, _ = decode(row.doc, names)
    return Offer(row.source_id, row.image_id, row.checkpoint_id, row.at, row.looked, regions)


# ---------------------------------------------------------------- how they were judged


def stale(tx: Connection, project: str) -> list[int]:
    """Pictures with seen offers whose judgement is missing, or was made of other labels than the present ones."""
    offered = (
        select(t.offer.c.image_id)
        .join(t.image, t.image.c.id == t.offer.c.image_id)
        .where(t.image.c.project == project, t.offer.c.looked)
        .distinct()
        .subquery()
    )
    present = (
        select(t.head.c.image_id, func.max(t.head.c.revision_id).label("revision_id"))
        .join(offered, offered.c.image_id == t.head.c.image_id)
        .group_by(t.head.c.image_id)
        .subquery()
    )
    j = t.judgement.c
    query = (
        select(offered.c.image_id)
        .outerjoin(present, present.c.image_id == offered.c.image_id)
        .outerjoin(t.judgement, j.image_id == offered.c.image_id)
        .where(j.image_id.is_(None) | (j.revision_id != func.coalesce(present.c.revision_id, 0)))
        .order_by(offered.c.image_id)
    )
    return list(tx.scalars(query))


def forget(tx: Connection, image_ids: Sequence[int]) -> None:
    """The judgement of these pictures must be made anew."""
    for start in range(0, len(image_ids), _SLICE):
        part = image_ids[start : start + _SLICE]
        tx.execute(delete(t.judged).where(t.judged.c.image_id.in_(part)))
        tx.execute(delete(t.judgement).where(t.judgement.c.image_id.in_(part)))


def forget_all(tx: Connection, project: str) -> None:
    """Every judgement of a project must be made anew: two of its labels have become one."""
    pictures = select(t.image.c.id).where(t.image.c.project == project)
    tx.execute(delete(t.judged).where(t.judged.c.image_id.in_(pictures)))
    tx.execute(delete(t.judgement).where(t.judgement.c.image_id.in_(pictures)))


def keep(tx: Connection, found: Sequence[Judgement]) -> None:
    """Remember judgements, in place of earlier ones."""
    forget(tx, [one.image_id for one in found])
    rows = [
        {"image_id": one.image_id, "revision_id": one.revision_id, "checkpoint_id": one.checkpoint_id} for one in found
    ]
    counts = [
        {"image_id": one.image_id, "label_id": label, **dict(zip(_VERDICTS, astuple(of_label), strict=True))}
        for one in found
        for label, of_label in one.counts.items()
    ]
    if rows:
        tx.execute(insert(t.judgement), rows)
    if counts:
        tx.execute(insert(t.judged), counts)


def sums(tx: Connection, project: str) -> dict[str, dict[int, Counts]]:
    """What became of each checkpoint's boxes, by label id."""
    c = t.judged.c
    query = (
        select(t.judgement.c.checkpoint_id, c.label_id, *(func.sum(c[name]) for name in _VERDICTS))
        .join(t.judgement, t.judgement.c.image_id == c.image_id)
        .join(t.image, t.image.c.id == c.image_id)
        .where(t.image.c.project == project, t.judgement.c.checkpoint_id.is_not(None))
        .group_by(t.judgement.c.checkpoint_id, c.label_id)
    )
    found: dict[str, dict[int, Counts]] = {}
    for checkpoint, label, *numbers in tx.execute(query):
        found.setdefault(checkpoint, {})[label] = Counts(*map(int, numbers))
    return found


def pictures(tx: Connection, project: str) -> dict[str, int]:
    """On how many pictures each checkpoint's boxes were judged."""
    c = t.judgement.c
    query = (
        select(c.checkpoint_id, func.count())
        .join(t.image, t.image.c.id == c.image_id)
        .where(t.image.c.project == project, c.checkpoint_id.is_not(None))
        .group_by(c.checkpoint_id)
    )
    return {row[0]: row[1] for row in tx.execute(query)}
