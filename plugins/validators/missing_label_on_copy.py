"""Objects that are labelled on one copy of a picture and not, or as something else, on the other."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import isfinite

from bridge.errors import BridgeError
from bridge.model.annotation import Box, Document, Region
from bridge.model.finding import Finding, Severity
from bridge.plugin import View
from bridge.twins.album import families_of
from bridge.twins.detail import same_there
from plugins.validators.boxes import names, short

# Two boxes mean one object from here on (intersection over union). People draw small things less exactly.
_SAME = 0.4
# Each box is compared with each, so that more of them are not.
_MOST = 1000


@dataclass(frozen=True, slots=True)
class _Drawn:
    """A labelled box: its place in the list of regions, and where it would be on the copy."""

    index: int
    region: Region
    box: Box
    there: Box


class MissingLabelOnCopy:
    """A warning: on the copy without it the object is trained as background, and found there it counts as an error.

    Only where both copies show the same thing: in frames of a film an object may really have come or gone.
    """

    rule = "missing-label-on-copy"

    def check(self, view: View) -> Iterator[Finding]:
        """One finding per box and copy."""
        images = [d.image for d in view.documents if _is_settled(d)]
        families = families_of(images, view.notes, view.max_megapixels)
        wanted = {index for family in families for index in family.members}
        settled = (document for document in view.documents if _is_settled(document))
        seen = {index: document for index, document in enumerate(settled) if index in wanted}
        for family in families:
            pairs = {(min(one, other), max(one, other)) for one, (other, _) in family.closest.items()}
            for first, second in sorted(pairs):
                yield from self._unlike(seen[first], seen[second])
                yield from self._missing(seen[first], seen[second], view.max_megapixels)
                yield from self._missing(seen[second], seen[first], view.max_megapixels)

    def _unlike(self, one: Document, other: Document) -> Iterator[Finding]:
        """The same box with unlike labels."""
        theirs = _drawn(other, one)
        for drawn in _drawn(one, other):
            match = max(theirs, key=lambda their: _overlap(drawn.there, their.box), default=None)
            if match is None or _overlap(drawn.there, match.box) < _SAME:
                continue
            if not set(drawn.region.labels) & set(match.region.labels):
                fields = {
                    "case": "unlike",
                    "box": drawn.index + 1,
                    "label": names(drawn.region),
                    "theirs": names(match.region),
                    "other": other.image.name,
                }
                yield Finding(self.rule, Severity.WARNING, one.image.name, fields, drawn.index)

    def _missing(self, one: Document, other: Document, max_megapixels: int) -> Iterator[Finding]:
        """Boxes of the one of which the other has none."""
        theirs = [drawn.box for drawn in _drawn(other, one)]
        alone = [d for d in _drawn(one, other) if all(_overlap(d.there, box) < _SAME for box in theirs)]
        for drawn, same in zip(alone, _shown(one, other, alone, max_megapixels), strict=True):
            if same:
                fields = {
                    "label": names(drawn.region),
                    "other": one.image.name,
                    "box": drawn.index + 1,
                    "x": short(drawn.there.left),
                    "y": short(drawn.there.top),
                    "width": short(drawn.there.width),
                    "height": short(drawn.there.height),
                }
                yield Finding(self.rule, Severity.WARNING, other.image.name, fields)


def _is_settled(document: Document) -> bool:
    """Whether somebody has said what is on the picture, and its bytes are there to compare."""
    image = document.image
    regions = document.regions
    is_told = regions is not None and len(regions) <= _MOST and "conflict" not in document.extra
    return is_told and image.file is not None and image.width > 0 and image.height > 0


def _drawn(document: Document, other: Document) -> list[_Drawn]:
    """The labelled boxes with an area inside the picture; none where the copies are not turned alike."""
    image, copy = document.image, other.image
    if image.orientation != copy.orientation:
        return []
    across, down = copy.width / image.width, copy.height / image.height
    found = []
    for index, region in enumerate(document.regions or ()):
        box = region.box
        if box is None or not region.labels or not isfinite(box.left + box.top + box.right + box.bottom):
            continue
        box = box.inside(image.width, image.height)
        if box is not None:
            there = Box(box.left * across, box.top * down, box.right * across, box.bottom * down)
            found.append(_Drawn(index, region, box, there))
    return found


def _overlap(one: Box, other: Box) -> float:
    width = min(one.right, other.right) - max(one.left, other.left)
    height = min(one.bottom, other.bottom) - max(one.top, other.top)
    shared = max(width, 0.0) * max(height, 0.0)
    return shared / (one.width * one.height + other.width * other.height - shared) if shared else 0.0


def _shown(one: Document, other: Document, boxes: Sequence[_Drawn], max_megapixels: int) -> list[bool]:
    """Whether the other picture shows in each place what the one shows in its box."""
    if not boxes:
        return []
    assert one.image.file is not None
    assert other.image.file is not None
    here, there = [drawn.box for drawn in boxes], [drawn.there for drawn in boxes]
    try:
        return same_there(one.image.file.path, here, other.image.file.path, there, max_megapixels)
    except BridgeError:
        return [False] * len(boxes)  # Gone since, or damaged: told by other rules.
