"""A copy of a user's file before we change it, in the folder .labelbridge-backup beside it."""

from __future__ import annotations

from pathlib import Path

from bridge.document import write_atomic

FOLDER = ".labelbridge-backup"


def back_up(path: Path) -> None:
    """Keep the file as it is now: once under its own name before our first change, later ones as <name>.previous."""
    if not path.is_file():
        return
    folder = path.parent / FOLDER
    folder.mkdir(exist_ok=True)
    first = folder / path.name
    write_atomic(folder / f"{path.name}.previous" if first.exists() else first, path.read_bytes())


def write_over(path: Path, data: bytes | str) -> bool:
    """Write a file atomically, backing up what it replaces; False (and nothing touched) if it says this already."""
    data = data.encode() if isinstance(data, str) else data
    if path.is_file() and path.read_bytes() == data:
        return False
    back_up(path)
    return write_atomic(path, data)
