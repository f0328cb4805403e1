"""Boxes without width or height."""

from __future__ import annotations

from collections.abc import Iterator

from bridge.model.finding import Finding, Severity
from bridge.plugin import View
from plugins.validators.boxes import boxes, names, short

# Places are compared to 1/1000 px; a side below that is none.
_NONE = 1e-3


class ZeroArea:
    """An error: darknet drops such a box without a word (Hank.ai's stops), so the object becomes background."""

    rule = "zero-area"

    def check(self, view: View) -> Iterator[Finding]:
        """One finding per box; what was meant only a person can say."""
        for document, index, region, box in boxes(view):
            if box.width < _NONE or box.height < _NONE:
                fields = {
                    "box": index + 1,
                    "label": names(region),
                    "width": short(box.width),
                    "height": short(box.height),
                    "x": short(box.left),
                    "y": short(box.top),
                }
                yield Finding(self.rule, Severity.ERROR, document.image.name, fields, index)
