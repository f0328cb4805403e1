"""Which picture gets which name: one that every darknet can read, kept where it is so already, or its content hash."""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePath

from bridge.errors import ConflictError, InputError
from bridge.model.tidied import Names
from bridge.picture import EXTENSIONS
from plugins.formats.vott1.order import passes_filter
from plugins.formats.yolo.safe import safe_names

# Names that mean the same to a program but not to every darknet.
_SPELLINGS = {".jpeg": ".jpg"}
_MAGIC = ((b"\xff\xd8\xff", ".jpg"), (b"\x89PNG\r\n\x1a\n", ".png"), (b"GIF8", ".gif"), (b"BM", ".bmp"))
# So many digits of a content hash tell any two pictures apart in practice; where they do not, all of it is taken.
_DIGITS = 16


@dataclass(frozen=True, slots=True)
class Listed:
    """What lies in a folder: its pictures, other entries that look like some (links, folders), and all names."""

    pictures: tuple[str, ...]
    lookalikes: tuple[str, ...]
    names: frozenset[str]


def listed(folder: Path) -> Listed:
    """The entries of a folder; a link is nobody's picture here, nor what has neither name nor content of one.

    Raises InputError.
    """
    try:
        with os.scandir(folder) as entries:
            found = sorted((entry.name, entry.is_file(follow_symlinks=False)) for entry in entries)
    except OSError as error:
        raise InputError("file-unreadable", path=str(folder), reason=error.strerror or str(error)) from None
    likely = [(name, is_file and extension_of(folder / name) != "") for name, is_file in found if is_picture(name)]
    return Listed(
        tuple(name for name, is_file in likely if is_file),
        tuple(name for name, is_file in likely if not is_file),
        frozenset(name for name, _ in found),
    )


def is_picture(name: str) -> bool:
    """Whether a file of this name is a picture to VoTT or to us."""
    return not name.startswith(".") and (passes_filter(name) or PurePath(name).suffix.lower() in EXTENSIONS)


def new_names(
    listing: Listed, reserved: Collection[str], how: Names, extensions: Mapping[str, str], digests: Mapping[str, str]
) -> dict[str, str]:
    """The new name of every picture that needs one; reserved names belong to pictures that are not here.

    Raises ConflictError where something else has the name already.
    """
    if how == "hash":
        names = _hashed(listing.pictures, extensions, digests)
    else:
        wanted = {name: extensions[name] for name in listing.pictures}
        others = [name for name in (*listing.lookalikes, *reserved) if name not in wanted]
        names = safe_names([*listing.pictures, *others], wanted)
    found = {name: names[name] for name in listing.pictures if names[name] != name}
    _refuse_taken(found, {*listing.names, *reserved})
    return found


def _refuse_taken(renames: Mapping[str, str], names: Collection[str]) -> None:
    """Nothing is ever written over; only the case of a name may change in place."""
    folded = {name.casefold(): name for name in names if name not in renames}
    for old, new in renames.items():
        other = new if new in names else folded.get(new.casefold())
        if other is not None and other != old:
            raise ConflictError("tidy-taken", old=old, new=new, other=other)


def extension_of(path: Path) -> str:
    """The extension that a picture is to have: its own in small letters, else that of its content; "" for none."""
    own = path.suffix.lower()
    if own in EXTENSIONS:
        return _SPELLINGS.get(own, own)
    with path.open("rb") as file:
        head = file.read(8)
    return next((extension for magic, extension in _MAGIC if head.startswith(magic)), "")


def _hashed(names: Iterable[str], extensions: Mapping[str, str], digests: Mapping[str, str]) -> dict[str, str]:
    """Content hashes; of equal pictures the later ones get a number, and one that has such a name keeps it."""
    owners: dict[str, str] = {}
    order = sorted(names, key=lambda name: (not _has_hash(name, digests[name]), name))
    short = {digest[:_DIGITS]: digest for digest in digests.values()}
    found: dict[str, str] = {}
    for name in order:
        digest = digests[name]
        stem = digest[:_DIGITS] if short[digest[:_DIGITS]] == digest else digest
        own = PurePath(name).stem
        made, number = (own if _has_hash(name, digest) and own not in owners else stem), 2
        while made in owners:
            made, number = f"{stem}-{number}", number + 1
        owners[made] = name
        found[name] = made + extensions[name]
    return found


def _has_hash(name: str, digest: str) -> bool:
    return re.fullmatch(rf"{digest[:_DIGITS]}(?:{digest[_DIGITS:]})?(?:-\d+)?", PurePath(name).stem) is not None
