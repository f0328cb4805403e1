"""From a picture file to what the network sees, exactly as darknet prepares it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from bridge import picture
from bridge.errors import InputError
from bridge.plugin import DetectorOptions
from plugins.geometry import Fit, letterbox, resize

# What darknet puts beside a picture whose shape is not the network's.
_GREY = 0.5


def load(path: Path, channels: int) -> NDArray[np.uint8]:
    """The pixels as stored (no EXIF turn), (height, width, channels) in RGB or grey; raises as picture.look."""
    picture.look(path)  # Bounds the size before anything is decoded.
    try:
        with Image.open(path) as image:
            pixels = np.asarray(_eight_bits(image).convert("RGB" if channels == 3 else "L"))
    except (OSError, SyntaxError, ValueError) as error:
        raise InputError("picture-unreadable", path=str(path), reason=str(error)) from None
    return pixels.reshape(*pixels.shape[:2], channels)


def _eight_bits(image: Image.Image) -> Image.Image:
    """Pillow cuts 16-bit greys off at 255; darknet and OpenCV keep their upper eight bits."""
    if not image.mode.startswith("I"):
        return image
    return Image.fromarray((np.asarray(image).astype(np.int64) >> 8).clip(0, 255).astype(np.uint8))


def prepare(pixels: NDArray[np.uint8], width: int, height: int, options: DetectorOptions) -> NDArray[np.float32]:
    """The network's input (1, channels, height, width), 0 to 1: stretched, or letter-boxed in grey."""
    place = place_of(pixels.shape[1], pixels.shape[0], width, height, options)
    inside = resize(pixels, place.width, place.height, options.resize)
    if (place.width, place.height) != (width, height):
        whole = np.full((height, width, pixels.shape[2]), _GREY, np.float32)
        whole[place.top : place.top + place.height, place.left : place.left + place.width] = inside
        inside = whole
    return np.ascontiguousarray(inside.transpose(2, 0, 1))[None]


def place_of(width: int, height: int, net_width: int, net_height: int, options: DetectorOptions) -> Fit:
    """Where a picture of this size lies in the network's input."""
    return letterbox(width, height, net_width, net_height) if options.letterbox else Fit(net_width, net_height, 0, 0)
