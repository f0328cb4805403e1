"""The open conflicts of a project, what differs in each, and settling one: a person says what holds, never a clock."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import reduce

from sqlalchemy import Connection

from bridge.errors import ConflictError, NotFoundError
from bridge.loop.matching import Change, changes
from bridge.loop.merging import combine
from bridge.model.annotation import Image, Label, Region, Revision, content_hash
from bridge.model.finding import Finding, Severity
from bridge.model.project import Project
from bridge.store import images, projects, revisions, tokens
from bridge.store.revisions import Draft
from bridge.workspace import Workspace


@dataclass(frozen=True, slots=True)
class Conflict:
    """A picture with more than one present revision, oldest first; base is what all were made from, if anything."""

    image: Image
    heads: tuple[Revision, ...]
    base: Revision | None = None

    def finding(self) -> Finding:
        """What a check says of it."""
        sources = ", ".join(f"{head.author}: {head.source}" for head in self.heads)
        fields = {"sources": sources, "count": len(self.heads)}
        return Finding("conflict", Severity.WARNING, self.image.name, fields)

    def before(self, head: Revision) -> Sequence[Region]:
        """What a set of labels is compared with: what all were made from, else another one of them."""
        if self.base is not None:
            return self.base.regions
        return next((other.regions for other in self.heads if other.id != head.id), ())

    def changes(self, head: Revision) -> tuple[Change, ...]:
        """What one set of labels says otherwise; what another one alone has is no deletion where all began anew."""
        found = changes(self.before(head), head.regions)
        return tuple(change for change in found if self.base is not None or change.kind != "removed")

    def union(self) -> tuple[Region, ...]:
        """All of them in one, region by region; what clashes is there in each of its versions."""
        base = self.base.regions if self.base is not None else ()
        every = [tuple(head.regions) for head in self.heads]
        return reduce(lambda one, other: combine(base, one, other).regions, every)


def conflicts(tx: Connection, project: Project) -> Iterator[Conflict]:
    """The pictures of a project whose labels clash, in the order they came in."""
    ids = sorted(revisions.conflicts(tx, project.id))
    known = images.find_many(tx, ids)
    for image_id in ids:
        yield conflict_of(tx, known[image_id], project.labels)


def conflict_of(tx: Connection, image: Image, labels: Sequence[Label]) -> Conflict:
    """The present revisions of a picture, and what they were made from; with one there is no conflict."""
    assert image.id is not None
    heads = tuple(revisions.heads(tx, image.id, labels))
    common: int | None = heads[0].id if heads else None
    for head in heads[1:]:
        common = revisions.common_ancestor(tx, common, head.id) if common is not None else None
    base = revisions.find(tx, common, labels) if common is not None and len(heads) > 1 else None
    return Conflict(image, heads, base)


def resolve(ws: Workspace, project: str, image: str, keep: int | None, who: str = "local") -> int:
    """Make the head of that id the only one, as a new revision after all of them; gives the new id.

    Without an id all heads hold together, region by region. Raises ConflictError resolve-nothing when there is no
    conflict (any more), NotFoundError for another id.
    """
    with ws.db.write() as tx:
        found = projects.find(tx, project)
        conflict = conflict_of(tx, images.find(tx, found.id, image), found.labels)
        if len(conflict.heads) < 2:
            raise ConflictError("resolve-nothing", image=image)
        draft = _kept(conflict, keep, who) if keep is not None else _united(conflict, who)
        [new] = revisions.put(tx, [draft], found.labels)
        tokens.record(tx, who, "resolve", found.id, {"image": image, "kept": keep})
    return new


def _kept(conflict: Conflict, keep: int, who: str) -> Draft:
    chosen = next((head for head in conflict.heads if head.id == keep), None)
    if chosen is None:
        raise NotFoundError("revision-missing", revision=keep, image=conflict.image.name)
    others = (head.id for head in conflict.heads if head.id != chosen.id)
    return _draft(conflict.image, chosen.regions, chosen.content_hash, who, (chosen.id, *others), chosen)


def _united(conflict: Conflict, who: str) -> Draft:
    image, regions = conflict.image, conflict.union()
    digest = content_hash(image.name, image.width, image.height, regions)
    return _draft(image, regions, digest, who, tuple(head.id for head in conflict.heads), conflict.heads[0])


def _draft(
    image: Image, regions: Sequence[Region], digest: str, who: str, parents: tuple[int, ...], like: Revision
) -> Draft:
    assert image.id is not None
    return Draft(image.id, tuple(regions), digest, who, "resolve", parents, extra=like.extra)
