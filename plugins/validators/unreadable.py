"""Picture files that cannot be decoded to the end, or are gone."""

from __future__ import annotations

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from pathlib import Path

from bridge import picture
from bridge.errors import InputError, NotFoundError
from bridge.model.annotation import Image
from bridge.model.finding import Finding, Severity
from bridge.plugin import View

_SLICE = 1000
_KIND = "decoded-1"


class Unreadable:
    """An error: on such a file darknet crashes, stops, or trains on a black picture, depending on how it was built.

    Every picture is decoded whole, several at a time; bytes that were sound once are not decoded again. A file that
    is gone is told by another rule, missing-image.
    """

    rule = "unreadable"

    def check(self, view: View) -> Iterator[Finding]:
        """One finding per file."""
        threads = min(8, os.cpu_count() or 1)  # Pillow decodes without Python's lock.
        images = (d.image for d in view.documents if d.image.file is not None)
        with ThreadPoolExecutor(threads) as pool:
            # Some at a time, so that findings come early and a project of a million pictures is never held at once.
            while batch := list(islice(images, _SLICE)):
                sound = view.notes.recall(_KIND, {image.sha256 for image in batch if image.sha256})
                doubtful = [image for image in batch if image.sha256 not in sound or _has_changed(image)]
                found = list(pool.map(lambda image: self._look(image, view.max_megapixels), doubtful))
                yield from filter(None, found)
                looked = zip(doubtful, found, strict=True)
                fresh = [image for image, flaw in looked if flaw is None and not _has_changed(image)]
                view.notes.keep(_KIND, {image.sha256: b"" for image in fresh if image.sha256})

    def _look(self, image: Image, max_megapixels: int) -> Finding | None:
        assert image.file is not None
        try:
            picture.decode(Path(image.file.path), max_megapixels)
        except NotFoundError:
            fields = {"case": "gone", "path": image.file.path}
            return Finding("missing-image", Severity.WARNING, image.name, fields)
        except InputError as error:
            fields = {"path": image.file.path, "reason": _reason(error)}
            return Finding(self.rule, Severity.ERROR, image.name, fields)
        return None


def _has_changed(image: Image) -> bool:
    """Whether the file is another than the one that was hashed, or gone."""
    assert image.file is not None
    try:
        return picture.stamp(image.file.path) != image.file
    except NotFoundError:
        return True


def _reason(error: InputError) -> str:
    if error.rule == "picture-too-large":
        return "{width} x {height} px > {limit} megapixels".format_map(error.fields)
    return str(error.fields.get("reason", error.rule))
