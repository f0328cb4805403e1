"""A folder as VoTT listed it, by every order that could have been: the candidates for what positions mean."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from plugins.formats.pictures import PictureFolder
from plugins.formats.vott1.order import Order, listed, passes_filter

ORDERS: Final[tuple[Order, ...]] = ("ntfs", "bytes", "created")

# Files that were made within one second were written in one go, by git or an archive: their times tell no order.
_ONE_GO = 1.0


@dataclass(frozen=True, slots=True)
class Listing:
    """The pictures that VoTT's filter lets through, in the order in which the directory itself gives them.

    saved is when the project file was written, changed and born when each picture was (seconds; born is the time of
    change where the system keeps no other). windows tells that the directory was listed by Windows.
    """

    names: tuple[str, ...]
    saved: float = 0.0
    changed: Mapping[str, float] = field(default_factory=dict)
    born: Mapping[str, float] = field(default_factory=dict)
    windows: bool = False


@dataclass(frozen=True, slots=True)
class Candidate:
    """One way in which the folder may have been listed; left_out are pictures taken to have come after the labels."""

    order: Order
    names: tuple[str, ...]
    left_out: frozenset[str] = frozenset()

    @property
    def key(self) -> str:
        """What this candidate is called among the others."""
        return f"{self.order}-without-newer" if self.left_out else self.order


def listing_of(pictures: PictureFolder, project: Path) -> Listing:
    """The folder in which the pictures of a project file lie."""
    folder = next((root for root in pictures.roots if root.is_dir()), Path())
    names = tuple(name for name, _ in pictures.names() if passes_filter(name))
    stats = {name: found for name in names if (found := _stat(folder / name)) is not None}
    windows = os.name == "nt"
    changed = {name: found.st_mtime for name, found in stats.items()}
    born = {name: _birth(found, windows) for name, found in stats.items()}
    return Listing(names, project.stat().st_mtime, changed, born, windows)


def _stat(path: Path) -> os.stat_result | None:
    try:
        return path.stat()
    except OSError:
        return None  # A link that leads nowhere was listed all the same.


def _birth(found: Any, windows: bool) -> float:
    # Linux tells no birth time here; there the time of change is what a copy keeps.
    return float(getattr(found, "st_birthtime", found.st_ctime if windows else found.st_mtime))


def newer(listing: Listing) -> frozenset[str]:
    """The pictures that were changed after the project was saved."""
    return frozenset(name for name, time in listing.changed.items() if time > listing.saved)


def tells_newer(listing: Listing) -> bool:
    """Whether the times can tell which pictures came later: not where all was written in one go, or most came later.

    git, most archives and plain copying give every file the time at which it was written here.
    """
    times = listing.changed.values()
    return _apart((*times, listing.saved)) and len(set(times)) > 1 and 2 * len(newer(listing)) <= len(times)


def _apart(times: Collection[float]) -> bool:
    return max(times) - min(times) >= _ONE_GO


def tells_created(listing: Listing) -> bool:
    """Whether an order of creation is to be had: from a directory that sorts nothing, or from times that differ."""
    if _as_entered(listing):
        return True
    times = listing.born.values()
    later = sum(time > listing.saved for time in times)
    return bool(times) and _apart(times) and 2 * later <= len(times)


def directory_order(listing: Listing) -> Order | None:
    """By what Windows listed this directory: NTFS sorts, FAT lists as the files were put in. None on other systems.

    It is the order that VoTT would see here and now, not the one it saw where the pictures were labelled.
    """
    if not listing.windows or len(listing.names) < 2:
        return None
    return "created" if _as_entered(listing) else "ntfs"


def _as_entered(listing: Listing) -> bool:
    return listing.windows and list(listing.names) != listed(listing.names, "ntfs")


def candidate(listing: Listing, order: Order, leave_newer: bool = False) -> Candidate:
    """The folder in one order, with or without the pictures that came after the labels."""
    left_out = newer(listing) if leave_newer else frozenset()
    if order == "created" and _as_entered(listing):
        names = list(listing.names)
    else:
        names = listed(listing.names, order, listing.born)
    return Candidate(order, tuple(name for name in names if name not in left_out), left_out)


def candidates(listing: Listing, leave_newer: bool = False) -> Iterator[Candidate]:
    """All that the folder's names and times allow, likelier ones first; with leave_newer only without newer pictures.

    The order of creation comes last: its times are the least to be relied on.
    """
    later = bool(newer(listing))
    ways = [True] if leave_newer and later else [False, True] if later and tells_newer(listing) else [False]
    for orders in (ORDERS[:2], ORDERS[2:] if tells_created(listing) else ()):
        yield from (candidate(listing, order, way) for way in ways for order in orders)
