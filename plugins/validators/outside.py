"""Boxes that reach out of their picture."""

from __future__ import annotations

from collections.abc import Iterator

from bridge.model.finding import Finding, Fix, Severity
from bridge.plugin import View
from plugins.validators.boxes import boxes, names, overshoot, short

# Annotators draw to the edge with a trembling hand, and tools round: less than a pixel is nothing.
_SILENT_PIXELS = 1.0
# From here on the object's shape changes visibly when the box is cut at the edge.
_WARN_PIXELS = 2.0
_WARN_SHARE = 0.01


class Outside:
    """Wholly outside is an error (darknet gets no such box); more than 2 px or 1 % of it outside is a warning."""

    rule = "outside"

    def check(self, view: View) -> Iterator[Finding]:
        """One finding per box; only a rectangle with a part inside can be clipped safely."""
        for document, index, region, box in boxes(view):
            image = document.image
            beyond = overshoot(box, image)
            if beyond < _SILENT_PIXELS or box.width <= 0 or box.height <= 0 or image.width <= 0 or image.height <= 0:
                continue
            inside = box.clipped(image.width, image.height)
            share = 1 - inside.width * inside.height / (box.width * box.height)
            wholly = box.inside(image.width, image.height) is None
            clip = Fix.CLIP if region.kind == "rectangle" and not wholly else None
            fields = {
                "box": index + 1,
                "label": names(region),
                "pixels": short(beyond),
                "percent": short(100 * share),
                "size": f"{image.width} x {image.height}",
            }
            yield Finding(self.rule, _severity(wholly, beyond, share), image.name, fields, index, clip)


def _severity(wholly: bool, beyond: float, share: float) -> Severity:
    if wholly:
        return Severity.ERROR
    return Severity.WARNING if beyond > _WARN_PIXELS or share > _WARN_SHARE else Severity.INFO
