"""From the numbers of a v1 region to pixels of the picture file.

Up to 1.5.0 a region is in pixels of the canvas on the annotator's screen, and width, height are the canvas. From
1.6.0 on they are the picture's own pixels, repeated in `box`; a file can mix both, for newer versions convert only
what they display. So it is decided region by region.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from bridge.model.annotation import Image, Point
from plugins.formats.exif import shown_size
from plugins.formats.grid import fits, same_size, seen_turned
from plugins.formats.pixels import finite

Corners = tuple[float, float, float, float]
Note = Literal["", "canvas-height", "resized", "aspect"]


@dataclass(frozen=True, slots=True)
class Scale:
    """Factors from a region's numbers to pixels of the picture, and what had to be assumed for them."""

    x: float = 1.0
    y: float = 1.0
    note: Note = ""


@dataclass(frozen=True, slots=True)
class Placed:
    """A region's corners in pixels of the picture as the annotator saw it.

    scale also holds for the region's points. turned tells that the annotator saw the picture after its EXIF turn,
    canvas that the numbers were canvas pixels.
    """

    corners: Corners
    scale: Scale
    turned: bool
    canvas: bool


def placed(raw: dict[str, Any], image: Image) -> Placed | None:
    """Where a raw region lies in this picture; None if it has no four numbers."""
    box, drawn = numbers(raw.get("box")), numbers(raw)
    recorded = recorded_size(raw)
    turned = recorded is not None and (
        seen_turned(recorded, image) or (drawn != box and _wide_when_turned(recorded, image))
    )
    size = shown_size(image.width, image.height, image.orientation) if turned else (image.width, image.height)
    # Newer versions baked a wrong height into the box of what they converted; the drawn numbers are still right.
    canvas = box is None or (
        drawn is not None and drawn != box and recorded is not None and not same_size(recorded, size)
    )
    corners = drawn if canvas else box
    if corners is None:
        return None
    scale = _scale(recorded, size, canvas)
    left, top, right, bottom = corners
    return Placed((left * scale.x, top * scale.y, right * scale.x, bottom * scale.y), scale, turned, canvas)


def _wide_when_turned(recorded: Point, image: Image) -> bool:
    """Whether a stage's size was noted for a picture that is too wide for it only after its turn by EXIF.

    A picture is never narrower than what was noted with it.
    """
    (width, height), stored = recorded, (image.width, image.height)
    narrow, wide = stored[0] * height < stored[1] * width, stored[1] * height > stored[0] * width
    return image.orientation >= 5 and narrow and wide and not fits(recorded, stored)


def numbers(raw: object) -> Corners | None:
    """x1, y1, x2, y2 if all four are finite numbers."""
    found = [finite(raw.get(key)) for key in ("x1", "y1", "x2", "y2")] if isinstance(raw, dict) else []
    left, top, right, bottom = found or (None,) * 4
    if left is None or top is None or right is None or bottom is None:
        return None
    return left, top, right, bottom


def recorded_size(raw: dict[str, Any]) -> Point | None:
    """The width and height that the region was drawn on: of the canvas, or of the picture."""
    width, height = finite(raw.get("width")), finite(raw.get("height"))
    return (width, height) if width and height and width > 0 and height > 0 else None


def _scale(recorded: Point | None, size: tuple[int, int], canvas: bool) -> Scale:
    if recorded is None or not all(size) or same_size(recorded, size):
        return Scale()
    (width, height), (real_width, real_height) = recorded, size
    x = real_width / width
    if fits(recorded, size):
        return Scale(x, real_height / height, "" if canvas else "resized")
    if not canvas:
        return Scale(note="aspect")  # Another picture of another shape: no factor would be right.
    # Up to 1.5.0 a new region of a picture wider than the stage got the stage's height, not the canvas's.
    wider = real_width / real_height > width / height
    return Scale(x, x, "canvas-height" if wider else "aspect")
