"""Washers, nuts, bolts and gears: their shapes, drawn four times larger than needed and made smaller."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

LABELS = ("washer", "nut", "bolt", "gear")
# Gears are rare on purpose: a report should have a class that is visibly worse than the others.
SHARES = (0.36, 0.31, 0.27, 0.06)

_OVER = 4
_STEEL, _BRASS, _DARK, _COPPER = (168, 172, 180), (190, 156, 78), (88, 92, 102), (178, 104, 70)
_TYPICAL = {"washer": _STEEL, "nut": _BRASS, "bolt": _DARK, "gear": _COPPER}
_NEUTRAL = 128


def part(label: str, rng: np.random.Generator) -> tuple[Image.Image, Image.Image]:
    """A part of random size, turn, slant and colour: its look (RGB) and its shape (L, 255 inside)."""
    shape, relief = _SHAPES[label](rng)
    size = (max(1, round(shape.width / _OVER)), max(1, round(shape.height / _OVER * rng.uniform(0.8, 1.0))))
    shape, relief = shape.resize(size, Image.Resampling.LANCZOS), relief.resize(size, Image.Resampling.LANCZOS)
    return _painted(label, np.asarray(relief, np.float64), rng), shape


def _painted(label: str, relief: NDArray[np.float64], rng: np.random.Generator) -> Image.Image:
    typical = rng.random() < 0.75
    base = _TYPICAL[label] if typical else list(_TYPICAL.values())[rng.integers(4)]
    height, width = relief.shape
    light = np.linspace(50, -50, height)[:, None] if rng.random() < 0.5 else np.linspace(50, -50, width)[None, :]
    level = light * rng.choice((-1, 1)) + relief - _NEUTRAL
    colour = np.array(base) + rng.uniform(-25, 25, 3)
    return Image.fromarray((colour + level[..., None]).clip(0, 255).astype(np.uint8))


def _disc(rng: np.random.Generator) -> tuple[Image.Image, float]:
    radius = rng.uniform(48, 112) / 2 * _OVER
    return Image.new("L", (math.ceil(2 * radius), math.ceil(2 * radius))), radius


def _flat(shape: Image.Image) -> Image.Image:
    return Image.new("L", shape.size, _NEUTRAL)


def _hole(shape: Image.Image, radius: float, share: float) -> None:
    inner = radius * share
    ImageDraw.Draw(shape).ellipse((radius - inner, radius - inner, radius + inner, radius + inner), fill=0)


def _star(radius: float, turn: float, reaches: list[tuple[float, float]]) -> list[tuple[float, float]]:
    """Corners around a middle at (radius, radius), each given as (share of the radius, angle)."""
    return [(radius + radius * r * math.cos(a + turn), radius + radius * r * math.sin(a + turn)) for r, a in reaches]


def _washer(rng: np.random.Generator) -> tuple[Image.Image, Image.Image]:
    shape, radius = _disc(rng)
    ImageDraw.Draw(shape).ellipse((0, 0, 2 * radius, 2 * radius), fill=255)
    _hole(shape, radius, rng.uniform(0.42, 0.62))
    return shape, _flat(shape)


def _nut(rng: np.random.Generator) -> tuple[Image.Image, Image.Image]:
    shape, radius = _disc(rng)
    corners = [(1.0, k * math.pi / 3) for k in range(6)]
    ImageDraw.Draw(shape).polygon(_star(radius, rng.uniform(0, math.pi / 3), corners), fill=255)
    _hole(shape, radius, rng.uniform(0.38, 0.52))
    return shape, _flat(shape)


def _gear(rng: np.random.Generator) -> tuple[Image.Image, Image.Image]:
    shape, radius = _disc(rng)
    teeth = int(rng.integers(8, 12))
    step = 2 * math.pi / teeth
    profile = ((0.76, -0.34), (1.0, -0.20), (1.0, 0.20), (0.76, 0.34))
    corners = [(r, (k + a) * step) for k in range(teeth) for r, a in profile]
    ImageDraw.Draw(shape).polygon(_star(radius, rng.uniform(0, step), corners), fill=255)
    _hole(shape, radius, rng.uniform(0.20, 0.32))
    return shape, _flat(shape)


def _bolt(rng: np.random.Generator) -> tuple[Image.Image, Image.Image]:
    length = rng.uniform(84, 150) * _OVER
    width = length * rng.uniform(0.34, 0.42)
    shape = Image.new("L", (math.ceil(length), math.ceil(width)))
    head, half = length * 0.22, width * rng.uniform(0.22, 0.28)
    pen = ImageDraw.Draw(shape)
    pen.rectangle((head, width / 2 - half, length, width / 2 + half), fill=255)
    # A hexagon seen from the side: a block with its corners cut.
    cut = head * 0.25
    pen.polygon([(cut, 0), (head, 0), (head, width), (cut, width), (0, width - cut), (0, cut)], fill=255)
    relief = _flat(shape)
    pitch = length * 0.045
    for at in np.arange(length * 0.45, length, pitch).tolist():
        ImageDraw.Draw(relief).line((at, 0, at + pitch / 2, width), fill=_NEUTRAL - 45, width=int(pitch / 2.5))
    turn = rng.uniform(0, 360)
    return (
        shape.rotate(turn, Image.Resampling.BILINEAR, expand=True),
        relief.rotate(turn, Image.Resampling.BILINEAR, expand=True, fillcolor=_NEUTRAL),
    )


_SHAPES: dict[str, Callable[[np.random.Generator], tuple[Image.Image, Image.Image]]] = {
    "washer": _washer,
    "nut": _nut,
    "bolt": _bolt,
    "gear": _gear,
}
