"""Frozen dataset versions."""

from __future__ import annotations

from typing import Any, cast

from sqlalchemy import Connection, func, insert, select

from bridge.errors import ConflictError, NotFoundError
from bridge.model.dataset import DatasetVersion, Member, Part
from bridge.store import tables as t


def put(tx: Connection, version: DatasetVersion) -> bool:
    """Keep a version; False when it is there already (equal content has one id)."""
    if tx.scalar(select(t.dataset_version.c.id).where(t.dataset_version.c.id == version.id)):
        return False
    tx.execute(
        insert(t.dataset_version).values(
            id=version.id,
            project=version.project,
            labels=[list(pair) for pair in zip(version.label_ids, version.labels, strict=True)],
            seed=version.seed,
            fraction=version.fraction,
            created=version.created,
        )
    )
    rows = [
        {
            "version": version.id,
            "image_id": m.image_id,
            "name": m.name,
            "sha256": m.sha256,
            "revision_id": m.revision_id,
            "content_hash": m.content_hash,
            "part": m.part,
            "width": m.width,
            "height": m.height,
            "orientation": m.orientation,
        }
        for m in version.members
    ]
    if rows:
        tx.execute(insert(t.dataset_member), rows)
    return True


def find(tx: Connection, wanted: str) -> DatasetVersion:
    """A version by its hash or the beginning of it; raises NotFoundError, ConflictError for two such."""
    return _version(tx, _row(tx, wanted))


def _row(tx: Connection, wanted: str) -> Any:
    rows = tx.execute(select(t.dataset_version).where(t.dataset_version.c.id.startswith(wanted)).limit(2)).all()
    if not rows:
        raise NotFoundError("version-missing", version=wanted)
    if len(rows) > 1:
        raise ConflictError("version-ambiguous", version=wanted)
    return rows[0]


def glance(tx: Connection, wanted: str) -> tuple[DatasetVersion, dict[str, int]]:
    """A version without its members, and how many each part has; raises as find."""
    row = _row(tx, wanted)
    c = t.dataset_member.c
    parts = tx.execute(select(c.part, func.count()).where(c.version == row.id).group_by(c.part))
    return _bare(row, ()), {"train": 0, "valid": 0} | {row[0]: row[1] for row in parts}


def members(
    tx: Connection, version: str, after: int | None = None, limit: int = 200, part: Part | None = None
) -> list[Member]:
    """Members of a version by picture id; after is that of the last one that was seen."""
    c = t.dataset_member.c
    query = select(t.dataset_member).where(c.version == version).order_by(c.image_id).limit(limit)
    query = query.where(c.image_id > after) if after is not None else query
    return [_member(row) for row in tx.execute(query.where(c.part == part) if part is not None else query)]


def newest(tx: Connection, project: str) -> DatasetVersion | None:
    """The version cut last."""
    query = select(t.dataset_version).where(t.dataset_version.c.project == project)
    row = tx.execute(query.order_by(t.dataset_version.c.created.desc()).limit(1)).first()
    return _version(tx, row) if row else None


def listing(tx: Connection, project: str) -> list[DatasetVersion]:
    """All versions of a project, newest first, without members."""
    query = select(t.dataset_version).where(t.dataset_version.c.project == project)
    rows = tx.execute(query.order_by(t.dataset_version.c.created.desc()))
    return [_bare(row, ()) for row in rows]


def held_out(tx: Connection, project: str) -> set[str]:
    """SHA-256 of the pictures that were held out in any version: they, and copies of them, stay held out for ever."""
    return _ever(tx, project, "valid")


def trained(tx: Connection, project: str) -> set[str]:
    """SHA-256 of the pictures that any version trained on."""
    return _ever(tx, project, "train")


def sides(tx: Connection, project: str) -> dict[int, bool]:
    """Whether the newest version holds a picture out, by image id."""
    c, v = t.dataset_member.c, t.dataset_version.c
    newest = select(v.id).where(v.project == project).order_by(v.created.desc()).limit(1).scalar_subquery()
    return {row[0]: row[1] == "valid" for row in tx.execute(select(c.image_id, c.part).where(c.version == newest))}


def _ever(tx: Connection, project: str, part: Part) -> set[str]:
    m, v = t.dataset_member.c, t.dataset_version.c
    query = select(m.sha256).join(t.dataset_version, v.id == m.version).where(v.project == project, m.part == part)
    return set(tx.scalars(query.distinct()))


def _version(tx: Connection, row: Any) -> DatasetVersion:
    query = select(t.dataset_member).where(t.dataset_member.c.version == row.id)
    return _bare(row, tuple(_member(m) for m in tx.execute(query.order_by(t.dataset_member.c.image_id))))


def _member(row: Any) -> Member:
    return Member(
        row.image_id,
        row.name,
        row.sha256,
        row.revision_id,
        row.content_hash,
        cast(Part, row.part),
        row.width,
        row.height,
        row.orientation,
    )


def _bare(row: Any, members: tuple[Member, ...]) -> DatasetVersion:
    names, ids = tuple(name for _, name in row.labels), tuple(i for i, _ in row.labels)
    return DatasetVersion(row.id, row.project, names, members, row.seed, row.fraction, row.created, ids)
