from __future__ import annotations

import pytest
from PIL import Image, ImageOps

from plugins.formats.exif import shown_size, to_shown, to_stored, upright

W, H = 7, 5


def shown_by_pillow(orientation: int) -> Image.Image:
    picture = Image.new("L", (W, H))
    picture.putdata([y * W + x + 1 for y in range(H) for x in range(W)])
    exif = Image.Exif()
    exif[0x0112] = orientation
    picture.getexif().update(exif)
    return ImageOps.exif_transpose(picture)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_every_pixel_lands_where_pillow_puts_it(orientation: int) -> None:
    shown = shown_by_pillow(orientation)
    assert shown.size == shown_size(W, H, orientation)
    for y in range(H):
        for x in range(W):
            ((u, v),) = to_shown(((x + 0.5, y + 0.5),), W, H, orientation)
            assert shown.getpixel((int(u), int(v))) == y * W + x + 1


@pytest.mark.parametrize("orientation", range(1, 9))
def test_there_and_back(orientation: int) -> None:
    points = ((0.0, 0.0), (7.0, 5.0), (2.5, -1.0))
    assert to_stored(to_shown(points, W, H, orientation), W, H, orientation) == points


def test_an_orientation_that_does_not_exist_turns_nothing() -> None:
    assert to_shown(((1.0, 2.0),), W, H, 9) == ((1.0, 2.0),)


def test_a_turned_rectangle_keeps_its_order_of_corners() -> None:
    assert upright(((1, 1), (2, 3)), ((4, 1), (2, 2)), 6) == ((2, 1), (4, 2))
    assert upright(((2, 1), (1, 3)), ((4, 1), (2, 2)), 3) == ((4, 1), (2, 2))
    assert upright(((2, 1), (1, 3)), ((4, 1), (2, 2)), 6) == ((2, 2), (4, 1))
