"""Whether two copies of a picture show the same thing in the same place."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from bridge import picture
from bridge.model.annotation import Box

if TYPE_CHECKING:
    from numpy.typing import NDArray

_SIDE = 16
_LEAST = 0.8
# Where both are so flat (levels), there is nothing whose likeness could be told: then they count as the same.
_FLAT = 3.0


def same_there(
    first: str, first_boxes: Sequence[Box], second: str, second_boxes: Sequence[Box], max_megapixels: int = 200
) -> list[bool]:
    """For each box of the one picture and its place in the other; raises as picture.look."""
    import numpy as np

    ours = _cells(picture.cutouts(first, first_boxes, _SIDE, max_megapixels))
    theirs = _cells(picture.cutouts(second, second_boxes, _SIDE, max_megapixels))
    scale = np.sqrt((ours**2).mean(1) * (theirs**2).mean(1))
    alike = (ours * theirs).mean(1) >= _LEAST * scale
    flat = (np.abs(ours).mean(1) < _FLAT) & (np.abs(theirs).mean(1) < _FLAT)
    return [bool(same) for same in alike | flat]


def _cells(cutouts: Sequence[bytes]) -> NDArray[Any]:
    """The levels of each cutout around its own mean."""
    import numpy as np

    cells = np.frombuffer(b"".join(cutouts), np.uint8).reshape(len(cutouts), -1).astype(np.float32)
    around: NDArray[Any] = cells - cells.mean(1, keepdims=True)
    return around
