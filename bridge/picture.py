"""Looking at a picture file: size, format, EXIF turn, bytes; nothing is ever written."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from bridge.errors import InputError, NotFoundError
from bridge.jpeg import HEAD, plain_size
from bridge.model.annotation import Box, FileStamp

if TYPE_CHECKING:
    from PIL import Image

# What VoTT and darknet both take; an extension outside it is reported.
EXTENSIONS = frozenset({".jpg", ".jpeg", ".png", ".bmp", ".gif", ".tif", ".tiff", ".webp", ".ppm"})

_EXIF_ORIENTATION = 0x0112

# What is hashed in one go.
_SMALL = 1 << 20
# So that opening what is no file (a pipe, say) never waits for a writer. Windows has no such things.
_READ = os.O_RDONLY | getattr(os, "O_BINARY", 0) | getattr(os, "O_NONBLOCK", 0)


@dataclass(frozen=True, slots=True)
class Look:
    """What the header says: size as stored (no EXIF turn), format ("JPEG", "PNG", …), EXIF orientation 1 to 8, mode."""

    width: int
    height: int
    format: str
    orientation: int
    mode: str


def look(path: Path | str, max_megapixels: int = 200) -> Look:
    """Read a picture's header; raises NotFoundError or InputError (unreadable, too large)."""
    return stamped_look(str(path), max_megapixels)[1]


def stamped_look(path: str, max_megapixels: int = 200) -> tuple[FileStamp, Look]:
    """Size and time of the file, and its header, in one go; raises as look."""
    seen, head = _head(path)
    plain = plain_size(head)
    look = _plain(*plain) if plain is not None else _decoders_look(path, seen.size, seen.mtime_ns)
    if look.width * look.height > max_megapixels * 1_000_000:
        raise InputError("picture-too-large", path=path, width=look.width, height=look.height, limit=max_megapixels)
    return seen, look


def _head(path: str) -> tuple[FileStamp, bytes]:
    try:
        handle = os.open(path, _READ)
    except OSError:
        return stamp(path), b""  # Not there: said by name. Not ours to read: so says whoever opens it next.
    try:
        found = os.fstat(handle)
        if not stat.S_ISREG(found.st_mode):
            raise InputError("picture-unreadable", path=path, reason="not a file")
        return FileStamp(path, found.st_size, found.st_mtime_ns), os.read(handle, HEAD)
    finally:
        os.close(handle)


@lru_cache(maxsize=64)
def _plain(width: int, height: int, mode: str) -> Look:
    return Look(width, height, "JPEG", 1, mode)


# A reader and the intake behind it look at the same picture within one slice.
@lru_cache(maxsize=2048)
def _decoders_look(path: str, _size: int, _mtime_ns: int) -> Look:
    with _opened(path) as image:
        width, height = image.size
        return Look(width, height, image.format or "", _orientation(image), image.mode)


def _orientation(image: Image.Image) -> int:
    import struct

    # Reading EXIF from a PNG would decode the whole file; only JPEG, TIFF and WebP turn pictures in practice.
    if image.format not in ("JPEG", "MPO", "TIFF", "WEBP"):
        return 1
    try:
        found = image.getexif().get(_EXIF_ORIENTATION, 1)
    except (SyntaxError, ValueError, OSError, struct.error):
        return 1  # Viewers do not turn a picture by a damaged mark either.
    return found if isinstance(found, int) and 1 <= found <= 8 else 1


def stamp(path: Path | str) -> FileStamp:
    """Where the file is, and size and time as they are now; raises NotFoundError."""
    try:
        found = os.stat(path)  # noqa: PTH116 - called for every picture
    except OSError:
        raise NotFoundError("picture-missing", path=str(path)) from None
    return FileStamp(str(path), found.st_size, found.st_mtime_ns)


def sha256(path: Path | str) -> str:
    """SHA-256 of the file's bytes; raises NotFoundError."""
    try:
        with open(path, "rb", buffering=0) as file:  # noqa: PTH123 - called for every picture
            data = file.read(_SMALL)
            if len(data) < _SMALL:
                return hashlib.sha256(data).hexdigest()
            file.seek(0)
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        raise NotFoundError("picture-missing", path=str(path)) from None


def decode(path: Path, max_megapixels: int = 200) -> None:
    """Decode the whole picture; raises InputError when it is cut short or damaged."""
    look(path, max_megapixels)
    with _opened(path) as image:
        try:
            image.load()
        except (OSError, SyntaxError, ValueError) as error:
            raise InputError("picture-unreadable", path=str(path), reason=str(error)) from None


def preview(path: Path, longest: int, quality: int = 80) -> bytes:
    """A JPEG at most `longest` pixels wide or high, in the stored pixel grid; raises like look."""
    import io

    look(path)
    with _opened(path) as image:
        try:
            image.draft("RGB", (longest * 2, longest * 2))
            image.thumbnail((longest, longest))
            target = io.BytesIO()
            image.convert("RGB").save(target, "JPEG", quality=quality)
        except (OSError, SyntaxError, ValueError) as error:
            raise InputError("picture-unreadable", path=str(path), reason=str(error)) from None
    return target.getvalue()


def grey(path: Path | str, side: int, max_megapixels: int = 200) -> bytes:
    """The picture as side x side levels of grey, row by row, in the stored pixel grid; raises like look.

    Of a JPEG no more is decoded than that takes.
    """
    from PIL import Image

    look(path, max_megapixels)
    with _opened(path) as image:
        try:
            image.draft("L", (side, side))
            return _eight_bits(image).convert("L").resize((side, side), Image.Resampling.BOX).tobytes()
        except (OSError, SyntaxError, ValueError) as error:
            raise InputError("picture-unreadable", path=str(path), reason=str(error)) from None


def cutouts(path: Path | str, boxes: Sequence[Box], side: int, max_megapixels: int = 200) -> list[bytes]:
    """What lies in each box as side x side levels of grey, row by row; the boxes have an area inside the picture.

    Raises like look.
    """
    from PIL import Image

    look(path, max_megapixels)
    with _opened(path) as image:
        try:
            image.draft("L", image.size)
            levels = _eight_bits(image).convert("L")
        except (OSError, SyntaxError, ValueError) as error:
            raise InputError("picture-unreadable", path=str(path), reason=str(error)) from None
    inside = (box.clipped(*levels.size) for box in boxes)
    places = ((box.left, box.top, box.right, box.bottom) for box in inside)
    return [levels.resize((side, side), Image.Resampling.BOX, place).tobytes() for place in places]


def _eight_bits(image: Image.Image) -> Image.Image:
    """Levels of more than 8 bits, brought down to them by the brightest; Pillow would cut them off at 255."""
    if not image.mode.startswith(("I", "F")):
        return image
    levels = image.convert("F")
    _, brightest = levels.getextrema()
    scale = 255 / brightest if isinstance(brightest, float) and brightest > 255 else 1.0
    return levels.point(lambda level: level * scale + 0)


def _opened(path: Path | str) -> Image.Image:
    from PIL import Image, UnidentifiedImageError

    # Pillow's own bound is fixed at 179 megapixels; ours is a setting, and holds before anything is decoded.
    Image.MAX_IMAGE_PIXELS = None
    try:
        return Image.open(path)
    except FileNotFoundError:
        raise NotFoundError("picture-missing", path=str(path)) from None
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError) as error:
        raise InputError("picture-unreadable", path=str(path), reason=str(error)) from None
