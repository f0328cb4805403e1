"""The entries of a file as columns, and which of them can be scored."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, repeat
from operator import attrgetter
from typing import Any

import numpy as np
from numpy.typing import NDArray

from plugins.evaluators.notes import Notes

Id = int | float | str

# Where an id is known but its picture is left out of the score.
LEFT_OUT = -1
_UNKNOWN = -2
# Ids that lie so close together are looked up in a table.
_SPAN = 10_000_000
# Beyond, a float does not hold every whole number.
LARGEST = 2**53


@dataclass(frozen=True, slots=True)
class Columns:
    """What can be scored: row in the file, indices of picture and class, box as the file has it, score (truth: 0)."""

    row: Sequence[int]
    picture: NDArray[np.int64]
    class_id: NDArray[np.int64]
    boxes: NDArray[np.float64]
    score: NDArray[np.float64]

    def corners(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Left, top, right, bottom, and the sizes as the file has them; boxes is no more what it was."""
        sizes = self.boxes[:, 2:].copy()
        self.boxes[:, 2:] += self.boxes[:, :2]
        return self.boxes, sizes

    def take(self, at: NDArray[np.intp]) -> Columns:
        """Only the entries at these places."""
        if len(at) == len(self.row):
            return self
        row = [self.row[k] for k in at.tolist()]
        return Columns(row, self.picture[at], self.class_id[at], self.boxes[at], self.score[at])


@dataclass(frozen=True, slots=True)
class Entries:
    """What a file holds: row, ids of picture and class (whole numbers, or as they are), box and score; all finite."""

    row: Sequence[int]
    image_id: NDArray[np.int64] | list[Id]
    category_id: NDArray[np.int64] | list[Id]
    boxes: NDArray[np.float64]
    score: NDArray[np.float64]

    @classmethod
    def of(cls, items: Sequence[Any], row: Sequence[int]) -> Entries:
        """Annotations or results as columns."""
        count = len(items)
        image_id, category_id = (list(map(attrgetter(key), items)) for key in ("image_id", "category_id"))
        boxes = np.fromiter(chain.from_iterable(map(attrgetter("bbox"), items)), np.float64, 4 * count)
        scored = hasattr(items[0], "score") if items else False
        score = np.fromiter(map(attrgetter("score"), items), np.float64, count) if scored else np.zeros(count)
        return cls(row, image_id, category_id, boxes.reshape(-1, 4), score)

    def usable(self, part: str, pictures: Mapping[Id, int], classes: Mapping[Id, int], notes: Notes) -> Columns:
        """What can be scored; sizes below 0, unknown pictures and classes are told."""
        picture, class_id = _places(self.image_id, pictures), _places(self.category_id, classes)
        sized = (self.boxes[:, 2] >= 0) & (self.boxes[:, 3] >= 0)
        for k in np.flatnonzero(~sized).tolist():
            told = numbers([*self.boxes[k].tolist(), *([self.score[k]] if part == "detections" else [])])
            notes.add(
                "score-bad-number", part=part, row=int(self.row[k]), image_id=_plain(self.image_id[k]), numbers=told
            )
        for rule, places, ids in (
            ("score-unknown-picture", picture, self.image_id),
            ("score-unknown-class", class_id, self.category_id),
        ):
            strangers = np.flatnonzero(places == _UNKNOWN).tolist()
            for id_, boxes in Counter(_plain(ids[k]) for k in strangers).items():
                notes.add(rule, part=part, id=id_, boxes=boxes)
        columns = Columns(self.row, picture, class_id, self.boxes, self.score)
        return columns.take(np.flatnonzero(sized & (picture >= 0) & (class_id >= 0)))


def _places(ids: NDArray[np.int64] | list[Id], known: Mapping[Id, int]) -> NDArray[np.int64]:
    """The index behind each id."""
    if isinstance(ids, list):
        return np.fromiter(map(known.get, ids, repeat(_UNKNOWN)), np.int64, len(ids))
    pairs = sorted((int(id_), place) for id_, place in known.items() if _is_whole(id_))
    if not pairs:
        return np.full(len(ids), _UNKNOWN)
    keys, places = np.array([key for key, _ in pairs]), np.array([place for _, place in pairs])
    if keys[-1] - keys[0] < _SPAN:  # As good as always, and many times as fast.
        return _looked_up(keys, places, ids)
    at = np.minimum(np.searchsorted(keys, ids), len(keys) - 1)
    return np.where(keys[at] == ids, places[at], _UNKNOWN)


def _is_whole(id_: Id) -> bool:
    return not isinstance(id_, str) and abs(id_) < LARGEST and id_ == int(id_)


def _looked_up(keys: NDArray[np.int64], places: NDArray[np.int64], ids: NDArray[np.int64]) -> NDArray[np.int64]:
    table = np.full(int(keys[-1] - keys[0]) + 3, _UNKNOWN)  # One more at each end, for all that lies beyond.
    table[keys - keys[0] + 1] = places
    found: NDArray[np.int64] = table[np.clip(ids, keys[0] - 1, keys[-1] + 1) - (keys[0] - 1)]
    return found


def _plain(id_: Any) -> Id:
    return id_.item() if isinstance(id_, np.generic) else id_  # type: ignore[no-any-return]


def numbers(said: Sequence[float | None]) -> str:
    """The numbers of an entry as text."""
    return ", ".join("nan" if n is None else f"{n:g}" for n in said)
