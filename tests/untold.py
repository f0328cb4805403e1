"""A VoTT 1 project that names its pictures by number and does not tell by their shapes which is which."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

# As Windows lists them; Linux and macOS put B.jpg and Z_9.jpg first.
NAMES = ("a1.jpg", "a_1.jpg", "B.jpg", "Z_9.jpg", "浴衣.jpg")
COUNT = 4


def draw_untold(
    folder: Path, size: tuple[int, int] = (64, 48), names: tuple[str, ...] = NAMES, count: int = COUNT
) -> Path:
    """Pictures of one shape, each with a picture of its own, and one box in the first ones; gives the JSON file."""
    from PIL import Image, ImageDraw

    pictures = folder / "images"
    pictures.mkdir(parents=True)
    width, height = size
    for number, name in enumerate(names):
        image = Image.new("RGB", size, (40 * number % 256, 90, (200 - 30 * number) % 256))
        left = width * (number + 1) / (len(names) + 2)
        ImageDraw.Draw(image).ellipse((left, height / 4, left + width / 4, height * 3 / 4), "white")
        image.save(pictures / name)
    path = folder / "images.json"
    path.write_text(json.dumps(project(size, count)), "utf-8")
    return path


def project(size: tuple[int, int], count: int) -> dict[str, Any]:
    """The JSON of VoTT 1.0.9 with one box in each of the first pictures."""
    frames = {str(number): [region(size, number)] for number in range(count)}
    return {
        "frames": frames,
        "framerate": "1",
        "inputTags": "浴衣,帯",
        "suggestiontype": "track",
        "scd": False,
        "visitedFrames": list(range(count)),
        "tag_colors": ["#ff0000", "#00ff00"],
    }


def region(size: tuple[int, int], number: int) -> dict[str, Any]:
    """One box on a canvas of twice the picture's size."""
    width, height = size[0] * 2, size[1] * 2
    left = round(width * (number + 1) / 8)
    corners = {"x1": left, "y1": height // 4, "x2": left + width // 4, "y2": height * 3 // 4}
    tags = ["浴衣"] if number % 2 else ["帯"]
    return {**corners, "id": 0, "width": width, "height": height, "type": "Rectangle", "tags": tags, "name": 1}
