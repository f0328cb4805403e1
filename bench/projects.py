"""Projects to measure on: as large as wished, the same at every run."""

from __future__ import annotations

import io
import json
import random
from pathlib import Path

from PIL import Image

LABELS = ("washer", "nut", "bolt", "歯車")
WIDTH, HEIGHT = 640, 480


def picture_bytes(size: int) -> bytes:
    """A real JPEG, made up to a size with bytes after its end, which every decoder passes over."""
    target = io.BytesIO()
    Image.linear_gradient("L").resize((WIDTH, HEIGHT)).convert("RGB").save(target, "JPEG", quality=60)
    return target.getvalue().ljust(size, b"\0")


def vott_project(folder: Path, pictures: int, boxes: int, picture_size: int) -> Path:
    """A VoTT 2 project of that many pictures with that many boxes each; gives the folder of the .vott file."""
    dice = random.Random(0)
    images, target = folder / "pictures", folder / "vott"
    images.mkdir(parents=True)
    target.mkdir()
    data = picture_bytes(picture_size - 8)
    assets = {}
    for n in range(pictures):
        name = f"img_{n:06d}.jpg"
        if picture_size:
            (images / name).write_bytes(data + n.to_bytes(8, "big"))
        asset = _asset(n, images / name)
        assets[asset["id"]] = asset
        regions = [_region(f"r{n}_{k}", dice) for k in range(boxes)]
        document = {"asset": asset, "regions": regions, "version": "2.2.0"}
        (target / f"{asset['id']}-asset.json").write_text(json.dumps(document, indent=4, ensure_ascii=False))
    project = {
        "name": "bench",
        "securityToken": "bench Token",
        "tags": [{"name": name, "color": "#5db300"} for name in LABELS],
        "sourceConnection": _connection("source", images),
        "targetConnection": _connection("target", target),
        "exportFormat": None,
        "videoSettings": {"frameExtractionRate": 15},
        "id": "bench",
        "version": "2.2.0",
        "assets": assets,
    }
    (target / "bench.vott").write_text(json.dumps(project, indent=4, ensure_ascii=False))
    return target


def _asset(n: int, path: Path) -> dict[str, object]:
    return {
        "format": "jpg",
        "id": f"{n:032x}",
        "name": path.name,
        "path": f"file:{path}",
        "size": {"width": WIDTH, "height": HEIGHT},
        "state": 2,
        "type": 1,
    }


def _region(region_id: str, dice: random.Random) -> dict[str, object]:
    x, y = dice.uniform(0, WIDTH - 120), dice.uniform(0, HEIGHT - 120)
    w, h = dice.uniform(8, 120), dice.uniform(8, 120)
    corners = ((x, y), (x + w, y), (x + w, y + h), (x, y + h))
    return {
        "id": region_id,
        "type": "RECTANGLE",
        "tags": [dice.choice(LABELS)],
        "boundingBox": {"height": h, "width": w, "left": x, "top": y},
        "points": [{"x": px, "y": py} for px, py in corners],
    }


def _connection(name: str, folder: Path) -> dict[str, object]:
    options = {"folderPath": str(folder)}
    return {"id": name, "name": name, "providerType": "localFileSystemProxy", "providerOptions": options}
