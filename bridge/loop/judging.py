"""What a person did with a model's boxes: kept, moved, relabelled, deleted each of them, and added which he missed.

Each box that was offered gets one verdict, and each box of his that answers to none was added:

    kept         it stands, no side of it off by more than one pixel, under the same labels
    moved        it stands elsewhere or with other sides, under the same labels
    relabelled   it stands under other labels (moved or not)
    deleted      nothing of it stands

A box is known again by its region id, which tools keep when it is moved or retagged. One without an id that we gave
answers to an offered box when they overlap by half (shared area by joint area): of the same labels first, the closest
first. Verdicts are counted to the class that the model said, added boxes to the class that the person gave.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from bridge.loop.matching import closeness, same_labels
from bridge.model.annotation import Region
from bridge.model.prediction import Counts, Mark, own_id

# No hand draws more finely, and tools round what they write.
_TOLERANCE = 1.0
_ONE_THING = 0.5
# The class of a region without a label.
_NO_CLASS = ""


class Verdict(StrEnum):
    """What became of a box."""

    KEPT = "kept"
    MOVED = "moved"
    RELABELLED = "relabelled"
    DELETED = "deleted"
    ADDED = "added"


@dataclass(frozen=True, slots=True)
class Judged:
    """One box with its verdict: as it was offered (None: added), and as it stands (None: deleted)."""

    verdict: Verdict
    offered: Region | None
    settled: Region | None

    @property
    def label(self) -> str:
        """The class it is counted to."""
        region = self.offered or self.settled
        return region.labels[0] if region is not None and region.labels else _NO_CLASS


def judge(checkpoint: str, offered: Sequence[Region], settled: Sequence[Region]) -> list[Judged]:
    """The verdict on each box of a checkpoint (in the order it made them), given the labels that a person settled on.

    Only boxes are judged; points and the like are nobody's answer.
    """
    boxes = [region for region in settled if region.box is not None]
    found = answers(checkpoint, offered, boxes)
    taken = set(found.values())
    verdicts = [_verdict(box, boxes[found[n]] if n in found else None) for n, box in enumerate(offered)]
    return verdicts + [Judged(Verdict.ADDED, None, b) for j, b in enumerate(boxes) if j not in taken]


def counts(judged: Sequence[Judged]) -> dict[str, Counts]:
    """Verdicts by class."""
    by_label: dict[str, Counter[str]] = {}
    for one in judged:
        by_label.setdefault(one.label, Counter())[one.verdict.value] += 1
    return {label: Counts(**found) for label, found in by_label.items()}


def named(checkpoint: str, offered: Sequence[Region], settled: Sequence[Region]) -> dict[int, int]:
    """Places of offered boxes → places of the settled ones that carry their ids; of several copies the closest."""
    numbers = {own_id(checkpoint, n): n for n in range(len(offered))}
    said = ((j, _number(region.region_id, checkpoint, numbers)) for j, region in enumerate(settled))
    found: dict[int, int] = {}
    for j, n in said:
        if n is None or n >= len(offered):
            continue
        before = found.get(n)
        if before is None or closeness(offered[n], settled[j]) > closeness(offered[n], settled[before]):
            found[n] = j
    return found


def answers(checkpoint: str, offered: Sequence[Region], settled: Sequence[Region]) -> dict[int, int]:
    """Places of offered boxes → places of the settled ones that answer to them."""
    found = named(checkpoint, offered, settled)
    _pair(found, offered, settled, same_labels)
    _pair(found, offered, settled, lambda a, b: True)
    return found


def _number(region_id: str | None, checkpoint: str, numbers: Mapping[str, int]) -> int | None:
    """Which of a checkpoint's boxes an id names: a mark, the plain id of an accepted one, or that of a pushed one."""
    if region_id is None:
        return None
    if region_id in numbers:
        return numbers[region_id]
    mark = Mark.read(region_id)
    if mark is not None and mark.checkpoint == checkpoint:
        return mark.n
    rest = region_id.removeprefix(f"lb-{checkpoint}-")
    return int(rest) if rest != region_id and rest.isascii() and rest.isdigit() and len(rest) < 9 else None


def _pair(
    found: dict[int, int],
    offered: Sequence[Region],
    settled: Sequence[Region],
    may: Callable[[Region, Region], bool],
) -> None:
    """Put together what may go together and overlaps, the closest first."""
    taken = set(found.values())
    near = [
        (closeness(box, region), i, j)
        for i, box in enumerate(offered)
        for j, region in enumerate(settled)
        if i not in found and j not in taken and may(box, region)
    ]
    for how, i, j in sorted(near, key=lambda one: (-one[0], one[1], one[2])):
        if how >= _ONE_THING and i not in found and j not in taken:
            found[i] = j
            taken.add(j)


def _verdict(offered: Region, settled: Region | None) -> Judged:
    if settled is None:
        return Judged(Verdict.DELETED, offered, None)
    if not same_labels(offered, settled):
        return Judged(Verdict.RELABELLED, offered, settled)
    return Judged(Verdict.KEPT if _unmoved(offered, settled) else Verdict.MOVED, offered, settled)


def _unmoved(a: Region, b: Region) -> bool:
    first, second = a.box, b.box
    if first is None or second is None:
        return first is second
    sides = ((first.left, second.left), (first.top, second.top), (first.right, second.right))
    return all(abs(p - q) <= _TOLERANCE for p, q in (*sides, (first.bottom, second.bottom)))
