"""What VoTT v1's darknet export makes of a region, right or wrong: the formula of every version, held against a line.

All versions write centre and size with six decimals. Up to 1.6.1 the corners were first cut off to whole pixels.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from bridge.model.annotation import Point

# Left, top, right, bottom; or centre x, centre y, width, height as fractions of the picture.
Four = tuple[float, float, float, float]
Size = tuple[int, int]

# Six decimals, and what is lost on the way to them.
_EXACT = 1.1e-6
# Corners cut off to whole pixels, and half a sixth decimal of the largest pictures.
_PIXEL = 1.02

LAST_TAG_ONLY = "export-last-tag-only"
NO_NUMBER = "export-no-number"
NO_AREA = "export-no-area"
OUTSIDE = "export-outside"
CANVAS_HEIGHT = "export-canvas-height"
OLD_CANVAS = "export-old-canvas"
OTHER_SIZE = "export-other-size"
DIFFERS = "export-differs"


@dataclass(frozen=True, slots=True)
class Drawn:
    """A region as VoTT's exporters see it.

    drawn are its numbers x1 to y2, recorded the size noted with them, size that of its picture. box is in pixels of
    the picture as 1.7 has it, which makes one for older regions. right are the fractions that its line should have
    (None: darknet is to be given no such box), whole the same without clipping.
    """

    drawn: Four
    recorded: Point
    size: Size
    box: Four
    right: Four | None
    whole: Four


@dataclass(frozen=True, slots=True)
class Cause:
    """Why a line is as it is: the rule of a fault ("" for none); screens are the sizes that fault 2 may have used."""

    rule: str
    screens: tuple[Size, ...] = ()


class Screens:
    """The sizes that a picture on VoTT's screen may have had during an export, by width."""

    def __init__(self, sizes: Iterable[Size]) -> None:
        self._sizes = sorted(set(sizes))

    def between(self, low: float, high: float) -> Iterator[Size]:
        """Those whose width lies in between, both ends included."""
        for at in range(bisect_left(self._sizes, (math.floor(low), 0)), len(self._sizes)):
            if self._sizes[at][0] > high:
                return
            yield self._sizes[at]


def fractions(corners: Four, size: Point) -> Four:
    """Centre and size as fractions, computed in the order in which VoTT does."""
    left, top, right, bottom = corners
    width, height = (right - left) / size[0], (bottom - top) / size[1]
    return left / size[0] + width / 2, top / size[1] + height / 2, width, height


def baked_box(drawn: Four, recorded: Point, size: Size) -> Four:
    """The box that 1.6 and 1.7 make of an older region: both axes by the noted size, also where its height is wrong."""
    return _scaled(drawn, size[0] / recorded[0], size[1] / recorded[1])


def until_1_6(region: Drawn, screen: Size) -> Four:
    """The line of every version up to 1.6.1; before 1.6 screen is the region's own picture, since then what is shown.

    1.6 multiplies by the size of the picture on the screen and divides by that of the region's own.
    """
    scaled = _scaled(region.drawn, screen[0] / region.recorded[0], screen[1] / region.recorded[1])
    return fractions((_cut(scaled[0]), _cut(scaled[1]), _cut(scaled[2]), _cut(scaled[3])), region.size)


def since_1_7(region: Drawn) -> Four:
    """The line of 1.7: the box, in pixels of the picture, over the size noted with x1 to y2."""
    return fractions(region.box, region.recorded)


def cause(found: Four, region: Drawn, screens: Screens) -> Cause:
    """What explains the numbers of a line; a right line is never blamed, one that nothing explains `DIFFERS`."""
    if not all(map(math.isfinite, found)):
        return Cause(NO_NUMBER)
    if region.right is None:
        return _unwanted(found, region, screens)
    if _same_corners(found, region.right, region.size):
        return Cause("")
    return _fault(found, region, screens)


def best_screen(causes: Iterable[Cause]) -> Mapping[Cause, Size]:
    """One size for every cause that has several: the one that explains most of them."""
    listed = [cause for cause in causes if cause.screens]
    votes: dict[Size, int] = {}
    for one in listed:
        for size in one.screens:
            votes[size] = votes.get(size, 0) + 1
    return {one: max(one.screens, key=lambda size: votes[size]) for one in listed}


def _unwanted(found: Four, region: Drawn, screens: Screens) -> Cause:
    """A line for a region that has no box to train on: a point, a line without area, a box outside its picture."""
    _, _, width, height = region.whole
    if _same_corners(found, region.whole, region.size):
        return Cause(NO_AREA if min(width * region.size[0], height * region.size[1]) < 1e-3 else OUTSIDE)
    if min(found[2], found[3]) == 0:
        return Cause(NO_AREA)
    return _fault(found, region, screens)


def _fault(found: Four, region: Drawn, screens: Screens) -> Cause:
    if _same_corners(found, region.whole, region.size):
        return Cause(OUTSIDE)
    if _equal(found, until_1_6(region, region.size)):
        return Cause(CANVAS_HEIGHT)
    if _equal(found, since_1_7(region)):
        return Cause(OLD_CANVAS)
    shown = tuple(size for size in _likely(found, region, screens) if _equal(found, until_1_6(region, size)))
    return Cause(OTHER_SIZE, shown) if shown else Cause(DIFFERS)


def _likely(found: Four, region: Drawn, screens: Screens) -> Iterator[Size]:
    """The sizes on the screen that could have put the right edge where it is, so that not all are tried."""
    edge, drawn = (found[0] + found[2] / 2) * region.size[0], region.drawn[2]
    if drawn <= 0:
        yield from screens.between(0, math.inf)
    else:
        yield from screens.between((edge - 1) * region.recorded[0] / drawn, (edge + 2) * region.recorded[0] / drawn)


def _scaled(corners: Four, x: float, y: float) -> Four:
    return corners[0] * x, corners[1] * y, corners[2] * x, corners[3] * y


def _cut(value: float) -> float:
    """JavaScript's parseInt of a number."""
    return float(math.trunc(value))


def _equal(found: Four, told: Four) -> bool:
    return all(abs(a - b) <= _EXACT for a, b in zip(found, told, strict=True))


def _same_corners(found: Four, told: Four, size: Size) -> bool:
    """Whether two boxes are the same but for a pixel at each edge."""
    pairs = zip(_corners(found, size), _corners(told, size), strict=True)
    return all(abs(a - b) <= _PIXEL for a, b in pairs)


def _corners(fractions_: Four, size: Size) -> Four:
    x, y, w, h = fractions_
    return (x - w / 2) * size[0], (y - h / 2) * size[1], (x + w / 2) * size[0], (y + h / 2) * size[1]
