"""The sample project on disk: the pictures as JPEG files and their labels as documents."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable
from pathlib import Path

from bridge import document, picture
from bridge.model.annotation import Document, Image
from bridge.sample.scene import draw

# A few names as people really give them; ボ and ッ have forms that macOS writes in two code points.
_JAPANESE = {12: "ねじ", 57: "ナット", 103: "歯車", 188: "座金", 241: "作業台 上", 318: "ボルト", 351: "部品（大）"}


def draw_sample(
    folder: Path, train: int = 300, valid: int = 80, progress: Callable[[int, int], None] = lambda done, total: None
) -> list[Document]:
    """Draw the pictures into a folder and return their labels, training part first, the rest held out.

    Pictures that are there already with the same bytes are left alone.
    """
    folder.mkdir(parents=True, exist_ok=True)
    documents = []
    for number in range(train + valid):
        documents.append(_drawn(folder, number, held_out=number >= train))
        progress(number + 1, train + valid)
    return documents


def _drawn(folder: Path, number: int, held_out: bool) -> Document:
    image, regions = draw(number)
    target = io.BytesIO()
    image.save(target, "JPEG", quality=90)
    data = target.getvalue()
    path = folder / f"{_JAPANESE.get(number, 'bench')}_{number:03d}.jpg"
    document.write_atomic(path, data, sync=False)
    noun = Image(path.name, image.width, image.height, hashlib.sha256(data).hexdigest(), file=picture.stamp(path))
    return Document(noun, tuple(regions), held_out=held_out)
