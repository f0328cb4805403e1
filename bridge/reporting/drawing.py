"""An example picture with what a person marked and what the checkpoint found, as one SVG over the embedded picture."""

from __future__ import annotations

import base64
import colorsys
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from markupsafe import Markup, escape

from bridge.model.annotation import Box, Region
from bridge.model.report import Example

# Told apart on photographs, also by most colour-blind people; classes beyond get hues of their own.
_PALETTE = ("#00a6fb", "#ff7f11", "#2ec47a", "#ff4d6d", "#ffd000", "#9d6bff", "#00c9c8", "#ff8fd0")
# Every picture is drawn this wide, so that lines and letters have the same size whatever the picture's own.
_WIDTH = 640.0
_LETTER = 19.0
_GAP = 5.0
# A detection is right when it overlaps a mark of its class by more than this.
_MATCH = 0.5


def class_colour(index: int) -> str:
    """The colour of a class by its number, the same everywhere in a report."""
    if index < len(_PALETTE):
        return _PALETTE[index]
    # The golden angle keeps any number of hues apart.
    red, green, blue = colorsys.hls_to_rgb((index * 0.381966) % 1.0, 0.58, 0.8)
    return f"#{round(red * 255):02x}{round(green * 255):02x}{round(blue * 255):02x}"


@dataclass(frozen=True, slots=True)
class Tally:
    """How the detections of one picture stand to its marks."""

    objects: int
    found: int
    extra: int

    @property
    def missed(self) -> int:
        """Marked objects that no detection fits."""
        return self.objects - self.found


def drawing(example: Example, classes: Sequence[str], least_score: float = 0.25) -> Markup:
    """The picture with marks as solid and detections as dashed lines, in class colours; weaker detections left out."""
    scale = _WIDTH / max(example.width, 1)
    height = example.height * scale
    colours = {name: class_colour(i) for i, name in enumerate(classes)}
    data = base64.b64encode(example.jpeg).decode()
    shapes = [
        *(s for r in example.truth for s in _region(r, colours, scale, height, dashed=False)),
        *(s for r in shown(example, least_score) for s in _region(r, colours, scale, height, dashed=True)),
    ]
    return Markup(
        f'<svg viewBox="0 0 {_WIDTH:g} {height:.1f}" role="img" aria-label="{escape(example.image)}" '
        'xmlns="http://www.w3.org/2000/svg" font-family="sans-serif" font-weight="600">'
        f'<image href="data:image/jpeg;base64,{data}" width="{_WIDTH:g}" height="{height:.1f}" '
        f'preserveAspectRatio="none"/>{"".join(shapes)}</svg>'
    )


def shown(example: Example, least_score: float) -> list[Region]:
    """The detections strong enough to be drawn, weakest first so that the strongest lie on top."""
    return sorted((r for r in example.detections if (r.score or 0.0) >= least_score), key=lambda r: r.score or 0.0)


def tally(example: Example, least_score: float = 0.25) -> Tally:
    """Count what was found: from the best score down, each detection may take one mark of its class."""
    free = [r for r in example.truth if r.box is not None]
    objects = len(free)
    detections = shown(example, least_score)
    for detection in reversed(detections):
        fitting = [(overlap(detection.box, mark.box), i) for i, mark in enumerate(free) if _same_class(mark, detection)]
        best, index = max(fitting, default=(0.0, -1))
        if best > _MATCH:
            del free[index]
    found = objects - len(free)
    return Tally(objects, found, len(detections) - found)


def overlap(a: Box | None, b: Box | None) -> float:
    """Intersection over union of two boxes."""
    if a is None or b is None:
        return 0.0
    width = min(a.right, b.right) - max(a.left, b.left)
    height = min(a.bottom, b.bottom) - max(a.top, b.top)
    if width <= 0 or height <= 0:
        return 0.0
    return width * height / (a.width * a.height + b.width * b.height - width * height)


def _same_class(mark: Region, detection: Region) -> bool:
    return bool(set(mark.labels) & set(detection.labels))


def _region(region: Region, colours: dict[str, str], scale: float, height: float, dashed: bool) -> Iterator[str]:
    box = region.box
    if box is None:
        return
    name = ", ".join(region.labels) or "?"
    colour = colours.get(region.labels[0] if region.labels else "", "#c8c8c8")
    x, y, w, h = box.left * scale, box.top * scale, box.width * scale, box.height * scale
    place = f'x="{x:.1f}" y="{y:.1f}" width="{w:.1f}" height="{h:.1f}"'
    dash = ' stroke-dasharray="9 6"' if dashed else ""
    yield f'<rect {place} fill="none" stroke="#000" stroke-opacity=".55" stroke-width="{3.5 if dashed else 6}"{dash}/>'
    yield f'<rect {place} fill="none" stroke="{colour}" stroke-width="{2.5 if dashed else 4}"{dash}/>'
    score = f" {100 * region.score:.0f}%" if dashed and region.score is not None else ""
    yield _tag(
        name + score, colour, x, (y + h, y + h - _tag_height()) if dashed else (y - _tag_height(), y), height, dashed
    )


def _tag_height() -> float:
    return _LETTER + 2 * _GAP


def _tag(text: str, colour: str, x: float, places: tuple[float, float], height: float, dashed: bool) -> str:
    """A name at the box: outside of it, or inside where the picture ends."""
    outside, inside = places
    y = outside if 0 <= outside <= height - _tag_height() else min(max(inside, 0.0), height - _tag_height())
    width = text_width(text) * _LETTER + 2 * _GAP
    x = min(max(x - 2, 0.0), max(_WIDTH - width, 0.0))
    ground, ink = ("#10181a", colour) if dashed else (colour, "#10181a")
    return (
        f'<rect x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{_tag_height():g}" rx="3" fill="{ground}" '
        f'fill-opacity=".88"/><text x="{x + _GAP:.1f}" y="{y + _GAP + 0.82 * _LETTER:.1f}" font-size="{_LETTER:g}" '
        f'fill="{ink}">{escape(text)}</text>'
    )


def text_width(text: str) -> float:
    """About how wide a text is, in letter sizes: Japanese letters fill the square, bold others two thirds."""
    return sum(1.0 if unicodedata.east_asian_width(c) in "WF" else 0.68 for c in text)
