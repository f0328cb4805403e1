"""Many plain rectangles of one picture, in columns: a region of its own is made only for who asks for one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain
from math import inf
from operator import sub
from typing import Any, overload

from bridge.model.annotation import LEAST_SIDE, Region, content_hash, hash_lines, joined

Numbers = tuple[float, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Rectangles(Sequence[Region]):
    """Rectangles by a person, corners in order, float pixels; behaves as the tuple of regions that they are.

    extras is () where none has any.
    """

    labels: tuple[tuple[str, ...], ...]
    left: Numbers
    top: Numbers
    right: Numbers
    bottom: Numbers
    ids: tuple[str, ...]
    extras: tuple[dict[str, Any], ...] = ()
    _bounds: Numbers = field(init=False)

    def __post_init__(self) -> None:
        least_width = min(map(sub, self.right, self.left), default=inf)
        least_height = min(map(sub, self.bottom, self.top), default=inf)
        bounds = (
            min(self.left, default=inf),
            min(self.top, default=inf),
            max(self.right, default=-inf),
            max(self.bottom, default=-inf),
            min(least_width, least_height),
        )
        object.__setattr__(self, "_bounds", bounds)

    def lie_inside(self, width: float, height: float) -> bool:
        """Whether all lie wholly inside a picture, and each has an area."""
        left, top, right, bottom, side = self._bounds
        return left >= 0 and top >= 0 and right <= width and bottom <= height and side >= LEAST_SIDE

    def content_hash(self, name: str, width: int, height: int) -> str:
        """What annotation.content_hash gives for the same regions."""
        try:
            return hash_lines(name, width, height, self._content_lines())
        except OverflowError:  # Farther out than any number of a thousandth.
            return content_hash(name, width, height, self)

    def _content_lines(self) -> Iterator[str]:
        for labels, a, b, c, d in zip(self.labels, self.left, self.top, self.right, self.bottom, strict=True):
            yield (
                f"rectangle|{joined(labels)}|{round(a * 1000)},{round(b * 1000)};{round(c * 1000)},{round(d * 1000)}"
            )

    def __len__(self) -> int:
        return len(self.left)

    @overload
    def __getitem__(self, index: int) -> Region: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[Region, ...]: ...
    def __getitem__(self, index: int | slice) -> Region | tuple[Region, ...]:
        if isinstance(index, slice):
            return tuple(self)[index]
        corners = ((self.left[index], self.top[index]), (self.right[index], self.bottom[index]))
        extra = self.extras[index] if self.extras else {}
        return Region("rectangle", corners, self.labels[index], self.ids[index], extra=extra)

    def __iter__(self) -> Iterator[Region]:
        return map(self.__getitem__, range(len(self.left)))

    def __eq__(self, other: object) -> bool:
        return tuple(self) == (tuple(other) if isinstance(other, Rectangles) else other)

    def __hash__(self) -> int:
        return hash(tuple(self))


def labels_of(regions: Sequence[Region]) -> Iterator[str]:
    """The label names of all regions, in their order, each as often as it stands there."""
    if isinstance(regions, Rectangles):
        return chain.from_iterable(regions.labels)
    return (label for region in regions for label in region.labels)
