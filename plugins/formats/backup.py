"""A copy of a user's file before we change it, in the folder .labelbridge-backup beside it."""

from __future__ import annotations

from pathlib import Path

from bridge.document import Stamp, stamp_of, write_atomic
from bridge.errors import ConflictError

FOLDER = ".labelbridge-backup"


def back_up(path: Path) -> None:
    """Keep the file as it is now: once under its own name before our first change, later ones as <name>.previous."""
    if not path.is_file():
        return
    folder = path.parent / FOLDER
    folder.mkdir(exist_ok=True)
    first = folder / path.name
    write_atomic(folder / f"{path.name}.previous" if first.exists() else first, path.read_bytes())


def write_over(path: Path, data: bytes | str, expected: Stamp | None = None) -> bool:
    """Write a file atomically, backing up what it replaces; False (and nothing touched) if it says this already.

    Raises ConflictError file-moved-on when the file does not look as expected (size, time in ns) any more.
    """
    data = data.encode() if isinstance(data, str) else data
    if path.is_file() and path.read_bytes() == data:
        return False
    if expected is not None and stamp_of(path) != expected:
        raise ConflictError("file-moved-on", path=str(path))
    back_up(path)
    return write_atomic(path, data, expected=expected)
