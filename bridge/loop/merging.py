"""Two edits of one picture made into one, region by region and attribute by attribute, where they do not clash.

Where a region is and what it is are two statements: one edit may move a box that the other relabels, and both hold.
They clash only where both changed the same statement unlike each other, where one took away what the other changed,
where a box was moved off its old place (to another thing, perhaps) while its label was changed, or where both drew
one new thing, each in its own way.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from bridge.loop.matching import closeness, equals, match, same, same_labels, same_shape
from bridge.model.annotation import Region

# Two new boxes of one label that overlap by so much (shared area by joint area) are one thing, drawn by two people.
_ONE_THING = 0.7


@dataclass(frozen=True, slots=True)
class Combined:
    """What two edits make together, and what clashes: (ours, theirs), None for a region that is not there.

    regions hold both versions of what clashes, so that nothing that anybody drew is missing.
    """

    regions: tuple[Region, ...]
    clashes: tuple[tuple[Region | None, Region | None], ...] = ()


def merge(base: Sequence[Region], ours: Sequence[Region], theirs: Sequence[Region]) -> tuple[Region, ...] | None:
    """What both edits of the base together make; None where they clash. Ours come first."""
    both = combine(base, ours, theirs)
    return None if both.clashes else both.regions


def combine(base: Sequence[Region], ours: Sequence[Region], theirs: Sequence[Region]) -> Combined:
    """Both edits in one, with everything that clashes in both its versions."""
    mine, other = match(base, ours), match(base, theirs)
    weaving = _Weaving()
    for i, was in enumerate(base):
        a = ours[mine[i]] if i in mine else None
        b = theirs[other[i]] if i in other else None
        weaving.weave(was, a, b, mine.get(i), other.get(i))
    added = [(j, region) for j, region in enumerate(ours) if j not in mine.values()]
    added_too = [(j, region) for j, region in enumerate(theirs) if j not in other.values()]
    nameless = [i for i, was in enumerate(base) if was.region_id is None and i not in mine and i not in other]
    weaving.add(added, added_too, redrawn=bool(nameless))
    return Combined(weaving.in_order(), tuple(weaving.clashes))


@dataclass(slots=True)
class _Weaving:
    """A merge being made: regions with their place (ours before theirs), and what clashed."""

    placed: list[tuple[tuple[int, int], Region]] = field(default_factory=list)
    clashes: list[tuple[Region | None, Region | None]] = field(default_factory=list)

    def in_order(self) -> tuple[Region, ...]:
        return tuple(region for _, region in sorted(self.placed, key=lambda one: one[0]))

    def weave(self, was: Region, a: Region | None, b: Region | None, i: int | None, j: int | None) -> None:
        """One region of the base, as each side has it now."""
        if a is None or b is None:
            kept = a or b
            if kept is not None and not same(kept, was):  # One took away what the other changed.
                self.clashes.append((a, b))
                self._place(kept, i, j)
            return
        woven = _woven(was, a, b)
        if woven is not None:
            self._place(woven, i, j)
            return
        self.clashes.append((a, b))
        self._place(a, i, None)
        self._place(_second(b, a), None, j)

    def add(self, ours: Sequence[tuple[int, Region]], theirs: Sequence[tuple[int, Region]], redrawn: bool) -> None:
        """New regions of both sides; redrawn: both took away a region without an id, perhaps to draw it anew."""
        twins = equals([region for _, region in ours], [region for _, region in theirs])
        left = [region for n, (_, region) in enumerate(ours) if n not in twins]
        for n, (i, region) in enumerate(ours):
            self._place(_joined(region, theirs[twins[n]][1]) if n in twins else region, i, None)
        for n, (j, region) in enumerate(theirs):
            if n in twins.values():
                continue
            rival = next((mine for mine in left if _one_thing(mine, region)), None)
            if rival is not None or (redrawn and left):
                self.clashes.append((rival or left[0], region))
            self._place(_second(region, rival) if rival is not None else region, None, j)

    def _place(self, region: Region, i: int | None, j: int | None) -> None:
        self.placed.append(((0, i) if i is not None else (1, j or 0), region))


def _woven(was: Region, a: Region, b: Region) -> Region | None:
    """One region out of two edits of it; None where they clash."""
    shape = _chosen(a, b, same_shape(a, was), same_shape(b, was), same_shape(a, b))
    labels = _chosen(a, b, same_labels(a, was), same_labels(b, was), same_labels(a, b))
    if shape is None or labels is None:
        return None
    divided = shape is not labels and not same_shape(a, b) and not same_labels(a, b)
    if divided and closeness(shape, was) <= 0:
        return None  # Moved off its old place by one, relabelled by the other: perhaps of two different things.
    own = b.region_id if a.region_id == was.region_id else a.region_id
    return replace(_joined(shape, b if shape is a else a), labels=labels.labels, region_id=own)


def _chosen(a: Region, b: Region, a_as_was: bool, b_as_was: bool, alike: bool) -> Region | None:
    """Whose version of one attribute holds."""
    if alike or b_as_was:
        return a
    return b if a_as_was else None


def _joined(region: Region, other: Region) -> Region:
    """A region with what either side's tool said beside it."""
    extra = {**other.extra, **region.extra}
    return replace(region, region_id=region.region_id or other.region_id, extra=extra)


def _second(region: Region, first: Region) -> Region:
    """The other version of a region, without an id that stands on the first one already."""
    return replace(region, region_id=None) if region.region_id == first.region_id else region


def _one_thing(a: Region, b: Region) -> bool:
    """Whether two people drew one new thing, or a tool gave one id to two new regions."""
    if a.region_id is not None and a.region_id == b.region_id:
        return True
    return same_labels(a, b) and closeness(a, b) >= _ONE_THING
