"""Objects of an annotation file → regions.

An object has one label and a box. What more a region has (further labels, another shape, an id) stands in an element of
ours that other programs pass over; what an object has beside label and box is kept in extra.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from bridge.model.annotation import Kind, Point, Region
from plugins.formats.grid import Grid
from plugins.formats.halves import whole
from plugins.formats.pixels import number, snap
from plugins.formats.voc.annotation import OURS, Corners, label_of, numbers_of
from plugins.formats.voc.markup import Record, record_of, text_of

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

KEY = "voc"
# An object of which nobody said anything but label and box.
_SAID = (("name", ""), ("pose", "Unspecified"), ("truncated", "0"), ("difficult", "0"), ("bndbox", ""))
PLAIN: Record = ["object", {}, "", [[tag, {}, text, []] for tag, text in _SAID]]
_KINDS: dict[str, tuple[int, int | None]] = {
    "rectangle": (2, 2),
    "polygon": (1, None),
    "polyline": (1, None),
    "point": (1, 1),
    "ellipse": (4, 4),
    "rotated": (4, 4),
    "brush": (0, None),
    "damaged": (0, None),
}
_NEAR = 0.01  # Other programs round.


@dataclass(frozen=True, slots=True)
class Reader:
    """How objects of one file are read: what its numbers mean and for what grid they are.

    heightless tells that no lower edge in it can be right; tagged, that objects which follow each other with one box
    are the labels of one region, as VoTT writes them; extras, whether to keep what only VOC knows.
    """

    corners: Corners
    grid: Grid
    heightless: bool = False
    tagged: bool = False
    extras: bool = True

    def regions(self, root: Element) -> tuple[Region, ...]:
        """All regions of an annotation: its objects, those that are labels of one region together, then bare ones."""
        groups = _grouped(root.findall("object"), self.tagged)
        bare = [region for element in root.findall(f"{OURS}/region") if (region := self._bare(element))]
        return (*map(self._region, groups), *bare)

    def _region(self, group: list[Element]) -> Region:
        first = group[0]
        labels = tuple(dict.fromkeys(filter(None, map(_label, group))))
        extra = {KEY: {"objects": rests}} if self.extras and any(rests := [_rest(one) for one in group]) else {}
        shape = self._shape(first)
        if shape is None:
            whole_one = {KEY: {"objects": [record_of(one) for one in group], "whole": True}}
            return Region("damaged", (), labels, _own_id(first), extra=whole_one)
        return Region(*shape, labels, _own_id(first), extra=extra)

    def _shape(self, element: Element) -> tuple[Kind, tuple[Point, ...]] | None:
        """Kind and points, ours if the box still is that of our shape; None for a box that cannot be known."""
        numbers, own = numbers_of(element), _own_shape(element.find(OURS))
        if own is not None and own[0] == "damaged":
            return None
        if numbers is None or self.heightless:
            return None
        left, top, right, bottom = numbers
        if self.corners == "voc":
            left, top = snap(left - 1), snap(top - 1)
        if own is not None and _is_around(own, (left, top, right, bottom)):
            return own[0], self.grid.stored(own[1])
        return "rectangle", self.grid.stored_corners(((left, top), (right, bottom)))

    def _bare(self, element: Element) -> Region | None:
        """A region without a box or a label; None for what we did not write so."""
        own = _own_shape(element)
        if own is None:
            return None
        labels = tuple(whole(label.text) for label in element.findall("label") if label.text)
        rectangle = own[0] == "rectangle"
        points = self.grid.stored_corners(own[1]) if rectangle else self.grid.stored(own[1])
        return Region(own[0], points, labels, _own_id(element))


def _grouped(elements: Sequence[Element], tagged: bool) -> list[list[Element]]:
    """Objects that were written for one region, one for each label; every other one is a region of its own."""
    groups: dict[Any, list[Element]] = {}
    last: Any = None
    for index, element in enumerate(elements):
        told, numbers = text_of(element.find(OURS), "region"), numbers_of(element)
        key = (told, numbers) if told else last if tagged and _goes_on(groups.get(last), element) else index
        groups.setdefault(key, []).append(element)
        last = key
    return list(groups.values())


def _goes_on(group: list[Element] | None, element: Element) -> bool:
    """Whether an object is one label more of the region before it."""
    if not group or numbers_of(element) is None or numbers_of(group[0]) != numbers_of(element):
        return False
    names = [label_of(one) for one in (*group, element)]
    return all(names) and len(set(names)) == len(names)


def _label(element: Element) -> str:
    return whole(label_of(element))


def _own_id(element: Element) -> str | None:
    own = element if element.tag == "region" else element.find(OURS)
    return (own.findtext("id") if own is not None else None) or None


def _own_shape(element: Element | None) -> tuple[Kind, tuple[Point, ...]] | None:
    """Kind and points as we wrote them; None if anything of it is not as we write it."""
    kind, points = text_of(element, "kind"), _points(text_of(element, "points"))
    if kind not in _KINDS or points is None:
        return None
    least, most = _KINDS[kind]
    return (cast(Kind, kind), points) if least <= len(points) <= (len(points) if most is None else most) else None


def _points(text: str) -> tuple[Point, ...] | None:
    points = []
    for pair in text.split():
        x, _, y = pair.partition(",")
        across, down = number(x), number(y)
        if across is None or down is None:
            return None
        points.append((across, down))
    return tuple(points)


def _is_around(shape: tuple[Kind, tuple[Point, ...]], numbers: tuple[float, float, float, float]) -> bool:
    """Whether these are still the bounds of the shape: another program may have moved the box."""
    box = Region(*shape).box
    if box is None:
        return False
    bounds = (box.left, box.top, box.right, box.bottom)
    return all(abs(a - b) <= _NEAR for a, b in zip(bounds, numbers, strict=True))


def _rest(element: Element) -> Record | None:
    """What an object says beside label and box, with the places of those two; None where it is what all say."""
    tag, attributes, text, children = record_of(element)
    kept = [tag, attributes, text, [_emptied(record) for record in children if record[0] != OURS]]
    return None if kept == PLAIN else kept


def _emptied(record: Record) -> Record:
    return [record[0], record[1], "", []] if record[0] in ("name", "bndbox") else record
