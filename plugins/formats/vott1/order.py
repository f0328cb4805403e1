"""Which file a position means: VoTT up to 1.5.0 named a picture by its place in the folder listing.

VoTT sorted nothing itself: on NTFS the file system listed by its own collation, on macOS and Linux the runtime sorted
by bytes, on FAT and exFAT the order was roughly that of creation.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable
from functools import cache
from pathlib import Path
from typing import Any, Literal

from bridge.errors import RefusedError
from plugins.formats.pictures import PictureFolder

Order = Literal["ntfs", "bytes", "created"]

# VoTT's own filter: the dot is unescaped, so "weirdjpg" counts as a picture; so does a folder named x.jpg.
_FILTER = re.compile(r".(jpg|jpeg|png|gif)\Z", re.IGNORECASE)


def passes_filter(name: str) -> bool:
    """Whether VoTT v1 takes this entry of a folder for a picture."""
    return _FILTER.search(name) is not None


@cache
def _upcase() -> dict[int, int]:
    """The code units that $UpCase of a fresh NTFS volume maps to something else."""
    pairs = json.loads((Path(__file__).parent / "ntfs_upcase.json").read_text("utf-8"))
    return {int(unit, 16): int(upper, 16) for unit, upper in pairs.items()}


def ntfs_key(name: str) -> tuple[list[int], list[int]]:
    """Sort key of NTFS: UTF-16 units through the volume's upcase table, ties by the raw units.

    So "_" (0x5F) comes after all letters, which fold to capitals, and "img10" before "img2".
    """
    data = name.encode("utf-16-le", "surrogatepass")
    units = [int.from_bytes(data[i : i + 2], "little") for i in range(0, len(data), 2)]
    upper = _upcase()
    return [upper.get(unit, unit) for unit in units], units


def bytes_key(name: str) -> bytes:
    """Sort key of macOS and Linux: the bytes of the name as the disk has them."""
    return name.encode("utf-8", "surrogateescape")


def listed(names: Iterable[str], order: Order, folder: Path | None = None) -> list[str]:
    """Names as VoTT saw them listed, by one of the orders; created needs the folder they lie in."""
    if order == "ntfs":
        return sorted(names, key=ntfs_key)
    if order == "bytes":
        return sorted(names, key=bytes_key)
    created = _created_in(folder or Path())
    return sorted(names, key=lambda name: (created(name), bytes_key(name)))


def _created_in(folder: Path) -> Callable[[str], float]:
    def created(name: str) -> float:
        found: Any = (folder / name).stat()
        # Where the system keeps no birth time, the time of change is what a copy keeps.
        return float(getattr(found, "st_birthtime", found.st_mtime))

    return created


def names_by_position(pictures: PictureFolder, positions: Iterable[int], order: str, path: Path) -> list[str]:
    """The folder's pictures in the order asked for; raises RefusedError where nobody can say which is which."""
    wanted = list(positions)
    names = [name for name, _ in pictures.names() if passes_filter(name)]
    folder = next((root for root in pictures.roots if root.is_dir()), None)
    fields = {"path": str(path), "folder": ", ".join(map(str, pictures.roots)), "found": len(names)}
    if order not in ("ntfs", "bytes", "created"):
        raise RefusedError("index-keyed", **fields, count=len(set(wanted)), differing=_differing(names, wanted))
    if wanted and max(wanted) >= len(names):
        # A picture was taken away: every position after it means another one, so none can be trusted.
        raise RefusedError("index-short", **fields, needed=max(wanted) + 1)
    return listed(names, order, folder)  # type: ignore[arg-type]


def _differing(names: list[str], positions: list[int], most: int = 5) -> str:
    """The first positions at which the two orders disagree, for a person who remembers the pictures."""
    pairs = list(zip(listed(names, "ntfs"), listed(names, "bytes"), strict=True))
    unlike = [
        f"{i}: {pairs[i][0]} / {pairs[i][1]}"
        for i in sorted(set(positions))
        if i < len(pairs) and len(set(pairs[i])) > 1
    ]
    return "; ".join(unlike[:most]) + (" …" if len(unlike) > most else "") or "–"
