"""Pictures that a tool had and has no more: their labels stay, and a finding says so."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from sqlalchemy import Connection

from bridge.loop.joining import Joining
from bridge.model.annotation import fold_name
from bridge.model.finding import Finding, Severity
from bridge.model.project import Source
from bridge.plugin import Changes
from bridge.store import images
from bridge.store.images import Item

_SLICE = 500


def vanished(joining: Joining, changes: Changes) -> dict[int, bool]:
    """Pictures that the tool had and has no more (True), or that it has again although they were gone (False)."""
    names = {image.id: fold_name(image.name) for image in joining.known.values()}
    absent = {
        item.image_id: _absent(item, names.get(item.image_id, ""), joining, changes) for item in joining.items.values()
    }
    return {i: now for i, now in absent.items() if now is not None and now != joining.items[i].gone}


def _absent(item: Item, folded: str, joining: Joining, changes: Changes) -> bool | None:
    """Whether the tool lacks an item now; None where this reading does not tell."""
    if item.item is not None and changes.present is not None:
        return item.item not in changes.present
    if changes.whole:
        # A picture that was known by its bytes alone has another name there than here.
        return folded not in joining.seen and fold_name(item.item or "") not in joining.seen
    return True if item.item in changes.gone else None


def remember(tx: Connection, source: Source, joining: Joining, gone: Mapping[int, bool], whole: bool) -> list[Finding]:
    """Remember what is gone and what came back; gives a finding for what is newly gone, or (whole) gone at all."""
    items = images.items(tx, source.id) if gone or whole else {}
    extra = images.item_extra(tx, source.id) if gone else {}
    # One that came back under another id meanwhile is not gone.
    still = [items[i] for i in gone if i in items and items[i].item == joining.items[i].item]
    for first in range(0, len(still), _SLICE):
        part = still[first : first + _SLICE]
        told = [(replace(item, gone=gone[item.image_id]), extra.get(item.image_id, {})) for item in part]
        images.put_items(tx, source.id, told)
    lost = {item.image_id for item in still if gone[item.image_id]}
    if whole:  # Such a reading replaces all findings of the source.
        lost |= {item.image_id for item in items.values() if item.gone} - {i for i, now in gone.items() if not now}
    names = {image.id: image.name for image in joining.known.values()}
    return [Finding("lost", Severity.WARNING, names.get(i), {"case": "picture"}) for i in sorted(lost)]
