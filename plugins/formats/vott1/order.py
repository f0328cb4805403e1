"""Which file a position means: VoTT up to 1.5.0 named a picture by its place in the folder listing.

VoTT sorted nothing itself: on NTFS the file system listed by its own collation, on macOS and Linux the runtime sorted
by bytes, on FAT and exFAT the order was roughly that of creation.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Literal

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


def listed(names: Iterable[str], order: Order, born: Mapping[str, float] | None = None) -> list[str]:
    """Names as VoTT saw them listed, by one of the orders; created needs the time at which each was made."""
    if order == "ntfs":
        return sorted(names, key=ntfs_key)
    if order == "bytes":
        return sorted(names, key=bytes_key)
    times = born or {}
    return sorted(names, key=lambda name: (times.get(name, 0.0), bytes_key(name)))
