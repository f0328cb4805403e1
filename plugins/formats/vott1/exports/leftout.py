"""Pictures that VoTT's export leaves out, and why: never visited, the last one, or one on which it stopped."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence, Set

from bridge.model.annotation import Document
from plugins.formats.vott1.order import bytes_key, ntfs_key, passes_filter
from plugins.formats.vott1.project import last_part
from plugins.formats.vott1.region import EXTRA

NEVER_VISITED = "export-never-visited"
LAST_LEFT_OUT = "export-last-left-out"
STOPPED = "export-stopped"
MISSING = "export-missing"


def reason(document: Document, last: Set[str]) -> str:
    """Why a picture has no label file; last are those that an export up to the last picture leaves out."""
    if document.extra.get(EXTRA, {}).get("visited") is False:
        return NEVER_VISITED
    if document.image.name in last:
        return LAST_LEFT_OUT
    raws = [region.extra[EXTRA]["raw"] for region in document.regions or ()]
    # 1.7 stops at the first region that an older version drew and that it has not shown yet.
    return STOPPED if any(raw.get("box") is None for raw in raws) else MISSING


def last_left_out(documents: Sequence[Document], visited: object, missing: Set[str]) -> frozenset[str]:
    """The pictures that 1.7 leaves out of an export up to the last one, if all of these are missing.

    It means to end with the picture that was tagged or visited last, counts in the order of the folder, and leaves out
    that picture and all after it.
    """
    names = [document.image.name for document in documents if passes_filter(document.image.name)]
    seen = [d.image.name for d in documents if d.extra.get(EXTRA, {}).get("visited")]
    tagged = [d.image.name for d in documents if d.regions or d.predictions]
    found: frozenset[str] = frozenset()
    for end in (_last(tagged), _last_visited(visited, seen)):
        for key in (ntfs_key, bytes_key):
            tail = _from(end, names, key) & set(seen)
            if tail and tail <= missing and len(tail) > len(found):
                found = frozenset(tail)
    return found


def _last(names: Sequence[str]) -> str | None:
    return names[-1] if names else None


def _last_visited(visited: object, seen: Sequence[str]) -> str | None:
    listed = visited if isinstance(visited, list) else []
    if listed and isinstance(listed[-1], str) and not listed[-1].isdigit():
        return last_part(listed[-1])
    return _last(seen)


def _from(name: str | None, names: Iterable[str], key: Callable[[str], object]) -> set[str]:
    """The pictures from this one on, in an order of the folder."""
    listed: list[str] = sorted(names, key=key)  # type: ignore[arg-type]
    return set(listed[listed.index(name) :]) if name in listed else set()
