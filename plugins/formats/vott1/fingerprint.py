"""How well the size noted with a region fits a picture: what tells the right file order from a wrong one.

Up to 1.5.0 a region notes the canvas that it was drawn on, which has the shape of its picture at that time. Only
one fault blurs that: a box that was drawn on a picture wider than the stage (the window's room for pictures) and
never dragged notes the height of the whole stage. So a picture may be wider than the noted shape, never narrower.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import IntEnum

from bridge.model.annotation import Image
from plugins.formats.exif import shown_size
from plugins.formats.grid import fits, same_size
from plugins.formats.vott1.scale import numbers, recorded_size

# Pixels of canvas by which a shape must be off to be certainly another one; the canvas is cut off to whole pixels.
_CLEAR = 3.0
_WHOLE = 0.01


class Fit(IntEnum):
    """How well a picture fits what was noted, best first.

    STAGE: only if the noted height is the stage's, and the noted size may be that of a stage. UNCLEAR: only with a
    window size that nothing else shows, or off by a hair; such a picture is neither taken nor ruled out.
    """

    FITS = 0
    STAGE = 1
    UNCLEAR = 2
    MISFIT = 3


@dataclass(frozen=True, slots=True)
class Noted:
    """A size that a region noted: of the canvas, or (exact) of the picture itself."""

    width: float
    height: float
    exact: bool = False


@dataclass(frozen=True, slots=True)
class PlaceFit:
    """The fit of a picture to all that the regions of one position noted: of the worst and of the best of them."""

    worst: Fit
    best: Fit

    @property
    def plain(self) -> bool | None:
        """True: it fits; False: it does not; None: weak, the picture may be wider than the stage."""
        return None if self.worst is Fit.STAGE else self.worst is Fit.FITS


def noted(frame: object) -> frozenset[Noted]:
    """What the regions of a frame noted."""
    regions = [raw for raw in frame if isinstance(raw, dict)] if isinstance(frame, list) else []
    return frozenset(size for raw in regions for size in _sizes(raw))


def _sizes(raw: dict[str, object]) -> list[Noted]:
    recorded, drawn, box = recorded_size(raw), numbers(raw), numbers(raw.get("box"))
    if recorded is None:
        return []
    if box is None:
        return [Noted(*recorded)]
    if drawn is None or drawn == box:
        return [Noted(*recorded, exact=True)]
    # A newer version converted the region: box / drawn is picture / noted size, along each axis.
    sides = [size * box[i] / drawn[i] if drawn[i] else 0.0 for size, i in zip(recorded, (2, 3), strict=True)]
    whole = all(side > 0 and abs(side - round(side)) < _WHOLE for side in sides)
    return [Noted(*recorded), *([Noted(round(sides[0]), round(sides[1]), exact=True)] if whole else [])]


class Stages:
    """What the noted sizes of a whole project say of the stages they were drawn on."""

    def __init__(self, sizes: Iterable[Noted]) -> None:
        self._sizes = {(size.width, size.height) for size in sizes if not size.exact}
        self._widest: dict[float, float] = {}
        for width, height in self._sizes:
            self._widest[height] = max(width, self._widest.get(height, 0.0))
        self._largest = (
            max((width for width, _ in self._sizes), default=0.0),
            max((height for _, height in self._sizes), default=0.0),
        )
        self._shared = {height for width, height in self._sizes if width < self._widest[height]}

    def fit(self, sizes: Iterable[Noted], image: Image) -> PlaceFit | None:
        """How well a picture fits what was noted at one position; None if there is nothing to compare."""
        if not image.width or not image.height:
            return None
        stored, shown = (image.width, image.height), shown_size(image.width, image.height, image.orientation)
        found = [min(self._one(size, stored), self._one(size, shown)) for size in sizes]
        return PlaceFit(max(found), min(found)) if found else None

    def _one(self, size: Noted, real: tuple[int, int]) -> Fit:
        recorded = (size.width, size.height)
        if size.exact:
            return Fit.FITS if same_size(recorded, real) else Fit.MISFIT
        if fits(recorded, real):
            return Fit.FITS
        width, height = real
        off = min(abs(size.height - size.width * height / width), abs(size.width - size.height * width / height))
        if off <= _CLEAR:
            return Fit.UNCLEAR
        return self._as_stage(size) if width * size.height > height * size.width else Fit.MISFIT

    def _as_stage(self, size: Noted) -> Fit:
        """Whether the noted size may be a whole stage, as it must be under a wider picture.

        Another window would explain any size, so that a picture is never ruled out for being wider.
        """
        widest = self._widest[size.height] <= size.width + _CLEAR
        known = (size.width, size.height) == self._largest or size.height in self._shared
        return Fit.STAGE if widest and known else Fit.UNCLEAR
