"""The open conflicts of a project, and settling one: a person says which labels hold, the others become history."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from sqlalchemy import Connection

from bridge.errors import ConflictError, NotFoundError
from bridge.model.annotation import Image, Revision
from bridge.model.finding import Finding, Severity
from bridge.model.project import Project
from bridge.store import images, projects, revisions, tokens
from bridge.store.revisions import Draft
from bridge.workspace import Workspace


@dataclass(frozen=True, slots=True)
class Conflict:
    """A picture with more than one present revision, oldest first."""

    image: Image
    heads: tuple[Revision, ...]

    def finding(self) -> Finding:
        """What a check says of it."""
        sources = ", ".join(f"{head.author}: {head.source}" for head in self.heads)
        fields = {"sources": sources, "count": len(self.heads)}
        return Finding("conflict", Severity.WARNING, self.image.name, fields)


def conflicts(tx: Connection, project: Project) -> Iterator[Conflict]:
    """The pictures of a project whose labels clash, in the order they came in."""
    ids = sorted(revisions.conflicts(tx, project.id))
    known = images.find_many(tx, ids)
    for image_id in ids:
        yield Conflict(known[image_id], tuple(revisions.heads(tx, image_id, project.labels)))


def resolve(ws: Workspace, project: str, image: str, keep: int, who: str = "local") -> int:
    """Make the head of that id the only one, as a new revision after all of them; gives the new id.

    Raises ConflictError resolve-nothing when there is no conflict (any more), NotFoundError for another id.
    """
    with ws.db.write() as tx:
        found = projects.find(tx, project)
        wanted = images.find(tx, found.id, image)
        assert wanted.id is not None
        heads = revisions.heads(tx, wanted.id, found.labels)
        if len(heads) < 2:
            raise ConflictError("resolve-nothing", image=image)
        chosen = next((head for head in heads if head.id == keep), None)
        if chosen is None:
            raise NotFoundError("revision-missing", revision=keep, image=image)
        parents = (chosen.id, *(head.id for head in heads if head.id != chosen.id))
        draft = Draft(wanted.id, chosen.regions, chosen.content_hash, who, "resolve", parents, extra=chosen.extra)
        [new] = revisions.put(tx, [draft], found.labels)
        tokens.record(tx, who, "resolve", found.id, {"image": image, "kept": chosen.id})
    return new
