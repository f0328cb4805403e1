"""Rectangles whose second corner lies left of or above the first."""

from __future__ import annotations

from collections.abc import Iterator
from math import isfinite

from bridge.model.finding import Finding, Fix, Severity
from bridge.plugin import View
from plugins.validators.boxes import names


class Swapped:
    """A warning: we put the corners in order when writing, but another reader gets a negative width or height.

    Given such a label file, AlexeyAB's darknet trains on a distorted loss, pjreddie's drops the box, Hank.ai's aborts.
    """

    rule = "swapped"

    def check(self, view: View) -> Iterator[Finding]:
        """One finding per rectangle; putting its corners in order is always safe."""
        for document in view.documents:
            for index, region in enumerate(document.regions or ()):
                if region.kind != "rectangle" or len(region.points) != 2:
                    continue
                (left, top), (right, bottom) = region.points
                if (left > right or top > bottom) and isfinite(left + top + right + bottom):
                    fields = {"box": index + 1, "label": names(region)}
                    yield Finding(self.rule, Severity.WARNING, document.image.name, fields, index, Fix.SWAP)
