"""DatasetVersion → anchors for a network size."""

from __future__ import annotations

from bridge.loop.fitting import fit_boxes, sized_boxes
from bridge.loop.truth import labelled
from bridge.model.anchors import Anchors
from bridge.model.dataset import DatasetVersion
from bridge.store import datasets, projects, revisions
from bridge.workspace import Workspace


def fit(ws: Workspace, project: str, network: tuple[int, int], n: int, seed: int = 0) -> Anchors:
    """Anchors for the training boxes of the newest dataset version, or of the present labels when nothing was cut."""
    with ws.db.read() as tx:
        found = projects.find(tx, project)
        version = datasets.newest(tx, found.id)
        if version is None:
            present = revisions.current(tx, found.id, found.labels)
            sized = list(sized_boxes(c.document for c in present))
    return fit_version(ws, version, network, n, seed) if version else fit_boxes(ws.registry, sized, network, n, seed)


def fit_version(ws: Workspace, version: DatasetVersion, network: tuple[int, int], n: int, seed: int = 0) -> Anchors:
    """Anchors for the training boxes of a dataset version."""
    with ws.db.read() as tx:
        found = labelled(tx, version, version.part("train"))
    sized = [(box, one.image.width, one.image.height) for one in found for _, box in one.boxes]
    return fit_boxes(ws.registry, sized, network, n, seed)
