"""One picture: parts on a bench, their shadows, a cable across them, and the boxes a careful person would draw."""

from __future__ import annotations

import math

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from bridge.model.annotation import Box, Region
from bridge.sample.bench import HEIGHT, WIDTH, bench
from bridge.sample.parts import LABELS, SHARES, part

# Every so many pictures one shows an empty bench: a person looked and there was nothing.
EMPTY_EVERY = 20

_SEED = 20181101
_TRIES = 20
_MOST_OVERLAP = 0.18


def draw(number: int) -> tuple[Image.Image, list[Region]]:
    """The picture of this number and its boxes; the same number always gives the same picture."""
    rng = np.random.default_rng((_SEED, number))
    image = bench(rng)
    regions: list[Region] = []
    if (number + 1) % EMPTY_EVERY:
        for _ in range(rng.integers(2, 7)):
            _place(image, regions, rng)
        if rng.random() < 0.45:
            _cable(image, regions[rng.integers(len(regions))], rng)
    if rng.random() < 0.30:
        image = image.filter(ImageFilter.GaussianBlur(rng.uniform(0.4, 1.2)))
    return image, regions


def _place(image: Image.Image, regions: list[Region], rng: np.random.Generator) -> None:
    """Lay one more part where it hides little of the others; none if no such place is found."""
    label = str(rng.choice(LABELS, p=SHARES))
    look, shape = part(label, rng)
    for _ in range(_TRIES):
        left = int(rng.uniform(-shape.width / 6, WIDTH - shape.width * 5 / 6))
        top = int(rng.uniform(-shape.height / 6, HEIGHT - shape.height * 5 / 6))
        box = _bounds(shape, left, top)
        if all(_overlap(box, r.box) < _MOST_OVERLAP for r in regions if r.box):
            _cast_shadow(image, shape, left, top, rng)
            image.paste(look, (left, top), shape)
            regions.append(Region.rectangle(box, label))
            return


def _bounds(shape: Image.Image, left: int, top: int) -> Box:
    inside = shape.point(lambda level: 255 if level >= 128 else 0).getbbox() or (0, 0, *shape.size)
    box = Box(left + inside[0], top + inside[1], left + inside[2], top + inside[3])
    return box.clipped(float(WIDTH), float(HEIGHT))


def _overlap(a: Box, b: Box) -> float:
    width = min(a.right, b.right) - max(a.left, b.left)
    height = min(a.bottom, b.bottom) - max(a.top, b.top)
    shared = max(width, 0) * max(height, 0)
    return shared / (a.width * a.height + b.width * b.height - shared)


def _cast_shadow(image: Image.Image, shape: Image.Image, left: int, top: int, rng: np.random.Generator) -> None:
    soft, strength = int(rng.integers(2, 5)), rng.uniform(0.3, 0.55)
    margin = 3 * soft
    shadow = Image.new("L", (shape.width + 2 * margin, shape.height + 2 * margin))
    shadow.paste(shape.point(lambda level: int(level * strength)), (margin, margin))
    at = (left - margin + int(rng.integers(2, 7)), top - margin + int(rng.integers(2, 7)))
    image.paste((0, 0, 0), at, shadow.filter(ImageFilter.BoxBlur(soft)))


def _cable(image: Image.Image, region: Region, rng: np.random.Generator) -> None:
    box = region.box
    assert box is not None
    x, y = (rng.uniform(0.25, 0.75, 2) * (box.width, box.height) + (box.left, box.top)).tolist()
    turn, reach = rng.uniform(0, math.pi), WIDTH + HEIGHT
    dx, dy = reach * math.cos(turn), reach * math.sin(turn)
    colour = tuple(int(v) for v in rng.integers(10, 200, 3))
    ImageDraw.Draw(image).line((x - dx, y - dy, x + dx, y + dy), fill=colour, width=int(rng.integers(4, 13)))
