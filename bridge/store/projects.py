"""Projects, their labels and their sources."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Collection, Mapping, Sequence
from typing import Any, cast

from sqlalchemy import Connection, RowMapping, delete, func, insert, select, update

from bridge.errors import ConflictError, InputError, NotFoundError
from bridge.model.annotation import Label
from bridge.model.project import Project, Source, SourceKind
from bridge.store import tables as t
from bridge.store.database import now

# Control characters, halves of characters, and whatever ends a line: no list of names could hold them.
_NOT_IN_NAMES = frozenset({"Cc", "Cs", "Zl", "Zp"})


def create(tx: Connection, name: str) -> Project:
    """A new project; raises ConflictError when one of that name exists."""
    name = unicodedata.normalize("NFC", name.strip())
    if tx.scalar(select(t.project.c.id).where(t.project.c.name == name)):
        raise ConflictError("project-exists", project=name)
    project = Project(_make_id(tx, name), name, (), now())
    tx.execute(insert(t.project).values(id=project.id, name=name, created=project.created))
    return project


def _make_id(tx: Connection, name: str) -> str:
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    stem = re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:60]
    # A name without Latin letters (水着) gets an id from its content.
    stem = stem or "p-" + hashlib.sha256(name.encode()).hexdigest()[:8]
    taken = set(tx.scalars(select(t.project.c.id).where(t.project.c.id.like(f"{stem}%"))))
    return next(i for i in (stem, *(f"{stem}-{n}" for n in range(2, len(taken) + 3))) if i not in taken)


def find(tx: Connection, wanted: str) -> Project:
    """The project of that id or name; raises NotFoundError naming those that exist."""
    wanted = unicodedata.normalize("NFC", wanted)
    row = (
        tx.execute(select(t.project).where((t.project.c.id == wanted) | (t.project.c.name == wanted)))
        .mappings()
        .first()
    )
    if row is None:
        known = ", ".join(tx.scalars(select(t.project.c.name).order_by(t.project.c.name).limit(20)))
        raise NotFoundError("project-missing", project=wanted, known=known or "-")
    return _project(row, labels(tx, row["id"]))


def listing(tx: Connection) -> list[Project]:
    """All projects by name."""
    rows = tx.execute(select(t.project).order_by(t.project.c.name)).mappings()
    return [_project(row, labels(tx, row["id"])) for row in rows]


def _project(row: RowMapping, found: tuple[Label, ...]) -> Project:
    return Project(row["id"], row["name"], found, row["created"])


def remove(tx: Connection, project: str) -> None:
    """Forget a project with all that hangs on it (blobs stay)."""
    runs = select(t.run.c.id).where(t.run.c.project == project)
    tx.execute(delete(t.run).where(t.run.c.id.in_(runs)))
    tx.execute(delete(t.project).where(t.project.c.id == project))


def published(tx: Connection, project: str) -> str | None:
    """The checkpoint that pre-labels, if one was promoted."""
    return cast("str | None", tx.scalar(select(t.project.c.published).where(t.project.c.id == project)))


def publish(tx: Connection, project: str, checkpoint: str | None) -> None:
    """Make a checkpoint the one that pre-labels."""
    tx.execute(update(t.project).where(t.project.c.id == project).values(published=checkpoint))


# ---------------------------------------------------------------- labels


def labels(tx: Connection, project: str) -> tuple[Label, ...]:
    """Labels in class order, then the aliases of renamed and merged ones."""
    rows = list(tx.execute(select(t.label).where(t.label.c.project == project).order_by(t.label.c.position)))
    by_id = {row.id: row for row in rows}
    classes = [Label(row.id, row.name, row.color) for row in rows if row.merged_into is None]
    aliases = [Label(row.id, _end(by_id, row).name, row.color, row.name) for row in rows if row.merged_into is not None]
    return (*classes, *aliases)


def class_ids(found: Sequence[Label]) -> dict[int, int]:
    """The class that each label is read as, by id; a class is read as itself."""
    classes = {label.name: label.id for label in found if label.alias is None}
    return {label.id: classes[label.name] for label in found}


def _end(by_id: Mapping[int, Any], row: Any) -> Any:
    """The label that a merged one is read as in the end (it may have been merged again)."""
    while row.merged_into is not None:
        row = by_id[row.merged_into]
    return row


def add_labels(tx: Connection, project: str, names: Sequence[str], colors: Mapping[str, str]) -> tuple[Label, ...]:
    """Append the names that are new, in order; the order of known ones never changes. Gives all labels."""
    known = {label.alias or label.name for label in labels(tx, project)}
    position = tx.scalar(select(func.count()).select_from(t.label).where(t.label.c.project == project)) or 0
    for name in dict.fromkeys(names):
        if name not in known:
            values = {"project": project, "name": name, "color": colors.get(name), "position": position}
            tx.execute(insert(t.label).values(**values))
            position += 1
    return labels(tx, project)


def merge_label(tx: Connection, project: str, old: str, into: str) -> None:
    """Read every box of one label as another from now on; raises NotFoundError, ConflictError label-itself."""
    first, second = _class(tx, project, old), _class(tx, project, into)
    if first.id == second.id:
        raise ConflictError("label-itself", label=old)
    tx.execute(update(t.label).where(t.label.c.id == first.id).values(merged_into=second.id))


def rename_label(tx: Connection, project: str, old: str, new: str) -> None:
    """Give a label another name; the old one stays an alias, since tools may still write it.

    It may go back to a name that is its own alias. Raises InputError label-name, NotFoundError label-unknown,
    ConflictError label-exists.
    """
    if not new.strip() or any(unicodedata.category(letter) in _NOT_IN_NAMES for letter in new):
        raise InputError("label-name", label=repr(new))
    found = _class(tx, project, old)
    taken = next((label for label in labels(tx, project) if new in (label.name, label.alias)), None)
    if taken is not None and (taken.alias != new or taken.name != old):
        raise ConflictError("label-exists", label=new)
    if taken is not None:  # The two rows change names; no label can have the one in between.
        for row, name in ((taken.id, f"\n{taken.id}"), (found.id, new), (taken.id, old)):
            tx.execute(update(t.label).where(t.label.c.id == row).values(name=name))
        return
    position = tx.scalar(select(t.label.c.position).where(t.label.c.id == found.id))
    tx.execute(update(t.label).where(t.label.c.id == found.id).values(name=new))
    values = {"project": project, "name": old, "position": position, "merged_into": found.id}
    tx.execute(insert(t.label).values(**values))


def _class(tx: Connection, project: str, name: str) -> Label:
    classes = [label for label in labels(tx, project) if label.alias is None]
    for label in classes:
        if label.name == name:
            return label
    raise NotFoundError("label-unknown", label=name, known=", ".join(label.name for label in classes) or "-")


# ---------------------------------------------------------------- sources


def put_source(
    tx: Connection,
    project: str,
    name: str,
    kind: SourceKind,
    place: str,
    options: Mapping[str, Any] | None = None,
    sealed: bytes | None = None,
) -> Source:
    """The source of that name, made or brought up to date (its cursor stays)."""
    values = {"kind": kind, "place": place, "options": dict(options or {}), "sealed": sealed}
    where = (t.source.c.project == project) & (t.source.c.name == name)
    if tx.scalar(select(t.source.c.id).where(where)) is None:
        tx.execute(insert(t.source).values(project=project, name=name, **values))
    else:
        tx.execute(update(t.source).where(where).values(**values))
    return find_source(tx, project, name)


def find_source(tx: Connection, project: str, name: str) -> Source:
    """A source by name; raises NotFoundError."""
    for source in sources(tx, project):
        if source.name == name:
            return source
    raise NotFoundError(
        "source-missing", source=name, project=project, known=", ".join(s.name for s in sources(tx, project)) or "-"
    )


def sources(tx: Connection, project: str) -> list[Source]:
    """All sources of a project, in the order they were added."""
    rows = tx.execute(select(t.source).where(t.source.c.project == project).order_by(t.source.c.id)).mappings()
    return [_source(row) for row in rows]


def connected(tx: Connection, kinds: Collection[str]) -> list[Source]:
    """The sources of these kinds of all projects, in the order they were added."""
    rows = tx.execute(select(t.source).where(t.source.c.kind.in_(kinds)).order_by(t.source.c.id)).mappings()
    return [_source(row) for row in rows]


def _source(r: RowMapping) -> Source:
    return Source(r["id"], r["project"], r["name"], r["kind"], r["place"], r["options"], r["cursor"], r["heads_rule"])


def sealed(tx: Connection, source_id: int) -> bytes | None:
    """The encrypted credentials of a source."""
    return cast("bytes | None", tx.scalar(select(t.source.c.sealed).where(t.source.c.id == source_id)))


def set_cursor(tx: Connection, source_id: int, cursor: str) -> None:
    """Remember how far a source was read."""
    tx.execute(update(t.source).where(t.source.c.id == source_id).values(cursor=cursor))


def set_options(tx: Connection, source_id: int, options: Mapping[str, Any]) -> None:
    """Change the options of a source."""
    tx.execute(update(t.source).where(t.source.c.id == source_id).values(options=dict(options)))


def remove_source(tx: Connection, source_id: int) -> None:
    """Forget a connection; labels that came through it stay."""
    tx.execute(delete(t.source).where(t.source.c.id == source_id))
