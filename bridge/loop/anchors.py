"""DatasetVersion → anchors for a network size."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from bridge.errors import InputError
from bridge.loop.intake import recognise
from bridge.loop.truth import labelled
from bridge.model.anchors import Anchors
from bridge.model.annotation import Box, Document
from bridge.model.dataset import DatasetVersion
from bridge.plugin import AnchorFitter, ReadOptions
from bridge.registry import Registry
from bridge.store import datasets, projects, revisions
from bridge.workspace import Workspace

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

FITTER = "median"
Sized = tuple[Box, int, int]  # a box and its picture's width and height


def fit(ws: Workspace, project: str, network: tuple[int, int], n: int, seed: int = 0) -> Anchors:
    """Anchors for the training boxes of the newest dataset version, or of the present labels when nothing was cut."""
    with ws.db.read() as tx:
        found = projects.find(tx, project)
        version = datasets.newest(tx, found.id)
        if version is None:
            present = revisions.current(tx, found.id, found.labels)
            sized = list(_sized(c.document for c in present))
    return fit_version(ws, version, network, n, seed) if version else fit_boxes(ws.registry, sized, network, n, seed)


def fit_version(ws: Workspace, version: DatasetVersion, network: tuple[int, int], n: int, seed: int = 0) -> Anchors:
    """Anchors for the training boxes of a dataset version."""
    with ws.db.read() as tx:
        found = labelled(tx, version, version.part("train"))
    sized = [(box, one.image.width, one.image.height) for one in found for _, box in one.boxes]
    return fit_boxes(ws.registry, sized, network, n, seed)


def fit_path(
    registry: Registry, path: Path, options: ReadOptions, network: tuple[int, int], n: int, seed: int = 0
) -> Anchors:
    """Anchors for the labels of a bare file or folder (its training part, where it says which that is)."""
    reading = registry.format(recognise(registry, path)).read(path, options)
    return fit_boxes(registry, list(_sized(d for d in reading.documents if not d.held_out)), network, n, seed)


def fit_boxes(registry: Registry, sized: list[Sized], network: tuple[int, int], n: int, seed: int) -> Anchors:
    """Anchors for boxes; raises InputError when there are fewer different boxes than anchors."""
    if not sized:
        raise InputError("anchors-no-boxes", wanted=n)
    fitter = cast(AnchorFitter, registry.find("anchors", FITTER))
    return fitter.fit(_sizes(sized, network), n, seed, network)


def _sized(documents: Iterable[Document]) -> Iterable[Sized]:
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
