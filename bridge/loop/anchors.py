"""DatasetVersion → anchors for a network size."""

from __future__ import annotations

from collections.abc import Iterator

from sqlalchemy import Connection

from bridge.loop.fitting import FitWish, fit_boxes
from bridge.loop.sizes import Row, in_columns, sizes_of
from bridge.loop.truth import labelled
from bridge.model.anchors import Fit
from bridge.model.dataset import DatasetVersion
from bridge.plugin import BoxSizes
from bridge.store import datasets, projects, revisions
from bridge.workspace import Workspace

_SLICE = 500


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
        return in_columns(_rows(tx, version))


def _rows(tx: Connection, version: DatasetVersion) -> Iterator[Row]:
    """A slice of the pictures after the other: there may be a million boxes."""
    members = version.part("train")
    for start in range(0, len(members), _SLICE):
        for one in labelled(tx, version, members[start : start + _SLICE]):
            for number, box in one.boxes:
                yield version.labels[number], (box.width / one.image.width, box.height / one.image.height)
