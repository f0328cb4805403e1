"""Pictures that are there twice, byte for byte or nearly so."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from bridge.model.annotation import Image
from bridge.model.finding import Finding, Severity
from bridge.plugin import View
from bridge.twins.album import families_of
from bridge.twins.families import Family

# More of them are told as one series: frames of a film, say.
_FEW = 5


class NearDuplicate:
    """A warning, since such pictures count double; an error where one is trained on and another held out.

    Re-encoding, another size, a little more or less light and a small watermark do not hide a copy.
    """

    rule = "near-duplicate"

    def check(self, view: View) -> Iterator[Finding]:
        """One finding per copy but the first of its family, or per held-out picture that is trained on; or a series."""
        images: list[Image] = []
        sides: list[bool | None] = []
        for document in view.documents:
            if document.image.file is not None:
                images.append(document.image)
                sides.append(document.held_out)
        for family in families_of(images, view.notes, view.max_megapixels):
            trained = [index for index in family.members if sides[index] is False]
            held_out = [index for index in family.members if sides[index]]
            if trained and held_out:
                yield from self._across(family, images, trained, held_out)
            else:
                yield from self._alike(family, images)

    def _across(
        self, family: Family, images: Sequence[Image], trained: Sequence[int], held_out: Sequence[int]
    ) -> Iterator[Finding]:
        for index in held_out:
            other, likeness = family.closest[index]
            if other not in trained:
                other, likeness = next((pair for pair in _links(family, index) if pair[0] in trained), (trained[0], 0))
            fields = {"case": "across", "other": images[other].name, "trained": len(trained)}
            percent = {"percent": _percent(likeness)} if likeness else {"case": "across-series"}
            yield Finding(self.rule, Severity.ERROR, images[index].name, fields | percent)

    def _alike(self, family: Family, images: Sequence[Image]) -> Iterator[Finding]:
        first, *copies = family.members
        if len(copies) >= _FEW:
            fields = {"case": "series", "count": len(family.members), "other": images[copies[-1]].name}
            yield Finding(self.rule, Severity.WARNING, images[first].name, fields)
            return
        for index in copies:
            other, likeness = family.closest[index]
            case = "bytes" if likeness == 1.0 and _same_bytes(images[index], images[other]) else "alike"
            fields = {"case": case, "other": images[other].name, "percent": _percent(likeness)}
            yield Finding(self.rule, Severity.WARNING, images[index].name, fields)


def _links(family: Family, index: int) -> Iterator[tuple[int, float]]:
    """Those whose closest one this is."""
    return ((one, likeness) for one, (other, likeness) in family.closest.items() if other == index)


def _same_bytes(one: Image, other: Image) -> bool:
    return one.sha256 is not None and one.sha256 == other.sha256


def _percent(likeness: float) -> int:
    return math.floor(100 * likeness)
