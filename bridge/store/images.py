"""Pictures of a project and what each source calls them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
from sqlalchemy import ColumnElement, Connection, Select, bindparam, func, insert, select, update

from bridge.errors import NotFoundError
from bridge.model.annotation import FileStamp, Image, fold_name
from bridge.store import projects
from bridge.store import tables as t


@dataclass(frozen=True, slots=True)
class Item:
    """What a source last said of a picture; content_hash None = it had not been looked at there.

    open counts a model's boxes that stand there among a person's and that he has neither taken nor removed.
    """

    image_id: int
    item: str | None
    content_hash: str | None
    revision_id: int | None
    gone: bool = False
    open: int = 0


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a picture list; cursor leads to the next, None at the end."""

    images: tuple[Image, ...]
    cursor: int | None
    total: int


def image_of(row: Any) -> Image:
    """The picture of a row of the image table."""
    file = FileStamp(row.path, row.file_size, row.mtime_ns) if row.path is not None else None
    return Image(row.name, row.width, row.height, row.sha256, row.orientation, file, None, row.id)


def put(tx: Connection, project: str, images: Sequence[Image]) -> list[int]:
    """Add pictures (their names must be new to the project); gives their ids in order."""
    if not images:
        return []
    tx.execute(insert(t.image), [{"project": project, **_values(image)} for image in images])
    folded = [fold_name(image.name) for image in images]
    rows = tx.execute(
        select(t.image.c.folded, t.image.c.id).where(t.image.c.project == project, t.image.c.folded.in_(folded))
    )
    ids: dict[str, int] = {row.folded: row.id for row in rows}
    return [ids[name] for name in folded]


def change(tx: Connection, images: Sequence[Image]) -> None:
    """Bring size, bytes and place of known pictures up to date; their names stay as first spelled."""
    if not images:
        return
    names = ("width", "height", "sha256", "orientation", "path", "file_size", "mtime_ns")
    statement = (
        update(t.image).where(t.image.c.id == bindparam("key")).values({n: bindparam(f"new_{n}") for n in names})
    )
    rows = [{"key": image.id, **{f"new_{n}": v for n, v in _values(image).items() if n in names}} for image in images]
    tx.execute(statement, rows)


def rename(tx: Connection, names: Mapping[int, str]) -> None:
    """Give pictures, by id, another name; it must be new to the project."""
    for image_id, name in names.items():
        tx.execute(update(t.image).where(t.image.c.id == image_id).values(name=name, folded=fold_name(name)))


def _values(image: Image) -> dict[str, Any]:
    file = image.file
    return {
        "name": image.name,
        "folded": fold_name(image.name),
        "width": image.width,
        "height": image.height,
        "sha256": image.sha256,
        "orientation": image.orientation,
        "path": file.path if file else None,
        "file_size": file.size if file else None,
        "mtime_ns": file.mtime_ns if file else None,
    }


def known_images(tx: Connection, project: str) -> dict[str, Image]:
    """Every picture of a project by folded name."""
    rows = tx.execute(select(t.image).where(t.image.c.project == project))
    return {row.folded: image_of(row) for row in rows}


def find(tx: Connection, project: str, name: str) -> Image:
    """A picture by name; raises NotFoundError."""
    row = tx.execute(select(t.image).where(t.image.c.project == project, t.image.c.folded == fold_name(name))).first()
    if row is None:
        raise NotFoundError("image-missing", image=name, project=project)
    return image_of(row)


def find_id(tx: Connection, image_id: int) -> tuple[str, Image]:
    """A picture by id, with its project; raises NotFoundError."""
    row = tx.execute(select(t.image).where(t.image.c.id == image_id)).first()
    if row is None:
        raise NotFoundError("image-missing", image=str(image_id), project="-")
    return row.project, image_of(row)


def find_many(tx: Connection, ids: Sequence[int]) -> dict[int, Image]:
    """Pictures by id; unknown ids are left out."""
    found: dict[int, Image] = {}
    for start in range(0, len(ids), 500):
        rows = tx.execute(select(t.image).where(t.image.c.id.in_(ids[start : start + 500])))
        found.update((row.id, image_of(row)) for row in rows)
    return found


def neighbours(tx: Connection, project: str, image_id: int) -> tuple[int | None, int | None]:
    """The ids of the pictures before and after one."""
    c = t.image.c
    before = tx.scalar(select(func.max(c.id)).where(c.project == project, c.id < image_id))
    after = tx.scalar(select(func.min(c.id)).where(c.project == project, c.id > image_id))
    return before, after


def by_sha(tx: Connection, sha256: str) -> list[Image]:
    """All pictures with these bytes."""
    return [image_of(row) for row in tx.execute(select(t.image).where(t.image.c.sha256 == sha256))]


def page(
    tx: Connection,
    project: str,
    after: int | None = None,
    limit: int = 50,
    state: str | None = None,
    label_id: int | None = None,
    search: str = "",
    rule: str | None = None,
) -> Page:
    """One page of pictures by id, filtered by state, class, part of the name or rule of a finding."""
    read_as = projects.class_ids(projects.labels(tx, project)) if label_id is not None else {}
    same = [own for own, class_id in read_as.items() if class_id == label_id] if label_id is not None else None
    query = _filtered(select(t.image).where(t.image.c.project == project), project, state, same, search, rule)
    total = tx.scalar(select(func.count()).select_from(query.subquery())) or 0
    if after is not None:
        query = query.where(t.image.c.id > after)
    rows = tx.execute(query.order_by(t.image.c.id).limit(limit + 1)).all()
    images = tuple(image_of(row) for row in rows[:limit])
    return Page(images, images[-1].id if len(rows) > limit else None, total)


def _filtered(
    query: Select[Any], project: str, state: str | None, label_ids: Sequence[int] | None, search: str, rule: str | None
) -> Select[Any]:
    """Few pictures fit a label or a rule, so those are listed once; states are looked up picture by picture."""
    c, head = t.image.c, t.head.c
    of_image = select(head.revision_id).where(head.image_id == c.id)
    boxes = of_image.join(t.revision, t.revision.c.id == head.revision_id)
    if state == "unknown":
        query = query.where(~of_image.exists())
    elif state == "reviewed-empty":
        query = query.where(boxes.where(t.revision.c.boxes == 0).exists())
    elif state == "labelled":
        query = query.where(boxes.where(t.revision.c.boxes > 0).exists())
    if label_ids is not None:
        carrying = select(head.image_id).join(t.revision_label, t.revision_label.c.revision_id == head.revision_id)
        query = query.where(c.id.in_(carrying.where(t.revision_label.c.label_id.in_(label_ids))))
    if search:
        query = query.where(c.folded.contains(fold_name(search), autoescape=True))
    if rule:
        faulty = select(t.finding.c.image_id).where(t.finding.c.project == project, t.finding.c.rule == rule)
        query = query.where(c.id.in_(faulty))
    return query


# ---------------------------------------------------------------- what a source calls them


def items(tx: Connection, source_id: int) -> dict[int, Item]:
    """What a source last said, by image id."""
    c = t.source_item.c
    rows = tx.execute(
        select(c.image_id, c.item, c.content_hash, c.revision_id, c.gone, c.open).where(c.source_id == source_id)
    )
    return {row.image_id: Item(*row) for row in rows}


def item_extra(tx: Connection, source_id: int) -> dict[int, dict[str, Any]]:
    """The fields we do not know that a source keeps beside each picture, by image id."""
    c = t.source_item.c
    rows = tx.execute(select(c.image_id, c.extra).where(c.source_id == source_id, c.extra.is_not(None)))
    return {row.image_id: msgspec.json.decode(row.extra) for row in rows}


def put_items(tx: Connection, source_id: int, found: Iterable[tuple[Item, Mapping[str, Any]]]) -> None:
    """Remember what a source says now of these pictures."""
    rows = [
        {
            "source_id": source_id,
            "image_id": item.image_id,
            "item": item.item,
            "content_hash": item.content_hash,
            "revision_id": item.revision_id,
            "extra": msgspec.json.encode(extra) if extra else None,
            "gone": item.gone,
            "open": item.open,
        }
        for item, extra in found
    ]
    if rows:
        ids = [row["image_id"] for row in rows]
        tx.execute(
            t.source_item.delete().where(t.source_item.c.source_id == source_id, t.source_item.c.image_id.in_(ids))
        )
        tx.execute(insert(t.source_item), rows)


def hold(tx: Connection, source_id: int, found: Iterable[tuple[int, int | None]]) -> None:
    """From which revision of these pictures (image id, revision id) a source's next edit goes on."""
    c = t.source_item.c
    for image_id, revision_id in found:
        which = (c.source_id == source_id, c.image_id == image_id)
        tx.execute(update(t.source_item).where(*which).values(revision_id=revision_id))


def half_judged(tx: Connection, project: str) -> set[int]:
    """Pictures on which a person has judged only some of a model's boxes; a tool tells more than an old import."""
    c = t.source_item.c
    query = select(c.image_id).join(t.source, t.source.c.id == c.source_id)
    query = query.where(t.source.c.project == project, c.open > 0, c.gone.is_(False))
    return set(tx.scalars(query.where((t.source.c.kind != "import") | ~in_vott(c.image_id))))


def in_vott(image_id: ColumnElement[int]) -> ColumnElement[bool]:
    """Whether a connected VoTT project has a picture now."""
    item, tool = t.source_item.alias(), t.source.alias()
    query = select(item.c.image_id).join(tool, tool.c.id == item.c.source_id)
    return query.where(item.c.image_id == image_id, item.c.gone.is_(False), tool.c.kind.like("vott-%")).exists()


def tool_ids(tx: Connection, source_id: int) -> dict[str, int]:
    """Image id by the tool's own id."""
    c = t.source_item.c
    return {
        row.item: row.image_id
        for row in tx.execute(select(c.item, c.image_id).where(c.source_id == source_id, c.item.is_not(None)))
    }
