"""Anchor boxes of a network size."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Anchors:
    """Anchors in pixels of the network size, smallest area first, and how well they fit.

    average_iou is the mean over training boxes of the best co-centred IoU with the (unrounded) anchors, 0 to 1;
    darknet_average_iou is what darknet's own calc_anchors (k-means by means) reaches on the same boxes.
    """

    pairs: tuple[tuple[float, float], ...]
    width: int
    height: int
    average_iou: float
    darknet_average_iou: float
    boxes: int
    seed: int

    def scaled(self, width: int, height: int) -> Anchors:
        """The same anchors for another network size: co-centred IoU does not change under scaling, so never refit."""
        pairs = tuple((w * width / self.width, h * height / self.height) for w, h in self.pairs)
        return Anchors(pairs, width, height, self.average_iou, self.darknet_average_iou, self.boxes, self.seed)
