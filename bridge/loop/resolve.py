"""Settling a conflict: a person says which of a picture's present labels hold; the others stay in the history."""

from __future__ import annotations

from bridge.errors import ConflictError, NotFoundError
from bridge.store import images, projects, revisions, tokens
from bridge.store.revisions import Draft
from bridge.workspace import Workspace


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
