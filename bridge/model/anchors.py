"""Anchor boxes of a network size, and what fitting new ones is worth."""

from __future__ import annotations

from dataclasses import dataclass, replace

from bridge.model.finding import Finding

Pairs = tuple[tuple[float, float], ...]


@dataclass(frozen=True, slots=True)
class Anchors:
    """Anchors in pixels of the network size, smallest area first, and how well they fit.

    average_iou is the mean over training boxes of the best co-centred IoU with the (unrounded) anchors, 0 to 1;
    darknet_average_iou is what darknet's own calc_anchors (k-means by means) reaches on the same boxes. left_out are
    rows that were no size of a box.
    """

    pairs: Pairs
    width: int
    height: int
    average_iou: float
    darknet_average_iou: float
    boxes: int
    seed: int
    left_out: int = 0

    def scaled(self, width: int, height: int) -> Anchors:
        """The same anchors for another network size: co-centred IoU does not change under scaling, so never refit."""
        return replace(
            self, pairs=scaled(self.pairs, (self.width, self.height), (width, height)), width=width, height=height
        )


@dataclass(frozen=True, slots=True)
class Head:
    """A detection head: how many pixels of the network size a cell of its grid is wide, and which anchors it has."""

    cell: int
    mask: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class GivenAnchors:
    """The anchors that a network has already, in pixels of its size; heads have the finest grid first.

    name is the file or network that they come from. heads is () where they are not known.
    """

    name: str
    pairs: Pairs
    width: int
    height: int
    heads: tuple[Head, ...] = ()


@dataclass(frozen=True, slots=True)
class Overlap:
    """How well some anchors fit boxes: average IoU, and the part of the boxes that none overlaps by half; 0 to 1."""

    average_iou: float
    below_half: float


@dataclass(frozen=True, slots=True)
class Fit:
    """Fitted anchors beside the network's own and the best known ones, with what a person should know of them.

    given and own are None where no network was named. best_known_iou is the highest average IoU that any way has
    reached on these boxes: ours, darknet's, the network's own, and a long search where that was wished for (searched).
    """

    anchors: Anchors
    overlap: Overlap
    given: GivenAnchors | None
    own: Overlap | None
    best_known_iou: float
    searched: bool
    heads: tuple[Head, ...]
    findings: tuple[Finding, ...]


def scaled(pairs: Pairs, size: tuple[int, int], other: tuple[int, int]) -> Pairs:
    """Anchors of one network size for another one."""
    return tuple((w * other[0] / size[0], h * other[1] / size[1]) for w, h in pairs)
