"""Planted labelling mistakes, each as people really make it, so that the demo's check has something to find."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import NamedTuple

from bridge.model.annotation import Box, Document, Region

_OVERSHOOT = 11.0


class Planted(NamedTuple):
    """One mistake: the picture it is in, and the rule that should find it."""

    image: str
    rule: str


def plant_defects(documents: Iterable[Document], seed: int = 0) -> tuple[list[Document], list[Planted]]:
    """The documents with one mistake of each kind in the training part, each in a picture of its own.

    Clipping, swapping corners and dropping the duplicate give back the labels as they were. Kinds that find no
    picture to fit (a box at the border, say) are left out of the list.
    """
    planted = list(documents)
    open_rows = [k for k, d in enumerate(planted) if d.regions and not d.held_out]
    random.Random(seed).shuffle(open_rows)
    said = []
    for rule, mistake in _MISTAKES.items():
        for k in open_rows:
            spoilt = mistake(planted[k])
            if spoilt is not None:
                planted[k] = spoilt
                said.append(Planted(spoilt.image.name, rule))
                open_rows.remove(k)
                break
    return planted, said


def _outside(document: Document) -> Document | None:
    """Drag a box that ends at the picture's border on past it."""
    width, height = float(document.image.width), float(document.image.height)
    for k, (region, box) in enumerate(_boxes(document)):
        dragged = Box(
            box.left - _OVERSHOOT if box.left <= 0 else box.left,
            box.top - _OVERSHOOT if box.top <= 0 else box.top,
            box.right + _OVERSHOOT if box.right >= width else box.right,
            box.bottom + _OVERSHOOT if box.bottom >= height else box.bottom,
        )
        if dragged != box:
            return _changed(document, k, Region.rectangle(dragged, *region.labels))
    return None


def _swapped(document: Document) -> Document | None:
    """Draw a box from its lower right corner."""
    region = _first(document)
    return _changed(document, 0, replace(region, points=region.points[::-1]))


def _duplicate(document: Document) -> Document | None:
    """Paste a box twice."""
    return _added(document, _first(document))


def _zero_area(document: Document) -> Document | None:
    """Let go of the mouse too early: a line."""
    return _added(document, Region.rectangle(Box(40.0, 60.0, 40.0, 95.0), *_first(document).labels))


def _tiny(document: Document) -> Document | None:
    """Click where a drag was meant; darknet would drop such a box without a word."""
    return _added(document, Region.rectangle(Box(150.0, 120.0, 150.5, 120.5), *_first(document).labels))


def _undeclared(document: Document) -> Document | None:
    """Type a label with a capital letter that the project does not have."""
    region = _first(document)
    return _changed(document, 0, replace(region, labels=tuple(label.capitalize() for label in region.labels)))


def _untagged(document: Document) -> Document | None:
    """Draw a box and forget to say what it is."""
    return _changed(document, 0, replace(_first(document), labels=()))


def _unreviewed(document: Document) -> Document | None:
    """Skip a picture: it must not be taken for an empty one."""
    return replace(document, regions=None)


_MISTAKES: dict[str, Callable[[Document], Document | None]] = {
    "outside": _outside,
    "swapped": _swapped,
    "duplicate-box": _duplicate,
    "zero-area": _zero_area,
    "tiny": _tiny,
    "undeclared-label": _undeclared,
    "untagged": _untagged,
    "unreviewed": _unreviewed,
}


def _boxes(document: Document) -> list[tuple[Region, Box]]:
    return [(region, region.box) for region in document.regions or () if region.box]


def _first(document: Document) -> Region:
    assert document.regions
    return document.regions[0]


def _changed(document: Document, index: int, region: Region) -> Document:
    regions = document.regions or ()
    return replace(document, regions=(*regions[:index], region, *regions[index + 1 :]))


def _added(document: Document, region: Region) -> Document:
    return replace(document, regions=(*(document.regions or ()), region))
