"""The same box with the same labels, twice in one picture."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from bridge.model.annotation import Document, Region
from bridge.model.finding import Finding, Fix, Severity
from bridge.model.likeness import Likeness, likeness
from bridge.plugin import View
from plugins.validators.boxes import names


class DuplicateBox:
    """A warning: training counts the object twice, and a score never finds the second one, so recall falls."""

    rule = "duplicate-box"

    def check(self, view: View) -> Iterator[Finding]:
        """One finding per copy; the first one that a person drew stays."""
        for document in view.documents:
            regions = document.regions or ()
            if len(regions) > 1:
                yield from self._copies(document, regions)

    def _copies(self, document: Document, regions: Sequence[Region]) -> Iterator[Finding]:
        kept: dict[Likeness, int] = {}
        copies: dict[int, Likeness] = {}
        for index, region in enumerate(regions):
            key = likeness(region)
            if key is None:
                continue
            first = kept.setdefault(key, index)
            if first != index:
                drawn_by_a_person = region.author is None and regions[first].author is not None
                copies[first if drawn_by_a_person else index] = key
                kept[key] = index if drawn_by_a_person else first
        for index, key in sorted(copies.items()):
            fields = {"box": index + 1, "first": kept[key] + 1, "label": names(regions[index])}
            yield Finding(self.rule, Severity.WARNING, document.image.name, fields, index, Fix.DROP_DUPLICATE)
