"""Regions without any label."""

from __future__ import annotations

from collections.abc import Iterator

from bridge.model.finding import Finding, Severity
from bridge.plugin import View
from plugins.validators.boxes import short


class Untagged:
    """An error: no class can be written for it, so the object would be trained as background."""

    rule = "untagged"

    def check(self, view: View) -> Iterator[Finding]:
        """One finding per region; damaged ones are reported by whoever read them."""
        for document in view.documents:
            for index, region in enumerate(document.regions or ()):
                if region.labels or region.kind == "damaged":
                    continue
                x, y = region.points[0] if region.points else (0.0, 0.0)
                fields = {"box": index + 1, "kind": region.kind, "x": short(x), "y": short(y)}
                yield Finding(self.rule, Severity.ERROR, document.image.name, fields, index)
