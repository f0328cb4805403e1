"""Two edits of one picture made into one, region by region, where they do not clash."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from bridge.model.annotation import Region

Key = object


def merge(base: Sequence[Region], ours: Sequence[Region], theirs: Sequence[Region]) -> tuple[Region, ...] | None:
    """What both edits of the base together make; None where both changed one region differently.

    A region is known again by the tool's region id, else by its shape and labels. Ours come first.
    """
    old, mine, other = (_by_key(regions) for regions in (base, ours, theirs))
    if _both_redrew(old, mine, other):
        return None
    merged: list[Region] = []
    for key in dict.fromkeys([*mine, *other]):
        was, a, b = old.get(key), mine.get(key), other.get(key)
        if _same(a, b) or _same(b, was):
            chosen = a
        elif _same(a, was):
            chosen = b
        else:
            return None
        if chosen is not None:
            merged.append(chosen)
    return tuple(merged)


def _both_redrew(old: Mapping[Key, Region], mine: Mapping[Key, Region], other: Mapping[Key, Region]) -> bool:
    """Whether both took the same region without an id away and drew something: perhaps each moved it its own way."""
    nameless = [key for key in old if old[key].region_id is None and key not in mine and key not in other]
    drawn, drawn_too = (set(side) - set(old) for side in (mine, other))
    return bool(nameless and drawn and drawn_too and drawn != drawn_too)


def _by_key(regions: Sequence[Region]) -> dict[Key, Region]:
    found: dict[Key, Region] = {}
    for region in regions:
        key: Key = ("id", region.region_id) if region.region_id is not None else ("shape", _shape(region))
        n = 0
        while (key, n) in found:  # An id or a shape that comes twice is told apart by its place.
            n += 1
        found[(key, n)] = region
    return found


def _shape(region: Region) -> tuple[object, ...]:
    return region.kind, tuple(sorted(region.labels)), tuple((round(x, 3), round(y, 3)) for x, y in region.points)


def _same(a: Region | None, b: Region | None) -> bool:
    if a is None or b is None:
        return a is b
    return _shape(a) == _shape(b)
