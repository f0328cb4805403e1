"""Textured scenes as files, and copies of them as programs make them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw

Scene = Callable[[int], Image.Image]


@pytest.fixture(scope="session")
def scene() -> Scene:
    def draw(number: int, width: int = 320, height: int = 240) -> Image.Image:
        rng = np.random.default_rng(number)
        coarse = Image.fromarray(rng.integers(40, 216, (6, 8, 3), np.uint8)).resize(
            (width, height), Image.Resampling.BICUBIC
        )
        pen = ImageDraw.Draw(coarse)
        for _ in range(12):
            x, y, w, h = rng.integers(0, (width, height, width // 3, height // 3)).tolist()
            pen.rectangle((x, y, x + w, y + h), fill=tuple(rng.integers(0, 256, 3).tolist()))
        return coarse

    return draw


@pytest.fixture
def saved(tmp_path: Path) -> Callable[..., Path]:
    def save(image: Image.Image, name: str, quality: int = 88) -> Path:
        path = tmp_path / name
        image.save(path, quality=quality)
        return path

    return save
