"""Boxes that are too small to be learned at the size of the network."""

from __future__ import annotations

from collections.abc import Iterator

from bridge.model.finding import Finding, Severity
from bridge.plugin import View
from plugins.validators.boxes import boxes, names, overshoot, short

# darknet skips a box whose width or height is below 1/width or 1/height of the network, and says nothing.
_IGNORED = 1.0
# Half a cell of the finest grid of the usual networks (stride 8): below it hardly any detail of the object is left.
_HARD = 4.0


class Tiny:
    """After the picture is stretched to the network's size: below 1 px either way an error, below 4 px a warning."""

    rule = "tiny"

    def check(self, view: View) -> Iterator[Finding]:
        """One finding per box; the part inside the picture counts, boxes without any are left to other rules."""
        net_width, net_height = view.network
        for document, index, region, box in boxes(view):
            image = document.image
            if image.width <= 0 or image.height <= 0:
                continue
            across, down = net_width / image.width, net_height / image.height
            if box.width * across >= _HARD and box.height * down >= _HARD and overshoot(box, image) <= 0:
                continue
            inside = box.clipped(image.width, image.height)
            width, height = inside.width * across, inside.height * down
            if width <= 0 or height <= 0 or (width >= _HARD and height >= _HARD):
                continue
            fields = {
                "box": index + 1,
                "label": names(region),
                "width": short(width, 2),
                "height": short(height, 2),
                "network": f"{net_width} x {net_height}",
            }
            severity = Severity.ERROR if min(width, height) < _IGNORED else Severity.WARNING
            yield Finding(self.rule, severity, image.name, fields, index)
