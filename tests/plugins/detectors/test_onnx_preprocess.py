from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from bridge.errors import InputError
from bridge.plugin import DetectorOptions
from plugins.detectors.onnx.preprocess import load, prepare


def saved(folder: Path, pixels: Any, name: str = "図.png", **options: Any) -> Path:
    path = folder / name
    Image.fromarray(np.asarray(pixels)).save(path, **options)
    return path


def test_pixels_are_taken_as_stored_whatever_the_exif_turn(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    path = saved(tmp_path, np.zeros((20, 40, 3), np.uint8), "turned.jpg", exif=exif)
    assert load(path, 3).shape == (20, 40, 3)


def test_every_kind_of_picture_becomes_colour_or_grey(tmp_path: Path) -> None:
    grey = np.full((4, 6), 200, np.uint8)
    assert (load(saved(tmp_path, grey), 3) == 200).all()
    assert load(saved(tmp_path, grey), 1).shape == (4, 6, 1)
    clear = np.dstack((grey, grey // 2, grey // 4, grey * 0))
    assert load(saved(tmp_path, clear), 3)[0, 0].tolist() == [200, 100, 50]
    deep = np.full((4, 6), 0xC8FF, np.uint16)
    assert (load(saved(tmp_path, deep), 3) == 0xC8).all()


def test_a_picture_of_another_shape_is_stretched_or_set_in_grey() -> None:
    white = np.full((10, 50, 3), 255, np.uint8)
    stretched = prepare(white, 64, 32, DetectorOptions())
    assert stretched.shape == (1, 3, 32, 64)
    assert stretched.min() == 1
    boxed = prepare(white, 64, 32, DetectorOptions(letterbox=True))
    assert boxed.shape == (1, 3, 32, 64)
    assert (boxed[0, 0, :, 0] == [0.5] * 10 + [1.0] * 12 + [0.5] * 10).all()


def test_colours_come_as_red_green_blue_planes() -> None:
    picture = np.zeros((32, 32, 3), np.uint8)
    picture[..., 0] = 255
    planes = prepare(picture, 32, 32, DetectorOptions())[0]
    assert planes.max(axis=(1, 2)).tolist() == [1, 0, 0]


def test_a_picture_cut_short_is_named(tmp_path: Path) -> None:
    whole = saved(tmp_path, np.random.default_rng(0).integers(0, 255, (64, 64, 3), np.uint8), "whole.jpg")
    torn = tmp_path / "torn.jpg"
    torn.write_bytes(whole.read_bytes()[:900])
    with pytest.raises(InputError, match="picture-unreadable"):
        load(torn, 3)
