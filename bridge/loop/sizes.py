"""Labels → the sizes of the boxes that darknet would get, in columns; of a bare file or folder too."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from bridge.loop.reading import read_path, recognise
from bridge.model.annotation import Document, Image, Region
from bridge.model.rectangles import Rectangles
from bridge.plugin import BoxSizes, ReadOptions, SizeReader
from bridge.registry import Registry

# A label, and width and height as fractions of the picture; None for a box without a size there.
Row = tuple[str, tuple[float, float] | None]


def read_sizes(registry: Registry, path: Path, options: ReadOptions) -> BoxSizes:
    """Sizes of the boxes of a bare file or folder (of its training part, where it says which that is)."""
    reader = registry.format(recognise(registry, path))
    if isinstance(reader, SizeReader):
        return reader.read_sizes(path, options)
    return sizes_of(d for d in read_path(registry, path, options).documents if not d.held_out)


def sizes_of(documents: Iterable[Document]) -> BoxSizes:
    """Sizes of the boxes of documents, one for each label that a box has."""
    return in_columns(row for document in documents for row in _rows(document))


def in_columns(rows: Iterable[Row]) -> BoxSizes:
    """Rows as columns, labels in the order in which they come."""
    import numpy as np

    numbers: dict[str, int] = {}
    label: list[int] = []
    sizes: list[tuple[float, float]] = []
    left_out = 0
    for name, size in rows:
        if size is None:
            left_out += 1
        else:
            label.append(numbers.setdefault(name, len(numbers)))
            sizes.append(size)
    return BoxSizes(tuple(numbers), np.array(label, np.intp), np.array(sizes, np.float64).reshape(-1, 2), left_out)


def _rows(document: Document) -> Iterator[Row]:
    regions, image = document.regions or (), document.image
    if isinstance(regions, Rectangles) and regions.lie_inside(image.width, image.height):
        for labels, a, b, c, d in zip(
            regions.labels, regions.left, regions.top, regions.right, regions.bottom, strict=True
        ):
            for name in labels:
                yield name, ((c - a) / image.width, (d - b) / image.height)
        return
    for region in regions:
        size = size_of(region, image)
        for name in region.labels:
            yield name, size


def size_of(region: Region, image: Image) -> tuple[float, float] | None:
    """Width and height of the part of a region's box inside the picture, as fractions of it; None if there is none."""
    if region.box is None or image.width <= 0 or image.height <= 0:
        return None
    part = region.box.clipped(image.width, image.height)
    wide, high = part.width / image.width, part.height / image.height
    return (wide, high) if wide > 0 and high > 0 else None  # NaN is not above 0 either.
