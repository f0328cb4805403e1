"""A copy of a user's file before we change it, in the folder .labelbridge-backup beside it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from bridge.document import Stamp, stamp_of, write_atomic
from bridge.errors import ConflictError, RefusedError
from bridge.model.finding import Finding

FOLDER = ".labelbridge-backup"
# So many pictures are named in a refusal.
_SHOWN = 5


def back_up(path: Path) -> None:
    """Keep the file as it is now, unless a copy says so already: first under its own name, then as <name>.2, .3 and on.

    No copy is ever changed or deleted: each of them may be the only one of something that a person made.
    """
    if not path.is_file():
        return
    folder, data = path.parent / FOLDER, path.read_bytes()
    folder.mkdir(exist_ok=True)
    copy, number = folder / path.name, 1
    while copy.exists():
        if copy.stat().st_size == len(data) and copy.read_bytes() == data:
            return
        number += 1
        copy = folder / f"{path.name}.{number}"
    write_atomic(copy, data)


def overwrites(path: Path, unknown: Sequence[Finding]) -> RefusedError:
    """The refusal to replace what a person made in a file; unknown tells by picture how many regions that are."""
    count = sum(finding.fields["count"] for finding in unknown)
    pictures = ", ".join(finding.image for finding in unknown[:_SHOWN] if finding.image) or path.name
    told = [replace(finding, fields=finding.fields | {"case": "refused"}) for finding in unknown]
    return RefusedError("export-overwrites", path=str(path), count=count, pictures=pictures, findings=told)


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
