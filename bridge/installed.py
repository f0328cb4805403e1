"""Entry points of installed packages, without the price of asking for them where there are none.

`importlib.metadata` takes as long to import as everything else that a small command needs; so it is asked only when
some package says that it has something for us.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache


@dataclass(frozen=True, slots=True)
class EntryPoint:
    """A name that a package gives, what it stands for, and the version of the package."""

    name: str
    target: str
    version: str


def entry_points(group: str) -> list[EntryPoint]:
    """The entry points of a group, of all packages that this interpreter finds."""
    if not any(_names(place, group) for place in sys.path):
        return []
    from importlib import metadata

    found = metadata.entry_points(group=group)
    return [EntryPoint(point.name, point.value, point.dist.version if point.dist else "") for point in found]


@cache
def version_of(distribution: str) -> str:
    """The version of an installed package; "" where it is not installed."""
    from importlib import metadata

    try:
        return metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return ""


def _names(place: str, group: str) -> bool:
    """Whether a package in this folder has entry points of the group; an archive may have any."""
    if os.path.isfile(place):  # noqa: PTH113 - at every start
        return True
    return any(f"[{group}]".encode() in text for text in _entry_texts(place or "."))


def _entry_texts(folder: str) -> Iterator[bytes]:
    try:
        with os.scandir(folder) as entries:
            places = [entry.path for entry in entries if entry.name.endswith((".dist-info", ".egg-info", ".egg"))]
    except OSError:
        return
    for place in places:
        for inner in ("", "/EGG-INFO"):
            try:
                with open(f"{place}{inner}/entry_points.txt", "rb") as file:  # noqa: PTH123 - at every start
                    yield file.read()
            except OSError:
                continue
