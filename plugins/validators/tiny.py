"""Boxes that are too small to be learned at the size of the network."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from bridge.model.finding import Finding, Severity
from bridge.plugin import View
from plugins.validators.boxes import boxes, names, overshoot, short

# darknet skips a box whose width or height is below 1/width or 1/height of the network, and says nothing.
_IGNORED = 1.0
# Half a cell of the finest grid of the usual networks (stride 8): below it hardly any detail of the object is left.
_HARD = 4.0


class Tiny:
    """After the picture is stretched to the network's size: below 1 px either way an error, below 4 px a warning.

    A training with random=1 changes the size: an error is what is below 1 px even at the largest one.
    """

    rule = "tiny"

    def check(self, view: View) -> Iterator[Finding]:
        """One finding per box; the part inside the picture counts, boxes without any are left to other rules."""
        net_width, net_height = view.network
        largest = view.sizes[1] if view.sizes else view.network
        for document, index, region, box in boxes(view):
            image = document.image
            if image.width <= 0 or image.height <= 0:
                continue
            across, down = net_width / image.width, net_height / image.height
            if box.width * across >= _HARD and box.height * down >= _HARD and overshoot(box, image) <= 0:
                continue
            inside = box.clipped(image.width, image.height)
            if inside.width <= 0 or inside.height <= 0:
                continue
            size = _Sides(inside.width / image.width, inside.height / image.height)
            if (severity := _severity(size, view.network, largest)) is None:
                continue
            fields = {
                "box": index + 1,
                "label": names(region),
                "width": short(inside.width * across, 2),
                "height": short(inside.height * down, 2),
                "network": f"{net_width} x {net_height}",
            }
            yield Finding(self.rule, severity, image.name, fields | _at_both_ends(size, view), index)


@dataclass(frozen=True, slots=True)
class _Sides:
    """Width and height as shares of the picture."""

    width: float
    height: float

    def at(self, network: tuple[int, int]) -> tuple[float, float]:
        """In pixels of a network of this size."""
        return self.width * network[0], self.height * network[1]


def _severity(size: _Sides, network: tuple[int, int], largest: tuple[int, int]) -> Severity | None:
    if min(size.at(largest)) < _IGNORED:
        return Severity.ERROR
    return Severity.WARNING if min(size.at(network)) < _HARD else None


def _at_both_ends(size: _Sides, view: View) -> dict[str, str]:
    """What a person is told of a training that changes the size."""
    if view.sizes is None:
        return {}
    (least_w, least_h), (most_w, most_h) = (size.at(network) for network in view.sizes)
    return {
        "case": "random",
        "least": f"{short(least_w, 2)} x {short(least_h, 2)}",
        "most": f"{short(most_w, 2)} x {short(most_h, 2)}",
        "smallest": "{} x {}".format(*view.sizes[0]),
        "largest": "{} x {}".format(*view.sizes[1]),
    }
