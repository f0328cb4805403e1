"""The bench that the parts lie on: gradient, noise, planks or stains, scratches, and scraps nobody labels."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter

WIDTH, HEIGHT = 320, 240


def bench(rng: np.random.Generator) -> Image.Image:
    """An empty bench top."""
    image = Image.fromarray(_surface(rng).clip(0, 255).astype(np.uint8))
    image = (_plain, _planks, _stains)[rng.integers(3)](image, rng)
    draw = ImageDraw.Draw(image)
    for _ in range(rng.integers(0, 7)):
        _scratch(draw, rng)
    for _ in range(rng.integers(0, 3)):
        _scrap(draw, rng)
    return image


def _surface(rng: np.random.Generator) -> NDArray[np.float64]:
    turn = rng.uniform(0, 2 * math.pi)
    x, y = np.meshgrid(np.linspace(-1, 1, WIDTH), np.linspace(-1, 1, HEIGHT))
    along = (x * math.cos(turn) + y * math.sin(turn)) / (abs(math.cos(turn)) + abs(math.sin(turn)))
    share = ((along + 1) / 2)[..., None]
    first, second = rng.uniform(70, 200, (2, 1)) + rng.uniform(-35, 35, (2, 3))
    amount = rng.uniform(0.08, 0.30)
    paint: NDArray[np.float64] = first * (1 - share) + second * share
    return (1 - amount) * paint + amount * _noise(rng)


def _noise(rng: np.random.Generator) -> NDArray[np.float64]:
    coarse = int(rng.choice((1, 2, 4)))
    grain = rng.normal(128, 60, (HEIGHT // coarse, WIDTH // coarse, 3)).clip(0, 255).astype(np.uint8)
    return np.asarray(Image.fromarray(grain).resize((WIDTH, HEIGHT), Image.Resampling.BILINEAR), np.float64)


def _plain(image: Image.Image, rng: np.random.Generator) -> Image.Image:
    return image


def _planks(image: Image.Image, rng: np.random.Generator) -> Image.Image:
    draw = ImageDraw.Draw(image)
    step, at = int(rng.integers(28, 70)), int(rng.integers(0, 28))
    for x in range(at, WIDTH, step):
        draw.line((x, 0, x, HEIGHT), fill=_grey(rng, 40, 100), width=int(rng.integers(1, 3)))
    return image


def _stains(image: Image.Image, rng: np.random.Generator) -> Image.Image:
    for _ in range(rng.integers(2, 6)):
        stain = Image.new("L", image.size)
        radius, x, y = rng.uniform(15, 60), rng.uniform(0, WIDTH), rng.uniform(0, HEIGHT)
        strength = int(rng.integers(25, 70))
        ImageDraw.Draw(stain).ellipse((x - radius, y - radius, x + radius, y + radius), fill=strength)
        image.paste(_colour(rng), (0, 0), stain.filter(ImageFilter.GaussianBlur(4)))
    return image


def _scratch(draw: ImageDraw.ImageDraw, rng: np.random.Generator) -> None:
    x, y, turn, length = rng.uniform(0, WIDTH), rng.uniform(0, HEIGHT), rng.uniform(0, 6.3), rng.uniform(20, 120)
    draw.line((x, y, x + length * math.cos(turn), y + length * math.sin(turn)), fill=_grey(rng, 50, 220), width=1)


def _scrap(draw: ImageDraw.ImageDraw, rng: np.random.Generator) -> None:
    x, y = rng.uniform(0, WIDTH), rng.uniform(0, HEIGHT)
    draw.rectangle((x, y, x + rng.uniform(15, 60), y + rng.uniform(15, 60)), fill=_colour(rng))


def _grey(rng: np.random.Generator, low: int, high: int) -> tuple[int, int, int]:
    level = int(rng.integers(low, high))
    return level, level, level


def _colour(rng: np.random.Generator) -> tuple[int, int, int]:
    red, green, blue = (int(v) for v in rng.integers(40, 220, 3))
    return red, green, blue
