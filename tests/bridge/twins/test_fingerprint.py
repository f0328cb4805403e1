"""What a picture looks like in a kilobyte."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageEnhance

from bridge import picture
from bridge.errors import InputError, NotFoundError
from bridge.twins.fingerprint import FINE, fingerprint, vectors

Save = Callable[..., Path]
Scene = Callable[..., Image.Image]


def likeness(one: Path, other: Path, grid: int = 16) -> float:
    first, second = vectors([fingerprint(one), fingerprint(other)], grid)
    return float(first @ second)


def marked(image: Image.Image) -> Image.Image:
    image = image.copy()
    ImageDraw.Draw(image).rectangle((230, 215, 310, 232), fill="white")
    return image


COPIES: dict[str, Callable[[Image.Image], Image.Image]] = {
    "again": lambda image: image,
    "half": lambda image: image.resize((image.width // 2, image.height // 2)),
    "larger": lambda image: image.resize((517, 389)),
    "squeezed": lambda image: image.resize((240, 240)),
    "darker": lambda image: ImageEnhance.Brightness(image).enhance(0.9),
    "contrast": lambda image: ImageEnhance.Contrast(image).enhance(1.1),
    "watermark": marked,
    "grey": lambda image: image.convert("L"),
}


@pytest.mark.parametrize("kind", COPIES)
def test_a_copy_is_alike(scene: Scene, saved: Save, kind: str) -> None:
    image = scene(1)
    one, other = saved(image, "a.jpg", 90), saved(COPIES[kind](image), "写し.jpg", 40)
    assert likeness(one, other) > 0.85
    assert likeness(one, other, FINE) > 0.66


def test_other_scenes_are_not_alike(scene: Scene, saved: Save) -> None:
    rows = vectors([fingerprint(saved(scene(number), f"{number}.jpg")) for number in range(30)])
    assert float((rows @ rows.T - np.eye(30)).max()) < 0.6


def test_two_walls_in_slanting_light_are_nothing_to_know_a_picture_by(saved: Save) -> None:
    wall = Image.linear_gradient("L").convert("RGB")
    rows = vectors([fingerprint(saved(wall, "a.jpg")), fingerprint(saved(wall.resize((99, 70)), "b.png"))])
    assert not rows.any()


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_copy_stored_upright_is_like_the_turned_one(scene: Scene, tmp_path: Path, orientation: int) -> None:
    from PIL import ImageOps

    exif = Image.Exif()
    exif[0x0112] = orientation
    scene(2).save(tmp_path / "turned.jpg", exif=exif)
    with Image.open(tmp_path / "turned.jpg") as turned:
        ImageOps.exif_transpose(turned).save(tmp_path / "upright.png")
    assert likeness(tmp_path / "turned.jpg", tmp_path / "upright.png") > 0.98


def test_pictures_of_every_kind_are_looked_at(scene: Scene, saved: Save, tmp_path: Path) -> None:
    image = scene(3)
    base = saved(image, "a.jpg")
    deep = Image.fromarray(np.asarray(image.convert("L"), np.uint16) * 257)
    kinds = {
        "rgba.png": image.convert("RGBA"),
        "palette.png": image.convert("P"),
        "deep.png": deep,
        "cmyk.jpg": image.convert("CMYK"),
        "a.bmp": image,
        "a.webp": image,
    }
    for name, made in kinds.items():
        made.save(tmp_path / name)
        assert likeness(base, tmp_path / name) > 0.9, name


def test_what_cannot_be_decoded_is_named(saved: Save, scene: Scene, tmp_path: Path) -> None:
    cut = saved(scene(4), "切れた.jpg")
    cut.write_bytes(cut.read_bytes()[:3000])
    with pytest.raises(InputError):
        fingerprint(cut)
    with pytest.raises(NotFoundError):
        fingerprint(tmp_path / "gone.jpg")
    with pytest.raises(InputError) as bomb:
        fingerprint(saved(scene(4), "b.jpg"), max_megapixels=0)
    assert bomb.value.rule == "picture-too-large"


def test_a_cutout_is_what_lies_in_the_box(tmp_path: Path) -> None:
    from bridge.model.annotation import Box

    image = Image.new("L", (40, 40), 10)
    image.paste(200, (10, 10, 20, 30))
    image.save(tmp_path / "a.png")
    inside, edge = picture.cutouts(tmp_path / "a.png", [Box(10, 10, 20, 30), Box(30, 30, 99, 99)], 4)
    assert (set(inside), set(edge)) == ({200}, {10})
