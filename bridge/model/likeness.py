"""When two regions of one picture are the same thing marked twice."""

from __future__ import annotations

import math

from bridge.model.annotation import Region

Likeness = tuple[str, tuple[int, ...], tuple[str, ...]]


def likeness(region: Region) -> Likeness | None:
    """Equal for a region and its exact copy: shape, place in 1/1000 px, labels in any order; None without a sound box.

    A rectangle is the same whichever corner comes first; ids, author, score and extra do not count.
    """
    box = region.box
    if box is None:
        return None
    place: tuple[float, ...] = (box.left, box.top, box.right, box.bottom)
    if region.kind != "rectangle":
        place = tuple(c for point in region.points for c in point)
    if not all(map(math.isfinite, place)):
        return None
    labels = region.labels if len(region.labels) < 2 else tuple(sorted(region.labels))
    return region.kind, tuple([round(c * 1000) for c in place]), labels
