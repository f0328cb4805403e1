"""The mark on a region that a model wrote into a VoTT project, so that it is not taken for a person's later.

The mark is the region's id: lb-<checkpoint>-<n>-<8 hex digits over label names and corners>. VoTT keeps the id when
a person moves or retags the region, so an id whose digits no longer fit tells that somebody touched it.
"""

from __future__ import annotations

import hashlib
import math
import unicodedata

from bridge.model.annotation import Region
from bridge.model.prediction import Mark


def mark(checkpoint: str, n: int, region: Region) -> str:
    """The id to write for the n-th region that this checkpoint made in a picture."""
    return Mark(checkpoint, n, _digest(region)).text


def unmarked(region_id: str, region: Region) -> str | None:
    """The checkpoint's id if the region is exactly as it was written; None for a person's region or a touched one."""
    found = Mark.read(region_id)
    if found is None or found.digest != _digest(region):
        return None
    return found.checkpoint


def _digest(region: Region) -> str:
    names = sorted(unicodedata.normalize("NFC", label) for label in region.labels)
    corners = [str(round(value * 100)) if math.isfinite(value) else "nan" for value in _bounds(region)]
    return hashlib.sha256("\n".join([*names, *corners]).encode("utf-8", "surrogatepass")).hexdigest()[:8]


def _bounds(region: Region) -> tuple[float, ...]:
    """Corners of the shape: those of its box, or of its points where it has none."""
    if region.box is not None:
        return (region.box.left, region.box.top, region.box.right, region.box.bottom)
    xs, ys = [p[0] for p in region.points], [p[1] for p in region.points]
    return (min(xs), min(ys), max(xs), max(ys)) if region.points else ()
