"""A document → the raw regions of its frame, in the full form of v1.7.2; what nobody touched stays as it was read."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from itertools import count
from math import inf
from typing import Any

from bridge.model.annotation import Document, Image, Kind, Point, Region
from plugins.formats.grid import same_size
from plugins.formats.marked import mark, unmarked
from plugins.formats.vott1.region import EXTRA, in_source_pixels, read_region
from plugins.formats.vott1.scale import recorded_size

_TYPES: dict[Kind, str] = {
    "rectangle": "rect",
    "ellipse": "rect",
    "polygon": "polygon",
    "rotated": "polygon",
    "polyline": "polyline",
    "point": "point",
}
_UID = re.compile(r"[\w-]{1,80}")


def raw_frame(document: Document, tags: Mapping[str, str], ids: Iterator[int] | None = None) -> list[Any]:
    """The frame of a picture as VoTT v1.7.2 writes it; tags are the names to write for its labels.

    Predictions are marked by their UID; new ones are left out where a person has drawn.
    """
    ids = ids or count()
    items: list[tuple[float, Any]] = [(at, raw) for at, raw in document.extra.get(EXTRA, {}).get("others", [])]
    mine = [_persons(_tagged(region, tags)) for region in document.regions or ()]
    for number, region in enumerate((*mine, *predictions(document, tags))):
        raw = raw_region(region, document, number, ids)
        if raw is not None:
            items.append((region.extra.get(EXTRA, {}).get("at", inf), raw))
    return [raw for _, raw in sorted(items, key=lambda item: item[0])]


def predictions(document: Document, tags: Mapping[str, str]) -> list[Region]:
    """The predictions to write: those that stand in the file already, and new ones where no person has drawn."""
    marked: list[Region] = []
    if document.regions == ():  # Somebody saw that there is nothing: marked boxes would say that nobody looked.
        return marked
    for n, region in enumerate(_tagged(prediction, tags) for prediction in document.predictions):
        if unmarked(region.region_id or "", region) is not None:
            marked.append(region)
        elif document.regions is None:
            checkpoint = (region.author or "").removeprefix("checkpoint:")
            marked.append(replace(region, region_id=mark(checkpoint or "unknown", n, region)))
    return marked


def has_new_predictions(document: Document, tags: Mapping[str, str]) -> bool:
    """Whether writing puts predictions into the file that did not stand there."""
    known = {region.region_id for region in document.predictions}
    return any(region.region_id not in known for region in predictions(document, tags))


def _tagged(region: Region, tags: Mapping[str, str]) -> Region:
    return replace(region, labels=tuple(tags.get(label, label) for label in region.labels))


def _persons(region: Region) -> Region:
    """A person's region, never under an id by which it would be taken for a prediction again."""
    own = region.region_id or ""
    return region if unmarked(own, region) is None else replace(region, region_id=None)


def raw_region(region: Region, document: Document, number: int, ids: Iterator[int]) -> dict[str, Any] | None:
    """One region of a document; None for what v1 cannot hold in any form."""
    image, old = document.image, region.extra.get(EXTRA, {}).get("raw", {})
    if old and _untouched(old, region, document):
        return dict(old)
    type_, points = _TYPES.get(region.kind), _outline(region)
    if type_ is None or not points:
        return dict(old) or None
    corners = _corners(region)
    scored = {} if region.score is None else {"score": region.score}
    return {
        **old,
        **corners,
        **({"width": image.width, "height": image.height} if image.width else {}),
        "box": corners,
        "points": [{"x": _number(x), "y": _number(y)} for x, y in points],
        "UID": _uid(region, image, number),
        "id": old["id"] if "id" in old else next(ids),
        "type": type_,
        "tags": list(region.labels),
        "name": number + 1,
        **scored,
    }


def _untouched(old: dict[str, Any], region: Region, document: Document) -> bool:
    """Whether the region still says what was read, in a form that no newer VoTT would read otherwise."""
    image = document.image
    again, _ = read_region(old, image, 0)
    if replace(again, extra={}) != replace(region, extra={}, author=None, score=None):
        return False
    # Canvas pixels are written anew as source pixels, unless the picture's size is only known from them.
    return region.kind == "damaged" or in_source_pixels(old, image) or (image.file is None and _is_canvas(document))


def _is_canvas(document: Document) -> bool:
    """Whether the size of a picture is that which its regions recorded, or not known at all."""
    raws = (region.extra.get(EXTRA, {}).get("raw", {}) for region in document.regions or ())
    size = next((size for raw in raws if (size := recorded_size(raw))), None)
    return size is None or not document.image.width or same_size(size, (document.image.width, document.image.height))


def _outline(region: Region) -> tuple[Point, ...]:
    """The points that VoTT keeps: of a rectangle all four corners, top-left first and clockwise."""
    box = region.box
    if region.kind == "ellipse" and box is not None:
        return _four((box.left, box.top), (box.right, box.bottom))
    return _four(*region.points) if region.kind == "rectangle" else region.points


def _four(first: Point, second: Point) -> tuple[Point, ...]:
    (left, top), (right, bottom) = first, second
    return ((left, top), (right, top), (right, bottom), (left, bottom))


def _corners(region: Region) -> dict[str, float | int]:
    if region.kind == "rectangle":  # As the tool wrote them, also where the corners are in the wrong order.
        (left, top), (right, bottom) = region.points
    elif region.box is not None:
        left, top, right, bottom = region.box.left, region.box.top, region.box.right, region.box.bottom
    else:
        (left, top), (right, bottom) = region.points[0], region.points[0]
    return {"x1": _number(left), "y1": _number(top), "x2": _number(right), "y2": _number(bottom)}


def _number(value: float) -> float | int:
    """A whole number as JavaScript writes it: 160, not 160.0."""
    return int(value) if value % 1 == 0 else value


def _uid(region: Region, image: Image, number: int) -> str:
    """The region's own id if VoTT can use it, else eight hex digits that are the same in every export."""
    own = region.region_id or ""
    if _UID.fullmatch(own) or unmarked(own, region) is not None:
        return own
    told = f"{image.name}|{number}|{region.points}"
    return hashlib.sha256(told.encode("utf-8", "surrogatepass")).hexdigest()[:8]
