"""Walking over the boxes of a project, for the rules that look at one box at a time."""

from __future__ import annotations

from collections.abc import Iterator
from math import isfinite

from bridge.model.annotation import Box, Document, Image, Region
from bridge.plugin import View


def boxes(view: View) -> Iterator[tuple[Document, int, Region, Box]]:
    """Every region that has a box of finite numbers, with its picture and its index there."""
    for document in view.documents:
        for index, region in enumerate(document.regions or ()):
            box = region.box
            # A sum is finite only if all of its parts are.
            if box is not None and isfinite(box.left + box.top + box.right + box.bottom):
                yield document, index, region, box


def overshoot(box: Box, image: Image) -> float:
    """How many pixels the box reaches over the edge where it is worst; 0 or less when it lies inside."""
    return max(-box.left, -box.top, box.right - image.width, box.bottom - image.height)


def names(region: Region) -> str:
    """The labels of a region as a person reads them; a dash for none."""
    return ", ".join(region.labels) or "–"


def short(value: float, digits: int = 1) -> float | int:
    """A number rounded for people: 12 and not 12.0."""
    rounded = round(value, digits)
    return int(rounded) if rounded == int(rounded) else rounded
