"""Which regions of two labellings of one picture are the same: by the tool's region id, else by shape and place."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Literal

from bridge.model.annotation import Box, Region

# What turning, scaling and printing coordinates there and back may do to them; no hand draws so finely.
_EXACT = 0.002
# A region without an id that overlaps one of before by so much (shared area by joint area) was moved.
_MOVED = 0.5

Kind = Literal["added", "removed", "moved", "relabelled", "changed"]


@dataclass(frozen=True, slots=True)
class Change:
    """What one edit did to one region; "changed" is moved and relabelled. at is its place in the later labelling."""

    kind: Kind
    region: Region
    was: Region | None = None
    at: int | None = None


def match(before: Sequence[Region], after: Sequence[Region]) -> dict[int, int]:
    """Places in `before` → places in `after` of the same regions; the others were taken away or are new.

    An id may be missing, or stand on several regions: VoTT 1 copies regions with their UID. Then what is equal goes
    together, and of the rest what lies closest.
    """
    search = _Search(before, after)
    search.pair(lambda a, b: a.region_id == b.region_id and same(a, b))
    search.pair_closest(lambda a, b: a.region_id is not None and a.region_id == b.region_id, least=-math.inf)
    search.pair(same)
    search.pair_closest(lambda a, b: None in (a.region_id, b.region_id) and a.kind == b.kind, least=_MOVED)
    return search.found


def equals(before: Sequence[Region], after: Sequence[Region]) -> dict[int, int]:
    """Places in `before` → places in `after` of regions that say the same, those with the same id first."""
    search = _Search(before, after)
    search.pair(lambda a, b: a.region_id == b.region_id and same(a, b))
    search.pair(same)
    return search.found


@dataclass(slots=True)
class _Search:
    before: Sequence[Region]
    after: Sequence[Region]
    found: dict[int, int] = field(default_factory=dict)

    def _open(self) -> tuple[list[int], list[int]]:
        taken = set(self.found.values())
        return (
            [i for i in range(len(self.before)) if i not in self.found],
            [j for j in range(len(self.after)) if j not in taken],
        )

    def pair(self, fits: Callable[[Region, Region], bool]) -> None:
        """Put together what fits, in order."""
        mine, other = self._open()
        for i in mine:
            j = next((j for j in other if fits(self.before[i], self.after[j])), None)
            if j is not None:
                self.found[i] = j
                other.remove(j)

    def pair_closest(self, may: Callable[[Region, Region], bool], least: float) -> None:
        """Put together what may go together, the closest first; least is the least closeness."""
        mine, other = self._open()
        near = [
            (closeness(self.before[i], self.after[j]), i, j)
            for i in mine
            for j in other
            if may(self.before[i], self.after[j])
        ]
        for how, i, j in sorted(near, key=lambda one: (-one[0], one[1], one[2])):
            if how >= least and i not in self.found and j not in self.found.values():
                self.found[i] = j


def changes(before: Sequence[Region], after: Sequence[Region]) -> Iterator[Change]:
    """What an edit did, in the order of `after`; what it took away comes last."""
    found = match(before, after)
    origin = {j: i for i, j in found.items()}
    for j, region in enumerate(after):
        if j not in origin:
            yield Change("added", region, None, j)
            continue
        was = before[origin[j]]
        moved, relabelled = not same_shape(was, region), not same_labels(was, region)
        if moved or relabelled:
            yield Change("changed" if moved and relabelled else "moved" if moved else "relabelled", region, was, j)
    for i, region in enumerate(before):
        if i not in found:
            yield Change("removed", region, region)


def same(a: Region, b: Region) -> bool:
    """Whether two regions say the same: shape, place and labels."""
    return same_shape(a, b) and same_labels(a, b)


def same_shape(a: Region, b: Region) -> bool:
    """Whether two regions have the same kind and points, but for the last digits."""
    if a.kind != b.kind or len(a.points) != len(b.points):
        return False
    if a.points == b.points:
        return True
    return all(
        abs(p - q) <= _EXACT or (math.isnan(p) and math.isnan(q))
        for one, other in zip(a.points, b.points, strict=True)
        for p, q in zip(one, other, strict=True)
    )


def same_labels(a: Region, b: Region) -> bool:
    """Whether two regions carry the same labels, in any order."""
    return a.labels == b.labels or set(a.labels) == set(b.labels)


def closeness(a: Region, b: Region) -> float:
    """Shared area by joint area; for regions that share nothing, minus the distance of their middles."""
    first, second = bounds(a), bounds(b)
    if first is None or second is None:
        return -math.inf
    width = min(first.right, second.right) - max(first.left, second.left)
    height = min(first.bottom, second.bottom) - max(first.top, second.top)
    if width > 0 and height > 0:
        shared = width * height
        return shared / (first.width * first.height + second.width * second.height - shared)
    return -math.dist(_middle(first), _middle(second))


def bounds(region: Region) -> Box | None:
    """The box around a region of any kind; None where it has no sound points."""
    if not region.points or not all(math.isfinite(c) for point in region.points for c in point):
        return None
    if region.box is not None:
        return region.box
    xs, ys = [p[0] for p in region.points], [p[1] for p in region.points]
    return Box(min(xs), min(ys), max(xs), max(ys))


def _middle(box: Box) -> tuple[float, float]:
    return (box.left + box.right) / 2, (box.top + box.bottom) / 2
