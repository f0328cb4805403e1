"""The labels that a picture's file should hold: one for each region and tag, with all that an exporter knew of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from bridge.model.annotation import Document, Image, Region
from plugins.formats.vott1.exports.faults import Drawn, Four, baked_box, fractions
from plugins.formats.vott1.region import EXTRA, read_region
from plugins.formats.vott1.scale import numbers, placed, recorded_size
from plugins.formats.yolo.lines import label_lines


@dataclass(frozen=True, slots=True)
class Candidate:
    """One label of one region; last tells that it is the one tag that VoTT exports."""

    region: int
    label: str
    last: bool
    drawn: Drawn
    prediction: bool = False


def candidates_of(document: Document, image: Image) -> tuple[list[Candidate], int]:
    """All labels of a picture, and how many cannot be checked: nobody knows where they lie in this picture.

    image is the picture, or the copy of it in the export where only that is there.
    """
    found: list[Candidate] = []
    unknown = 0
    marked = [(region, True) for region in document.predictions]
    for index, (region, prediction) in enumerate([*((region, False) for region in document.regions or ()), *marked]):
        raw = region.extra[EXTRA]["raw"]
        here = region if image is document.image else read_region(raw, image, index)[0]
        drawn = _drawn(raw, here, image)
        if drawn is None:
            unknown += len(region.labels) if region.box is not None else 0
        else:
            last = _last_tag(raw, region)
            found += [Candidate(index, label, label == last, drawn, prediction) for label in region.labels]
    return found, unknown


def _drawn(raw: dict[str, Any], region: Region, image: Image) -> Drawn | None:
    where = placed(raw, image)
    corners, box = numbers(raw), numbers(raw.get("box"))
    if where is None or where.turned or where.scale.note == "aspect" or not (image.width and image.height):
        return None
    if where.canvas and image.file is None:
        return None
    drawn = corners or box
    if drawn is None:
        return None
    size = image.width, image.height
    recorded = recorded_size(raw) or size
    right = next(_right(region, image), None)
    bounds = region.box
    corners = where.corners if bounds is None else (bounds.left, bounds.top, bounds.right, bounds.bottom)
    return Drawn(drawn, recorded, size, box or baked_box(drawn, recorded, size), right, fractions(corners, size))


def _right(region: Region, image: Image) -> Iterator[Four]:
    """The numbers that our own export writes for this region."""
    for line in label_lines([replace(region, labels=("one",))], ["one"], image.width, image.height):
        x, y, w, h = map(float, line.split()[1:])
        yield x, y, w, h


def _last_tag(raw: dict[str, Any], region: Region) -> str | None:
    listed = raw.get("tags")
    last = str(listed[-1]).strip() if isinstance(listed, list) and listed else ""
    return last if last in region.labels else next(reversed(region.labels), None)
