"""What the first bytes of picture files say, remembered by their hash."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

from bridge import picture
from bridge.errors import BridgeError
from bridge.model.annotation import Image
from bridge.plugin import View

_KIND, _SLICE = "header-1", 2000


def headers(view: View) -> Iterator[tuple[Image, str, str]]:
    """Each picture with its format and mode as Pillow names them ("JPEG", "CMYK"); what cannot be read is left out."""
    images = (document.image for document in view.documents if document.image.file is not None)
    while some := list(islice(images, _SLICE)):
        known = view.notes.recall(_KIND, {image.sha256 for image in some if image.sha256})
        fresh: dict[str, bytes] = {}
        for image in some:
            said = known.get(image.sha256 or "") or _look(image, view.max_megapixels)
            if said is not None:
                if image.sha256 and image.sha256 not in known:
                    fresh[image.sha256] = said
                kind, _, mode = said.decode().partition(" ")
                yield image, kind, mode
        view.notes.keep(_KIND, fresh)


def _look(image: Image, max_megapixels: int) -> bytes | None:
    assert image.file is not None
    try:
        seen = picture.look(image.file.path, max_megapixels)
    except BridgeError:
        return None  # Told by other rules: missing-image, unreadable.
    return f"{seen.format} {seen.mode}".encode()
