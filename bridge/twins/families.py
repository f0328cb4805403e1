"""Pairs → families: pictures that must not be torn apart."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

# Index, index, likeness.
Pair = tuple[int, int, float]

# A family larger than a fifth of all is no family: a fixed camera makes all its pictures look alike. Then only those
# belong together that are more alike than that.
_SHARE, _SMALL = 5, 20
_STRICTER = (0.8, 0.9, 0.95, 0.98, 0.99)


@dataclass(frozen=True, slots=True)
class Family:
    """Pictures by index, in order, and for each the one among them that is most like it, and how much (1: the same)."""

    members: tuple[int, ...]
    closest: dict[int, tuple[int, float]]


def families(count: int, pairs: Sequence[Pair]) -> list[Family]:
    """The families among so many pictures, by their first members."""
    return sorted(_split(pairs, max(_SMALL, count // _SHARE), _STRICTER), key=lambda family: family.members)


def _split(pairs: Sequence[Pair], most: int, stricter: Sequence[float]) -> Iterable[Family]:
    for members, links in _connected(pairs):
        if len(members) > most and stricter:
            yield from _split([pair for pair in links if pair[2] >= stricter[0]], most, stricter[1:])
        else:
            yield Family(tuple(sorted(members)), _closest(links))


def _connected(pairs: Sequence[Pair]) -> list[tuple[list[int], list[Pair]]]:
    """The members of each connected part, and its pairs."""
    parent: dict[int, int] = {}

    def root(index: int) -> int:
        while (above := parent.setdefault(index, index)) != index:
            parent[index] = index = parent[above]
        return index

    for first, second, _ in pairs:
        parent[root(first)] = root(second)
    parts: dict[int, tuple[list[int], list[Pair]]] = {}
    for index in list(parent):
        parts.setdefault(root(index), ([], []))[0].append(index)
    for pair in pairs:
        parts[root(pair[0])][1].append(pair)
    return list(parts.values())


def _closest(links: Iterable[Pair]) -> dict[int, tuple[int, float]]:
    best: dict[int, tuple[int, float]] = {}
    for first, second, likeness in links:
        for one, other in ((first, second), (second, first)):
            if one not in best or likeness > best[one][1]:
                best[one] = (other, likeness)
    return best
