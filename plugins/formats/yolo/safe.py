"""Picture names that every darknet can find labels for and print without harm.

AlexeyAB's fork hands the label's path to a shell, pjreddie's replaces the first "raw" or "images" anywhere in the
path by "labels" and knows neither .jpeg nor .bmp, and all of them cut the name at an extension to get the label's.
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Iterable, Mapping

_SAFE = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,99}")
_UNSAFE = re.compile(r"[^A-Za-z0-9_-]+")
# What some fork replaces wherever it stands in a path.
_REPLACED = re.compile(r"raw|images|JPEGImages|\.(?i:jpe?g|png|bmp|ppm|tiff)")
# Enough of the old name for a person to know it again.
_SHOWN = 40


def safe_names(names: Iterable[str], extensions: Mapping[str, str] | None = None) -> dict[str, str]:
    """A safe file name for each name: the same every time, and no two with one stem, not even but for case.

    A stem that is safe already and nobody else's is kept; others get a short hash of the whole name. extensions
    says by name what the extension is to be (".jpg"); else it is the name's own, in small letters.
    """
    parts = {name: _split(name, (extensions or {}).get(name)) for name in names}
    owners = Counter(stem.casefold() for stem, _ in parts.values())
    kept = {name for name, (stem, _) in parts.items() if _is_safe(stem) and owners[stem.casefold()] == 1}
    taken = {parts[name][0].casefold() for name in kept}
    safe = {}
    for name, (stem, extension) in parts.items():
        if name not in kept:
            stem = _renamed(name, stem, taken)
            taken.add(stem.casefold())
        safe[name] = stem + extension
    return safe


def _split(name: str, extension: str | None) -> tuple[str, str]:
    """Stem (with folders, which make it unsafe) and extension."""
    stem, dot, own = name.rpartition(".")
    if not dot or "/" in own or not stem:
        stem, own = name, ""
    return stem, extension if extension is not None else f".{own.lower()}" if own else ""


def _is_safe(stem: str) -> bool:
    return _SAFE.fullmatch(stem) is not None and _REPLACED.search(stem) is None


def _renamed(name: str, stem: str, taken: set[str]) -> str:
    shown = _UNSAFE.sub("_", stem.rpartition("/")[2])
    shown = _REPLACED.sub(lambda found: found.group()[:-1] + "_", shown)[:_SHOWN].strip("_-")
    digest = hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()
    for length in range(8, len(digest)):
        made = f"{shown}-{digest[:length]}" if shown else f"p-{digest[:length]}"
        if made.casefold() not in taken:
            return made
    return f"p-{digest}"
