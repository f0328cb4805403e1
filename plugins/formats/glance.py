"""A glance at both ends of a file, to tell which program wrote it without reading it all."""

from __future__ import annotations

import re
from itertools import islice
from pathlib import Path

from bridge.document import decode_text

_END = 65_536
# A folder with more is a store of single records (as VoTT v2 keeps them), not one that holds a file of ours.
_MOST_FILES = 64


def ends(path: Path) -> str:
    """The first and the last 64 kB of a file as text; empty if it cannot be read."""
    try:
        with path.open("rb") as file:
            head = file.read(_END)
            size = file.seek(0, 2)
            file.seek(max(len(head), size - _END))
            return decode_text(head + file.read())
    except OSError:
        return ""


def has_keys(text: str, *names: str) -> bool:
    """Whether the text of a JSON file shows all these keys."""
    return all(re.search(rf'"{name}"\s*:', text) for name in names)


def json_files(path: Path) -> list[Path]:
    """The file itself, or the *.json files of a folder, by name; empty if there are none or far too many."""
    if not path.is_dir():
        return [path] if path.is_file() else []
    found = list(islice((p for p in path.glob("*.json") if not p.name.startswith(".")), _MOST_FILES + 1))
    return sorted(p for p in found if p.is_file()) if len(found) <= _MOST_FILES else []
