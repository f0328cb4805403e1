"""Two boxes of a model on one thing: a person is shown the surer one, for each other is work to take away.

A detector drops doubles of one class only, so that a thing it hesitates about comes under two names. But there are
classes that people do mark on one thing (a person and the coat he wears): boxes of those both stay.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import combinations

from sqlalchemy import Connection

from bridge.loop.matching import closeness
from bridge.loop.truth import labelled
from bridge.model.annotation import Region
from bridge.model.dataset import DatasetVersion

Pair = frozenset[str]

# Boxes that overlap by so much (shared area by joint area) lie on one thing.
_ONE_THING = 0.5
# So many pictures tell which classes are marked together; it happens often or as a slip of the pen.
_LOOKED_AT = 400
_OFTEN = 0.02


def sifted(regions: Sequence[Region], together: frozenset[Pair]) -> tuple[Region, ...]:
    """The regions, best first, without those that lie where a surer one does, unless people mark both there."""
    kept: list[Region] = []
    for region in regions:
        if not any(_double(region, better, together) for better in kept):
            kept.append(region)
    return tuple(kept)


def _double(region: Region, better: Region, together: frozenset[Pair]) -> bool:
    return closeness(region, better) >= _ONE_THING and frozenset((*region.labels, *better.labels)) not in together


def marked_together(pictures: Iterable[Sequence[Region]]) -> frozenset[Pair]:
    """The pairs of classes (or one class with itself) that people mark on one thing, and not by a rare mistake."""
    single: Counter[str] = Counter()
    pairs: Counter[Pair] = Counter()
    for regions in pictures:
        boxes = [region for region in regions if region.box is not None and region.labels]
        single.update(label for region in boxes for label in set(region.labels))
        for a, b in combinations(boxes, 2):
            if closeness(a, b) >= _ONE_THING:
                pairs.update({frozenset((x, y)) for x in a.labels for y in b.labels})
        pairs.update(frozenset(pair) for region in boxes for pair in combinations(sorted(set(region.labels)), 2))
    return frozenset(pair for pair, n in pairs.items() if n >= _OFTEN * min(single[label] for label in pair))


def together_in(tx: Connection, version: DatasetVersion) -> frozenset[Pair]:
    """Which classes are marked on one thing in what a model was trained on, as far as a part of it tells."""
    members = version.members
    step = max(1, len(members) // _LOOKED_AT)
    return marked_together(one.regions for one in labelled(tx, version, members[::step]))
