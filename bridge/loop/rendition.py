"""A picture's labels put over what a tool's file says of it: what stays the same stays as the tool wrote it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from bridge.loop.matching import match, same
from bridge.model.annotation import Document, Image, Region, content_hash
from bridge.model.prediction import accepted_id


def rendition(document: Document, regions: Sequence[Region]) -> Document:
    """What the tool's document becomes with these regions of a person, box by box.

    A region that stands there keeps its id and its unknown fields; one that says the same is left as it is. Of the
    model's boxes those go that are a person's by now.
    """
    there = document.regions or ()
    origin = {j: i for i, j in match(there, regions).items()}
    drawn = tuple(_carried(region, there[origin[j]]) if j in origin else region for j, region in enumerate(regions))
    left = tuple(p for p in document.predictions if not _is_taken(p, regions))
    return replace(document, regions=drawn, predictions=left)


def _carried(region: Region, there: Region) -> Region:
    if same(region, there):
        return there
    return replace(there, kind=region.kind, points=region.points, labels=region.labels)


def _is_taken(prediction: Region, regions: Sequence[Region]) -> bool:
    own = accepted_id(prediction.region_id)
    return any(region.region_id == own or same(region, prediction) for region in regions)


def relabelled(regions: Sequence[Region], present: Mapping[str, str]) -> tuple[Region, ...]:
    """Regions under the names that their labels have now, by the names they had."""
    return tuple(
        replace(region, labels=tuple(dict.fromkeys(present.get(label, label) for label in region.labels)))
        for region in regions
    )


def content_of(image: Image, regions: Sequence[Region] | None) -> str | None:
    """The content hash of what a tool says of a picture; None where no person has said anything."""
    return None if regions is None else content_hash(image.name, image.width, image.height, regions)
