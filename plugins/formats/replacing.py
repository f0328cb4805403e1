"""A file that stands where one is to be written: one of the same format is replaced and told, others are left alone."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from bridge.errors import RefusedError
from bridge.model.finding import Finding, Severity
from plugins.formats.backup import FOLDER, write_over


def replace_file(path: Path, data: bytes | str, is_ours: Callable[[Path], bool]) -> list[Finding]:
    """Write a file, and say so if another one of its format stood there.

    Raises RefusedError file-not-ours where something else stands; what holds nothing may be replaced.
    """
    stood = path.exists() and path.stat().st_size > 0
    if stood and not is_ours(path):
        raise RefusedError("file-not-ours", path=str(path))
    if not write_over(path, data) or not stood:
        return []
    return [Finding("replaced", Severity.INFO, None, {"case": "file", "path": path.name, "folder": FOLDER})]
