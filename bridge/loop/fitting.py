"""Box sizes → anchors; of a bare file or folder too, for which no store is needed."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from bridge.errors import InputError
from bridge.loop.reading import read_path
from bridge.model.anchors import Anchors
from bridge.model.annotation import Box, Document
from bridge.plugin import AnchorFitter, ReadOptions
from bridge.registry import Registry

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

FITTER = "median"
Sized = tuple[Box, int, int]  # a box and its picture's width and height


def fit_path(
    registry: Registry, path: Path, options: ReadOptions, network: tuple[int, int], n: int, seed: int = 0
) -> Anchors:
    """Anchors for the labels of a bare file or folder (its training part, where it says which that is)."""
    documents = read_path(registry, path, options).documents
    return fit_boxes(registry, list(sized_boxes(d for d in documents if not d.held_out)), network, n, seed)


def fit_boxes(registry: Registry, sized: list[Sized], network: tuple[int, int], n: int, seed: int) -> Anchors:
    """Anchors for boxes; raises InputError when there are fewer different boxes than anchors."""
    if not sized:
        raise InputError("anchors-no-boxes", wanted=n)
    fitter = cast(AnchorFitter, registry.find("anchors", FITTER))
    return fitter.fit(_sizes(sized, network), n, seed, network)


def sized_boxes(documents: Iterable[Document]) -> Iterable[Sized]:
    """The boxes that darknet would get, with the sizes of their pictures."""
    for document in documents:
        width, height = document.image.width, document.image.height
        for region in document.regions or ():
            box = region.box.clipped(width, height) if region.box else None
            if box is not None and box.width > 0 and box.height > 0:
                yield box, width, height


def _sizes(sized: list[Sized], network: tuple[int, int]) -> NDArray[np.float64]:
    import numpy as np

    rows = [(box.width / w * network[0], box.height / h * network[1]) for box, w, h in sized]
    return np.array(rows, dtype=np.float64)


def as_json(registry: Registry, anchors: Anchors) -> dict[str, Any]:
    """What `labelbridge anchors --json` prints; masks are for heads of three anchors each, else for one head."""
    fields = asdict(anchors)
    fields["anchors"] = [list(pair) for pair in fields.pop("pairs")]
    n = len(anchors.pairs)
    fitter = cast(AnchorFitter, registry.find("anchors", FITTER))
    return {**fields, "masks": [list(mask) for mask in fitter.masks(n, n // 3 if n % 3 == 0 else 1)]}
