"""Copies among 5,000 pictures, beside imagehash's dHash (which only hashes here: it has no search).

The copies are re-encoded, halved, enlarged, darker, of more contrast, or have a watermark; each has its own original.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Callable
from functools import partial
from multiprocessing import Pool
from pathlib import Path
from typing import TYPE_CHECKING

from bench.measure import Row, Taken, interleaved
from bench.peers import environment, script

if TYPE_CHECKING:
    from PIL import Image

IMAGEHASH = "4.3.2"
_SIZE = (640, 480)
_PEER = """
import sys
from pathlib import Path
import imagehash
from PIL import Image
for path in sorted(Path(sys.argv[1]).iterdir()):
    with Image.open(path) as image:
        imagehash.dhash(image)
"""
_OURS = """
import json, sys
from pathlib import Path
from bridge import picture
from bridge.model.annotation import Image
from bridge.plugin import Notebook
from bridge.twins.album import families_of
images = [Image(path.name, file=picture.stamp(path)) for path in sorted(Path(sys.argv[1]).iterdir())]
pairs = {
    tuple(sorted((images[one].name, images[other].name)))
    for family in families_of(images, Notebook())
    for one, (other, _) in family.closest.items()
}
print(json.dumps(sorted(pairs)))
"""


def measure(folder: Path, quick: bool) -> list[Row]:
    """One in nine of the pictures is a copy of another."""
    pictures = 540 if quick else 5_000
    copies = pictures // 54 * 6
    place = folder / "pictures"
    place.mkdir(parents=True)
    with Pool(os.cpu_count()) as pool:
        pool.map(partial(_draw, place, copies), range(pictures - copies), chunksize=20)
    peer = environment("imagehash", IMAGEHASH)
    acts = [lambda: script(Path(sys.executable), _OURS, place)]
    if peer is not None:
        acts.append(lambda: script(peer, _PEER, place))
    ours, *peers = interleaved(1 if quick else 3, *acts)
    shutil.rmtree(folder, ignore_errors=True)
    return [_speed(pictures, ours, peers[0] if peers else None), *_found(copies, ours)]


def _speed(pictures: int, ours: Taken, peer: Taken | None) -> Row:
    what = f"copies among {pictures:,} pictures of {_SIZE[0]} x {_SIZE[1]}"
    told, wanted = f"{pictures / ours.cpu:.0f} a CPU s, {ours.memory:.0f} MB", "≥ 2.5× its pictures per CPU s"
    if peer is None:
        return Row(what, told, "imagehash could not be installed", "-", wanted)
    ratio = peer.cpu / ours.cpu
    beside = f"imagehash {IMAGEHASH} dHash: {pictures / peer.cpu:.0f} a CPU s"
    return Row(what, told, beside, f"{ratio:.1f}×", wanted, ratio >= 2.5)


def _found(copies: int, ours: Taken) -> list[Row]:
    pairs = {tuple(pair) for pair in json.loads(ours.output.splitlines()[-1])}
    planted = {(f"{number:05}.jpg", f"{number:05}x.jpg") for number in range(copies)}
    share, false = len(pairs & planted) / copies, len(pairs - planted)
    return [
        Row("of the copies, found", f"{100 * share:.1f} % of {copies}", "-", "-", "≥ 99 %", share >= 0.99),
        Row("other pairs", str(false), "-", "-", "≤ 5", false <= 5),
    ]


def _draw(place: Path, copies: int, number: int) -> None:
    """A scene with the grain of a camera, and its copy if it is to have one."""
    import numpy as np
    from PIL import Image

    from bridge.sample.scene import draw

    grain = np.random.default_rng(number).normal(0, 5, (_SIZE[1], _SIZE[0], 1))
    levels = np.asarray(draw(number)[0].resize(_SIZE, Image.Resampling.BICUBIC), np.float64) + grain
    scene = Image.fromarray(levels.clip(0, 255).astype(np.uint8))
    scene.save(place / f"{number:05}.jpg", quality=90)
    if number < copies:
        _COPIES[number % len(_COPIES)](scene).save(place / f"{number:05}x.jpg", quality=60)


def _sized(share: float, scene: Image.Image) -> Image.Image:
    return scene.resize((round(scene.width * share), round(scene.height * share)))


def _darker(scene: Image.Image) -> Image.Image:
    return scene.point([round(level * 0.9) for level in range(256)] * 3)


def _contrast(scene: Image.Image) -> Image.Image:
    return scene.point([min(max(round((level - 128) * 1.1 + 128), 0), 255) for level in range(256)] * 3)


def _marked(scene: Image.Image) -> Image.Image:
    from PIL import ImageDraw

    width, height = scene.size
    pen = ImageDraw.Draw(scene := scene.copy())
    pen.rectangle((width * 0.72, height * 0.9, width * 0.98, height * 0.97), fill="white")
    return scene


_COPIES: tuple[Callable[[Image.Image], Image.Image], ...] = (
    lambda scene: scene,
    partial(_sized, 0.5),
    partial(_sized, 1.5),
    _darker,
    _contrast,
    _marked,
)
