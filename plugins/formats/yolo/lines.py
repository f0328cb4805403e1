"""The lines of a darknet label file: <class> <x> <y> <w> <h>, the box's centre and size as fractions of the picture."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass

from bridge.model.annotation import Box, Region
from bridge.model.rectangles import Rectangles

_LINE = "%d %.10f %.10f %.10f %.10f"
# Ten digits of a fraction tell this many of a pixel, for the largest picture.
_DIGITS = 5
_SEPARATORS = re.compile(r"[,;\s]+")


@dataclass(frozen=True, slots=True)
class Line:
    """One line: class and fractions, None if it is no label; flaw is the rule of what is odd about it, "" for nothing.

    darknet reads a label file as one stream of numbers and stops without a word at the first that it cannot read, so
    that a comma, a byte order mark or a sixth column costs it all boxes from there on.
    """

    number: int
    text: str
    class_id: int = -1
    fractions: tuple[float, float, float, float] | None = None
    flaw: str = ""


def parse_lines(text: str) -> list[Line]:
    """All lines that are not blank."""
    return [parse_line(number, line) for number, line in enumerate(text.split("\n"), 1) if line and not line.isspace()]


def parse_line(number: int, text: str) -> Line:
    """One line; what can be read is read, however odd it is."""
    parts = text.split()
    if len(parts) == 5 and (found := _label(parts)) is not None:
        return Line(number, text, *found)
    if len(parts) > 5 and (found := _label(parts[:5])) is not None:
        return Line(number, text, *found, "extra-columns")
    for spelling in (_SEPARATORS.sub(" ", text), text.replace(",", ".")):
        if "," in text and len(spelling.split()) == 5 and (found := _label(spelling.split())) is not None:
            return Line(number, text, *found, "label-comma")
    if len(parts) >= 5 and (found := _label([_whole(parts[0]), *parts[1:5]])) is not None:
        return Line(number, text, *found, "float-class")
    return Line(number, text, flaw="bad-number")


def _label(parts: Sequence[str]) -> tuple[int, tuple[float, float, float, float]] | None:
    try:
        x, y, w, h = map(float, parts[1:])
        class_id = int(parts[0])
    except ValueError:
        return None
    # Python also takes 1_000, full-width digits, nan and inf.
    sound = math.isfinite(x + y + w + h) and all(part.isascii() and "_" not in part for part in parts)
    return (class_id, (x, y, w, h)) if sound else None


def _whole(text: str) -> str:
    """The class 0.0 as 0: darknet would take the rest of it for x."""
    return re.sub(r"\.0*$", "", text)


def to_box(fractions: tuple[float, float, float, float], width: int, height: int) -> Box:
    """The box in pixels of a picture of width x height, without the noise of the fractions' last digits."""
    x, y, w, h = fractions
    left, right = round((x - w / 2) * width, _DIGITS), round((x + w / 2) * width, _DIGITS)
    top, bottom = round((y - h / 2) * height, _DIGITS), round((y + h / 2) * height, _DIGITS)
    return Box(left + 0.0, top + 0.0, right + 0.0, bottom + 0.0)  # + 0.0 turns -0.0 into 0.0


def label_lines(regions: Sequence[Region], labels: Sequence[str], width: int, height: int) -> list[str]:
    """The lines of a picture's label file, one per box and label, boxes clipped to the picture.

    What has no box, no label of the list, or nothing worth keeping inside the picture gives no line.
    """
    return render_lines(regions, {label: number for number, label in enumerate(labels)}, width, height)[0]


def render_lines(
    regions: Sequence[Region], numbers: Mapping[str, int], width: int, height: int
) -> tuple[list[str], bool]:
    """The lines, and whether every region went into them as it is."""
    if isinstance(regions, Rectangles) and regions.lie_inside(width, height):
        with suppress(KeyError, ValueError):  # Some label is not listed, some rectangle has more than one.
            return _lines_of_all(regions, [numbers[label] for (label,) in regions.labels], width, height), True
    lines: list[str] = []
    whole = True
    for region in regions:
        written, unchanged = _lines_of(region, numbers, width, height)
        lines += written
        whole = whole and unchanged
    return lines, whole


def _lines_of_all(regions: Rectangles, numbers: Sequence[int], width: int, height: int) -> list[str]:
    """The lines of rectangles inside the picture with one label each; there may be a million of them."""
    columns = zip(numbers, regions.left, regions.top, regions.right, regions.bottom, strict=True)
    w2, h2 = 2 * width, 2 * height
    return [_LINE % (n, (a + c) / w2, (b + d) / h2, (c - a) / width, (d - b) / height) for n, a, b, c, d in columns]


def _lines_of(region: Region, numbers: Mapping[str, int], width: int, height: int) -> tuple[list[str], bool]:
    """The lines of any region, and whether it went into them as it is."""
    box = region.box
    if box is None or not math.isfinite(box.left + box.top + box.right + box.bottom):
        return [], False
    inside = box.inside(width, height)
    if inside is None:
        return [], False
    listed = [numbers[label] for label in dict.fromkeys(region.labels) if label in numbers]
    x, y = (inside.left + inside.right) / (2 * width), (inside.top + inside.bottom) / (2 * height)
    written = [_LINE % (number, x, y, inside.width / width, inside.height / height) for number in listed]
    return written, inside == box and bool(written) and len(written) == len(region.labels)
