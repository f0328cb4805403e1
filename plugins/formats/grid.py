"""The pixel grid that numbers were written for, and the one of the picture as its file stores it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from bridge.model.annotation import Image, Point
from bridge.model.finding import Finding, Severity
from plugins.formats.exif import shown_size, to_stored, upright
from plugins.formats.pixels import snapped

# Sizes are whole pixels, and a picture made smaller was cut off to whole pixels.
_SLACK = 1.5


@dataclass(frozen=True, slots=True)
class Grid:
    """How to come from a label file's pixels to those of the stored picture: scale, then undo the EXIF turn.

    note is "resized" where the picture has another size of the same shape now, "aspect" where no factor is right.
    """

    image: Image
    recorded: Point | None = None
    turned: bool = False
    x: float = 1.0
    y: float = 1.0
    note: Literal["", "resized", "aspect"] = ""

    def stored(self, points: tuple[Point, ...]) -> tuple[Point, ...]:
        """The points in pixels of the picture as stored."""
        if self.x == 1 and self.y == 1 and not self.turned:
            return points
        scaled = tuple((x * self.x, y * self.y) for x, y in points)
        if self.turned:
            scaled = to_stored(scaled, self.image.width, self.image.height, self.image.orientation)
        return snapped(scaled)

    def stored_corners(self, corners: tuple[Point, ...]) -> tuple[Point, ...]:
        """The two corners of a rectangle in pixels of the picture as stored, top-left first if they were so."""
        return upright(corners, self.stored(corners), self.image.orientation if self.turned else 1)

    def findings(self) -> list[Finding]:
        """What a person should know of the way from one grid to the other."""
        found = []
        if self.turned:
            found.append(Finding("exif", Severity.INFO, self.image.name, {"orientation": self.image.orientation}))
        if self.note and self.recorded:
            fields = {
                "recorded": f"{self.recorded[0]:g}x{self.recorded[1]:g}",
                "size": f"{self.image.width}x{self.image.height}",
            }
            severity = Severity.INFO if self.note == "resized" else Severity.WARNING
            found.append(Finding(self.note, severity, self.image.name, fields))
        return found


def grid_for(recorded: Point | None, image: Image) -> Grid:
    """The grid of numbers whose file says they are for a picture of the recorded size, as its file stores it.

    A recorded size that fits the picture only after its EXIF turn tells that the numbers are for the turned one.
    """
    if recorded is None or not image.width or not image.height:
        return Grid(image, recorded)
    turned = seen_turned(recorded, image)
    size = shown_size(image.width, image.height, image.orientation) if turned else (image.width, image.height)
    if same_size(recorded, size):
        return Grid(image, recorded, turned)
    if not fits(recorded, size):
        return Grid(image, recorded, note="aspect")
    return Grid(image, recorded, turned, size[0] / recorded[0], size[1] / recorded[1], "resized")


def fits(recorded: Point, size: tuple[int, int]) -> bool:
    """Whether both have the same shape, as far as whole pixels can tell."""
    (width, height), (real_width, real_height) = recorded, size
    if not real_width or not real_height:
        return False
    by_width = abs(height - width * real_height / real_width) <= _SLACK
    return by_width or abs(width - height * real_width / real_height) <= _SLACK


def same_size(recorded: Point, size: tuple[int, int]) -> bool:
    """Whether both are the same number of pixels."""
    return abs(recorded[0] - size[0]) < 0.5 and abs(recorded[1] - size[1]) < 0.5


def seen_turned(recorded: Point, image: Image) -> bool:
    """Whether a recorded size fits only the picture after its quarter turn by EXIF."""
    stored, shown = (image.width, image.height), (image.height, image.width)
    return image.orientation >= 5 and not fits(recorded, stored) and fits(recorded, shown)
