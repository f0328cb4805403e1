"""Networks of random weights, scaled so that numbers neither vanish nor explode."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from plugins.engines.darknet import cfg
from plugins.engines.darknet.network import Layer, walk


def _layer_weights(layer: Layer, rng: np.random.Generator) -> list[NDArray[Any]]:
    filters = layer.shape.channels
    normalised = bool(layer.section.integer("batch_normalize"))
    kernels = layer.floats - filters * (4 if normalised else 1)
    parts = [rng.normal(0, 0.3, filters)]
    if normalised:
        parts += [rng.uniform(0.7, 1.3, filters), rng.normal(0, 0.2, filters), rng.uniform(0.5, 2, filters)]
    return [*parts, rng.normal(0, (2 * filters / kernels) ** 0.5, kernels)]


@pytest.fixture
def weights_of(tmp_path: Path) -> Callable[..., Path]:
    """Writes a weights file for a cfg: weights_of(text, seed, version=(0, 2, 5))."""

    def write(text: str, seed: int = 0, version: tuple[int, int, int] = (0, 2, 5)) -> Path:
        rng = np.random.default_rng(seed)
        layers = [layer for layer in walk(cfg.read(text)).layers if layer.floats]
        numbers = [part for layer in layers for part in _layer_weights(layer, rng)]
        wide = version[0] * 10 + version[1] >= 2
        path = tmp_path / f"random_{seed}.weights"
        header = np.array(version, "<i4").tobytes() + np.array([6400], "<i8" if wide else "<i4").tobytes()
        path.write_bytes(header + np.concatenate(numbers).astype("<f4").tobytes())
        return path

    return write


@pytest.fixture
def noise(tmp_path: Path) -> Callable[[int, int], Path]:
    """Writes a picture of soft random colours."""

    def write(width: int, height: int, seed: int = 0) -> Path:
        from PIL import Image

        small = np.random.default_rng(seed).integers(0, 256, (height // 8 + 1, width // 8 + 1, 3), np.uint8)
        path = tmp_path / f"雑音_{width}x{height}_{seed}.png"
        Image.fromarray(small).resize((width, height), Image.Resampling.BICUBIC).save(path)
        return path

    return write
