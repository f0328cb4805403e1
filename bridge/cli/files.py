"""Files that a person names on the command line, looked at before anything is begun with them."""

from __future__ import annotations

from pathlib import Path

from bridge.document import decode_text, read_bytes
from bridge.errors import InputError

# darknet's largest published cfg has 50 kB.
_CFG_MEGABYTES = 1


def cfg_text(path: Path) -> str:
    """The text of a cfg; raises NotFoundError file-missing, InputError file-unreadable."""
    return decode_text(read_bytes(path, _CFG_MEGABYTES))


def weights_file(name: str) -> tuple[Path, str]:
    """A weights file and its SHA-256; raises InputError weights-file-missing."""
    from bridge import picture

    path = Path(name)
    if not path.is_file():
        raise InputError("weights-file-missing", path=name)
    return path, picture.sha256(path)


def names(path: Path) -> frozenset[str]:
    """The names in a list, one a line."""
    lines = decode_text(read_bytes(path, 512)).splitlines()
    return frozenset(line.strip() for line in lines if line.strip())
