"""The map beside the pictures: written before the first change, so that one that was cut off can be ended or undone."""

from __future__ import annotations

import json
import zlib
from base64 import b64decode, b64encode
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from bridge.document import read_json, write_atomic
from bridge.errors import InputError

MAP = "labelbridge-tidy.json"
_PROGRAM = "labelbridge tidy"

State = Literal["running", "done", "undoing"]


@dataclass(frozen=True, slots=True)
class Renamed:
    """One picture: its name before and after, its bytes, and its first name, before all earlier tidyings."""

    old: str
    new: str
    size: int
    sha256: str
    first: str


@dataclass(frozen=True, slots=True)
class File:
    """A project file before and after, and at first, before all earlier tidyings of the same folder.

    first is None where somebody labelled on between two tidyings. saved is when first was written (ns), None where
    that is not known: which pictures came later is told by it.
    """

    path: str
    before: bytes
    after: bytes
    first: bytes | None
    saved: int | None = None


@dataclass(frozen=True, slots=True)
class Journal:
    """All that a tidying changes, and how far it is."""

    state: State
    pictures: tuple[Renamed, ...]
    file: File | None = None

    @property
    def renames(self) -> tuple[tuple[str, str], ...]:
        """Old names with new ones, of those that this tidying changes."""
        return tuple((one.old, one.new) for one in self.pictures if one.old != one.new)

    @property
    def returns(self) -> tuple[tuple[str, str], ...]:
        """Present names with the first ones."""
        return tuple((one.new, one.first) for one in self.pictures)


def read(folder: Path) -> Journal | None:
    """The journal of a folder, None without one; raises InputError where it cannot be read."""
    path = folder / MAP
    if not path.is_file():
        return None
    raw = read_json(path)
    try:
        return _journal(raw)
    except (KeyError, TypeError, ValueError, zlib.error) as error:
        raise InputError("tidy-map-broken", path=str(path), reason=f"{type(error).__name__}: {error}") from None


def write(folder: Path, journal: Journal) -> None:
    """Write it whole or not at all, and onto the disk before this returns; raises OSError."""
    write_atomic(folder / MAP, json.dumps(_plain(journal), indent=1) + "\n")


def _journal(raw: Any) -> Journal:
    if raw["program"] != _PROGRAM or raw["state"] not in ("running", "done", "undoing"):
        raise ValueError(raw["state"])
    keys = ("old", "new", "size", "sha256", "first")
    pictures = tuple(Renamed(*(one[key] for key in keys)) for one in raw["pictures"])
    names = (name for one in pictures for name in (one.old, one.new, one.first))
    if any("/" in name or "\\" in name or name in ("", ".", "..") for name in names):
        raise ValueError("pictures")
    file = raw["json"]
    if file is None:
        return Journal(raw["state"], pictures)
    before, after = _unpacked(file["before"]), _unpacked(file["after"])
    first = None if file["first"] is None else _unpacked(file["first"])
    saved = file.get("saved")  # Maps of before know none.
    if saved is not None and not isinstance(saved, int):
        raise ValueError("saved")
    return Journal(raw["state"], pictures, File(file["path"], before, after, first, saved))


def _plain(journal: Journal) -> dict[str, Any]:
    file = journal.file
    return {
        "program": _PROGRAM,
        "state": journal.state,
        "pictures": [asdict(one) for one in journal.pictures],
        "json": file
        and {
            "path": file.path,
            "before": _packed(file.before),
            "after": _packed(file.after),
            "first": None if file.first is None else _packed(file.first),
            "saved": file.saved,
        },
    }


def _packed(data: bytes) -> str:
    return b64encode(zlib.compress(data)).decode("ascii")


def _unpacked(text: str) -> bytes:
    return zlib.decompress(b64decode(text, validate=True))
