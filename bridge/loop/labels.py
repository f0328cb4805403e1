"""Renaming and merging the classes of a project; what was written before is read under the new name."""

from __future__ import annotations

from bridge.model.project import Project
from bridge.store import offers, projects, tokens
from bridge.workspace import Workspace


def rename(ws: Workspace, project: str, old: str, new: str, who: str) -> Project:
    """Rename a label; raises InputError label-name, NotFoundError label-unknown, ConflictError label-exists."""
    with ws.db.write() as tx:
        found = projects.find(tx, project)
        projects.rename_label(tx, found.id, old, new)
        tokens.record(tx, who, "label-rename", found.id, {"old": old, "new": new})
        return projects.find(tx, found.id)


def merge(ws: Workspace, project: str, old: str, into: str, who: str) -> Project:
    """Count every box of one label to another (a slip of the pen, a synonym); raises as rename."""
    with ws.db.write() as tx:
        found = projects.find(tx, project)
        projects.merge_label(tx, found.id, old, into)
        offers.forget_all(tx, found.id)  # What counted as relabelled may count as kept.
        tokens.record(tx, who, "label-merge", found.id, {"old": old, "into": into})
        return projects.find(tx, found.id)
