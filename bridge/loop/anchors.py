"""DatasetVersion → anchors for a network size."""

from __future__ import annotations

from bridge.loop.fitting import FitWish, fit_boxes
from bridge.loop.sizes import in_columns, sizes_of
from bridge.loop.truth import labelled
from bridge.model.anchors import Fit
from bridge.model.dataset import DatasetVersion
from bridge.plugin import BoxSizes
from bridge.store import datasets, projects, revisions
from bridge.workspace import Workspace


def fit(ws: Workspace, project: str, wish: FitWish) -> Fit:
    """Anchors for the training boxes of the newest dataset version, or of the present labels when nothing was cut."""
    with ws.db.read() as tx:
        found = projects.find(tx, project)
        version = datasets.newest(tx, found.id)
        if version is None:
            sizes = sizes_of(c.document for c in revisions.current(tx, found.id, found.labels))
    return fit_boxes(ws.registry, version_sizes(ws, version) if version else sizes, wish)


def fit_version(ws: Workspace, version: DatasetVersion, wish: FitWish) -> Fit:
    """Anchors for the training boxes of a dataset version."""
    return fit_boxes(ws.registry, version_sizes(ws, version), wish)


def version_sizes(ws: Workspace, version: DatasetVersion) -> BoxSizes:
    """Sizes of the training boxes of a dataset version."""
    with ws.db.read() as tx:
        found = labelled(tx, version, version.part("train"))
    return in_columns(
        (version.labels[number], (box.width / one.image.width, box.height / one.image.height))
        for one in found
        for number, box in one.boxes
    )
