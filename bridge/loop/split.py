"""Choosing the held-out pictures: seeded, balanced over the classes, and sticky."""

from __future__ import annotations

import random
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain

from bridge.model.annotation import Document, Region
from bridge.model.rectangles import Rectangles, labels_of

# Reviewed-empty pictures count as a class of their own, so that both sides get their share.
_EMPTY = ""


@dataclass(frozen=True, slots=True)
class Candidate:
    """Pictures that must stay on one side (same bytes, near-identical), and the labels of their boxes.

    held_out is True or False where that is settled already: held out in an earlier version, or said by a person.
    trained tells that an earlier version trained on one of them: held out only when nothing else is left, since an
    old model would look too good on it.
    """

    names: tuple[str, ...]
    labels: tuple[str, ...]
    held_out: bool | None = None
    trained: bool = False

    def counts(self) -> Counter[str]:
        """How many boxes of each label; a picture without any is one of the class of empty ones."""
        return Counter(self.labels or (_EMPTY,))


def boxed_labels(document: Document) -> tuple[str, ...]:
    """The labels of all boxes that darknet would get."""
    width, height, regions = document.image.width, document.image.height, document.regions or ()
    if isinstance(regions, Rectangles) and regions.lie_inside(width, height):
        return tuple(labels_of(regions))
    return tuple(label for region in regions if _shows(region, width, height) for label in region.labels)


def _shows(region: Region, width: int, height: int) -> bool:
    """Whether enough of its box lies inside the picture to be an object."""
    box = region.box
    return box is not None and box.inside(width, height) is not None


def choose(candidates: Sequence[Candidate], fraction: float, seed: int) -> set[str]:
    """Names to hold out, so that of every class about 1 - fraction of its boxes is held out.

    Class after class, the one that lacks most (relative to its size) gets the next picture that has it. The last one is
    never taken: something must be left to train on.
    """
    total = Counter(chain.from_iterable(candidate.labels or (_EMPTY,) for candidate in candidates))
    lacking = {label: n * (1 - fraction) for label, n in total.items()}
    chosen = [c for c in candidates if c.held_out]
    for candidate in chosen:
        _take(lacking, candidate.counts())
    queues = _queues((c for c in candidates if c.held_out is None), random.Random(seed))
    used: set[int] = set()
    while len(chosen) + 1 < len(candidates) and (label := _neediest(lacking, total, queues)) is not None:
        candidate = queues[label].pop()
        if id(candidate) not in used and _fits(lacking, counts := candidate.counts(), label):
            used.add(id(candidate))
            chosen.append(candidate)
            _take(lacking, counts)
    return {name for candidate in chosen for name in candidate.names}


def _queues(open_: Iterable[Candidate], dice: random.Random) -> dict[str, list[Candidate]]:
    """Per class its pictures, the ones to take first at the end."""
    mixed = sorted(open_, key=lambda c: c.names)
    dice.shuffle(mixed)
    mixed.sort(key=lambda c: not c.trained)
    queues: dict[str, list[Candidate]] = defaultdict(list)
    for candidate in mixed:
        for label in dict.fromkeys(candidate.labels or (_EMPTY,)):
            queues[label].append(candidate)
    return queues


def _neediest(
    lacking: Mapping[str, float], total: Mapping[str, int], queues: Mapping[str, Sequence[object]]
) -> str | None:
    open_ = [(n / total[label], label) for label, n in lacking.items() if n >= 0.5 and queues.get(label)]
    return max(open_)[1] if open_ else None


def _fits(lacking: Mapping[str, float], counts: Mapping[str, int], wanted: str) -> bool:
    """A picture is passed over when it would bring far more of what is not needed than of what is."""
    boxes = sum(counts.values())
    useful = sum([min(n, max(lacking[label], 0.0)) for label, n in counts.items()])
    return useful * 2 >= boxes or lacking[wanted] * 2 >= counts[wanted] == boxes


def _take(lacking: dict[str, float], counts: Mapping[str, int]) -> None:
    for label, n in counts.items():
        lacking[label] -= n
