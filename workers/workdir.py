"""A training's own folder: pictures under names that no trainer trips over, their label files, nothing of the user's.

Pictures are hard links to the node's cache. Two kinds are written anew, pixel for pixel: those that a viewer would
turn (OpenCV builds of darknet turn them by their EXIF tag, others do not, and labels are for the pixels as stored), and
those that are neither JPEG nor PNG (each build reads other ones).
"""

from __future__ import annotations

import errno
import os
import re
import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from bridge import picture
from bridge.errors import InputError, MissingPartError
from bridge.model.annotation import Box, Region
from bridge.model.work import Manifest, Picture
from plugins.formats.yolo.lines import label_lines
from workers.cache import Cache

# Some darknets drop blanks from paths, put "labels" where "images" or "raw" stands, cut at the first ".jpg",
# or keep paths in 256 bytes.
_PLAIN = re.compile(r"[A-Za-z0-9/_.-]{1,120}")
_TROUBLE = re.compile(r"images|raw|JPEGImages|\.(?:jpg|jpeg|png|bmp|ppm|tiff)", re.IGNORECASE)
_EXIF = b"Exif\x00\x00"


@dataclass(frozen=True, slots=True)
class LaidOut:
    """The pictures of a training by part, as paths in its folder."""

    train: tuple[Path, ...]
    valid: tuple[Path, ...]


def lay_out(folder: Path, manifest: Manifest, cache: Cache, going_on: Callable[[], None]) -> LaidOut:
    """Put every picture of a manifest with its label file into folder/data; going_on may raise to stop.

    Raises InputError picture-unreadable, MissingPartError disk-full.
    """
    data = folder / "data"
    placed: dict[str, list[Path]] = {"train": [], "valid": []}
    try:
        data.mkdir(parents=True)
        for number, member in enumerate(manifest.members):
            going_on()
            path = _place(cache.path(member.sha256), data / f"{number:06d}")
            path.with_suffix(".txt").write_text(_labels(member, manifest.labels), "ascii")
            placed[member.part].append(path)
    except OSError as error:
        raise _disk(error, folder) from None
    return LaidOut(tuple(placed["train"]), tuple(placed["valid"]))


def _labels(member: Picture, labels: Sequence[str]) -> str:
    regions = [Region.rectangle(Box(*corners), labels[number]) for number, *corners in member.boxes]
    return "".join(f"{line}\n" for line in label_lines(regions, labels, member.width, member.height))


def _place(source: Path, stem: Path) -> Path:
    """The picture under a plain name, with its pixels as stored and no turn."""
    look = picture.look(source)
    if look.orientation == 1 and look.format in ("JPEG", "PNG"):
        target = stem.with_suffix(".jpg" if look.format == "JPEG" else ".png")
        link_or_copy(source, target)
        return target
    plain = without_exif(source.read_bytes()) if look.format in ("JPEG", "MPO") else None
    if plain is not None:
        target = stem.with_suffix(".jpg")
        target.write_bytes(plain)
        return target
    return _as_png(source, stem.with_suffix(".png"))


def link_or_copy(source: Path, target: Path) -> None:
    """A hard link; a copy where the file system has none."""
    try:
        os.link(source, target)
    except OSError as error:
        if error.errno == errno.ENOSPC:
            raise
        shutil.copyfile(source, target)


def without_exif(jpeg: bytes) -> bytes | None:
    """A JPEG without its EXIF segments, nothing else changed; None when its segments cannot be followed."""
    kept, at = [jpeg[:2]], 2
    while at + 4 <= len(jpeg) and jpeg[at] == 0xFF:
        marker, length = jpeg[at + 1], int.from_bytes(jpeg[at + 2 : at + 4], "big")
        if marker == 0xDA:  # The pixels begin: the rest belongs to them.
            kept.append(jpeg[at:])
            return b"".join(kept)
        segment = jpeg[at : at + 2 + length]
        if not (marker == 0xE1 and segment[4:].startswith(_EXIF)):
            kept.append(segment)
        at += 2 + length
    return None


def _as_png(source: Path, target: Path) -> Path:
    from PIL import Image

    try:
        with Image.open(source) as image:
            image.convert("RGB").save(target, compress_level=1)
    except (OSError, SyntaxError, ValueError) as error:
        raise InputError("picture-unreadable", path=str(source), reason=str(error)) from None
    return target


@contextmanager
def plain_name(folder: Path) -> Iterator[Path]:
    """The folder under a name that every trainer can read: itself, or a link to it in a private folder."""
    if _PLAIN.fullmatch(str(folder)) and not _TROUBLE.search(str(folder)):
        yield folder
        return
    private = Path(tempfile.mkdtemp(prefix="lb-"))
    try:
        (private / "run").symlink_to(folder, target_is_directory=True)
        yield private / "run"
    finally:
        shutil.rmtree(private, ignore_errors=True)


def drop_plain_name(folder: Path) -> None:
    """Take away the other name of a folder that a killed worker left behind; the folder itself stays."""
    if folder.is_symlink():
        folder.unlink()
        with suppress(OSError):
            folder.parent.rmdir()


def _disk(error: OSError, folder: Path) -> MissingPartError:
    rule = "disk-full" if error.errno == errno.ENOSPC else "folder-unwritable"
    return MissingPartError(rule, path=str(folder), reason=error.strerror or str(error))
