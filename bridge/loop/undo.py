"""Taking back a change: the labels before it become a new revision, and the change stays in the history."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection

from bridge.errors import ConflictError
from bridge.model.annotation import Label, Revision
from bridge.store import images, projects, revisions, tokens
from bridge.store.revisions import Draft
from bridge.workspace import Workspace


def undo(ws: Workspace, project: str, image: str | None = None, who: str = "local") -> int:
    """Take back the last change of one picture, or all present safe fixes of a project; gives how many changed.

    Raises ConflictError undo-nothing when there is nothing to take back, or undo-conflict for a picture in conflict.
    """
    with ws.db.write() as tx:
        found = projects.find(tx, project)
        if image is not None:
            wanted = images.find(tx, found.id, image)
            assert wanted.id is not None
            heads = revisions.heads(tx, wanted.id, found.labels)
            if len(heads) > 1:
                raise ConflictError("undo-conflict", image=image)
            chosen = heads
        else:
            chosen = _last_fixes(tx, found.id, found.labels)
        drafts = [draft for head in chosen if (draft := _before(tx, head, found.labels, who))]
        if not drafts:
            raise ConflictError("undo-nothing", project=found.name, image=image or "-")
        revisions.put(tx, drafts, found.labels)
        tokens.record(tx, who, "undo", found.id, {"pictures": len(drafts), "image": image})
    return len(drafts)


def _last_fixes(tx: Connection, project: str, labels: Sequence[Label]) -> list[Revision]:
    """The present labels that came from a fix."""
    found = [c for c in revisions.current(tx, project, labels) if c.revision_id is not None]
    present = revisions.find_many(tx, [c.revision_id for c in found if c.revision_id is not None], labels)
    return [revision for revision in present.values() if revision.source == "fix"]


def _before(tx: Connection, head: Revision, labels: Sequence[Label], who: str) -> Draft | None:
    parent = revisions.find(tx, head.parent_id, labels) if head.parent_id is not None else None
    if parent is None:
        return None
    return Draft(head.image_id, parent.regions, parent.content_hash, who, "undo", (head.id,), extra=parent.extra)
