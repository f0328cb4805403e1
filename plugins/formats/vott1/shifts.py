"""Whether a picture that was added to a folder, or taken from it, since it was labelled would show at all.

One picture more or less before a position moves all positions after it by one. Only shapes tell that: among pictures
of one shape nothing does.
"""

from __future__ import annotations

from collections.abc import Callable

from bridge.model.annotation import Image
from plugins.formats.vott1.evidence import Places, Score
from plugins.formats.vott1.fingerprint import Fit, Stages


def unproved(taken: Score, places: Places, stages: Stages, image_of: Callable[[str], Image]) -> int:
    """How many of the last used positions might as well mean the picture after, or before, their own.

    0 where every picture of the folder has its position: then no picture was added, and for one taken away another
    must have followed that nobody had looked at.
    """
    if len(places.used) == len(taken.candidate.names):
        return 0
    return max(_moved(taken, places, stages, image_of, by) for by in (1, -1))


def _moved(taken: Score, places: Places, stages: Stages, image_of: Callable[[str], Image], by: int) -> int:
    """How many of the last used positions can all be moved by one while their pictures fit as well."""
    count = 0
    for position in reversed(places.used):
        name = taken.name(position + by) if position + by >= 0 else None
        if name is None:
            break
        sizes = places.noted.get(position)
        fit = stages.fit(sizes, image_of(name)) if sizes else None
        own = taken.places.get(position)
        if fit is not None and fit.worst > (own.worst if own is not None else Fit.STAGE):
            break
        count += 1
    return count
