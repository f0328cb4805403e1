"""Regions → objects of an annotation file, and what VOC has no word for in an element that only we read."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from bridge.model.annotation import Region
from plugins.formats.voc.annotation import OURS, SIDES, Corners
from plugins.formats.voc.markup import element_of
from plugins.formats.voc.objects import KEY, PLAIN

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element


def has_objects(region: Region) -> bool:
    """Whether a region is written as objects: it has a box and a label, or came as objects that nobody understood."""
    return bool(_whole(region, 0)) or (region.box is not None and bool(region.labels))


def objects_of(region: Region, index: int, corners: Corners) -> list[Element]:
    """One object for each label."""
    if kept := _whole(region, index):
        return kept
    rests = _rests(region)
    return [
        _object(region, label, index, corners, rests[n] if n < len(rests) else None)
        for n, label in enumerate(region.labels)
    ]


def _whole(region: Region, index: int) -> list[Element]:
    """The objects of a region that could not be understood, as they came, marked as such."""
    kept = region.extra.get(KEY)
    if region.kind != "damaged" or not isinstance(kept, dict) or not kept.get("whole"):
        return []
    found = [element for record in kept["objects"] if (element := element_of(record)) is not None]
    for n, element in enumerate(found):
        if n < len(region.labels):
            _put(element, _made("name", text=region.labels[n]))
        for own in element.findall(OURS):
            element.remove(own)
        element.append(_made(OURS, [*_tie(region, index), ("kind", "damaged"), *_ids(region)]))
    return found


def _rests(region: Region) -> list[Any]:
    kept = region.extra.get(KEY)
    rests = kept.get("objects") if isinstance(kept, dict) else None
    return rests if isinstance(rests, list) else []


def _object(region: Region, label: str, index: int, corners: Corners, rest: Any) -> Element:
    element = (element_of(rest) if rest else None) or _plain()
    _put(element, _made("name", text=label))
    _put(element, _made("bndbox", list(zip(SIDES, map(_text, _sides(region, corners)), strict=True))))
    own = _own(region, index)
    if own or label != label.strip():
        element.append(_made(OURS, own))
    return element


def _plain() -> Element:
    made = element_of(PLAIN)
    assert made is not None
    return made


def _put(element: Element, child: Element) -> None:
    """Fill a child's place, or make one at the end."""
    there = element.find(child.tag)
    if there is None:
        element.append(child)
        return
    there.text = child.text
    there.extend(child)


def _sides(region: Region, corners: Corners) -> tuple[float, float, float, float]:
    box = region.box
    assert box is not None
    left, top, right, bottom = box.left, box.top, box.right, box.bottom
    if region.kind == "rectangle":  # In the order in which they were, also where that is a wrong one.
        (left, top), (right, bottom) = region.points
    return (left + 1, top + 1, right, bottom) if corners == "voc" else (left, top, right, bottom)


def _own(region: Region, index: int) -> list[tuple[str, str]]:
    """What VOC has no word for."""
    shape = [] if region.kind == "rectangle" else _shape_texts(region)
    return _tie(region, index) + _ids(region) + shape


def _tie(region: Region, index: int) -> list[tuple[str, str]]:
    """What ties the objects of one region together."""
    return [("region", str(index))] if len(region.labels) > 1 else []


def _ids(region: Region) -> list[tuple[str, str]]:
    return [("id", region.region_id)] if region.region_id else []


def _shape_texts(region: Region) -> list[tuple[str, str]]:
    return [("kind", region.kind), ("points", " ".join(f"{_text(x)},{_text(y)}" for x, y in region.points))]


def bare_of(region: Region) -> Element:
    """A region without a box or a label, in the element that only we read."""
    labels = [("label", label) for label in region.labels]
    return _made("region", _shape_texts(region) + labels + _ids(region))


def _made(tag: str, children: Sequence[tuple[str, str]] = (), text: str = "") -> Element:
    made = element_of([tag, {}, text, [[name, {}, value, []] for name, value in children]])
    assert made is not None
    return made


def _text(value: float) -> str:
    return str(int(value)) if math.isfinite(value) and value == int(value) else repr(float(value))
