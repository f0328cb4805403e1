"""Sets of labels that clash, side by side: what each of them changed, drawn over the picture and in words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from bridge.loop.matching import Change
from bridge.loop.resolve import Conflict
from bridge.model.annotation import Revision
from bridge.web.pages.overlay import Shape, shapes


@dataclass(frozen=True, slots=True)
class Told:
    """One change in words: kind, label and place now, and those of before where they differ."""

    kind: str
    index: int | None
    name: str
    place: str
    was: str = ""


@dataclass(frozen=True, slots=True)
class Side:
    """One set of labels: its regions, the changes by region, what stood there before, and all changes in words."""

    head: Revision
    shapes: list[Shape]
    kinds: dict[int, str]
    ghosts: list[Shape]
    changes: list[Told]


def sides(conflict: Conflict, colours: Mapping[str, str]) -> list[Side]:
    """All sets of labels of a conflict, oldest first."""
    return [_side(conflict, head, colours) for head in conflict.heads]


def _side(conflict: Conflict, head: Revision, colours: Mapping[str, str]) -> Side:
    found = conflict.changes(head)
    before = [change.was for change in found if change.was is not None and change.kind != "relabelled"]
    return Side(
        head,
        shapes(head.regions, colours),
        {change.at: change.kind for change in found if change.at is not None},
        shapes(before, colours, dashed=True),
        [_told(change, colours) for change in found],
    )


def _told(change: Change, colours: Mapping[str, str]) -> Told:
    name, place = _words(change, colours, now=True)
    if change.was is None or change.kind == "removed":
        return Told(change.kind, change.at, name, place)
    old_name, old_place = _words(change, colours, now=False)
    was = {"moved": old_place, "relabelled": old_name}.get(change.kind, f"{old_name} {old_place}")
    return Told(change.kind, change.at, name, place, was)


def _words(change: Change, colours: Mapping[str, str], now: bool) -> tuple[str, str]:
    """Label and place of a region."""
    region = change.region if now or change.was is None else change.was
    drawn = shapes([region], colours)
    return (drawn[0].name, drawn[0].place) if drawn else (", ".join(region.labels) or "?", "")
