"""A folder that was imported before it was connected: what the import read there is what the tool is known to hold.

Without that, nobody would know what an annotator's edits after the import were made from, and each of them would be a
conflict.
"""

from __future__ import annotations

from collections.abc import Set
from dataclasses import replace

from sqlalchemy import Connection

from bridge.errors import BridgeError
from bridge.loop.tool import reach_folder
from bridge.model.project import Source
from bridge.store import images, projects
from bridge.workspace import Workspace


def forerunner(ws: Workspace, draft: Source) -> Source | None:
    """The newest import of the same project files as a source that is to be made; None where there is none."""
    with ws.db.read() as tx:
        imports = [s for s in projects.sources(tx, draft.project) if s.kind == "import"]
    wanted = _files(ws, draft)
    same = (s for s in reversed(imports) if s.options.get("format") == draft.kind)
    return next((s for s in same if _files(ws, replace(draft, place=s.place)) == wanted), None)


def _files(ws: Workspace, source: Source) -> Set[str]:
    """The project files at a place; it may name them, or the folder that they are in or beside."""
    try:
        return set(reach_folder(ws, source).stamps())
    except BridgeError:
        return set()


def hand_over(tx: Connection, before: Source, source: Source) -> None:
    """Let a source begin where an import of the same files ended."""
    held, extra = images.items(tx, before.id), images.item_extra(tx, before.id)
    names = {i: image.name.rpartition("/")[2] for i, image in images.find_many(tx, list(held)).items()}
    own = ((replace(item, item=item.item or names[i]), extra.get(i, {})) for i, item in held.items() if i in names)
    images.put_items(tx, source.id, own)
