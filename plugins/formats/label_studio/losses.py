"""What tasks of Label Studio cannot hold of a dataset: shapes it does not draw, regions of pictures without a size."""

from __future__ import annotations

from bridge.model.annotation import Document, Image, Region
from bridge.model.dataset import Dataset
from bridge.model.finding import Finding, Severity
from plugins.formats.label_studio.config import LabelConfig, writable
from plugins.formats.label_studio.geometry import original_size, shown_by
from plugins.formats.label_studio.region import EXTRA, read_region, split
from plugins.formats.label_studio.result import result_items
from plugins.formats.loss import finding, is_plain, region_loss


def losses(dataset: Dataset) -> list[Finding]:
    """Labels that XML cannot hold, and every region that comes back otherwise or not at all."""
    found = [
        Finding("label-unwritable", Severity.WARNING, None, {"label": label})
        for label in dataset.labels
        if writable(label) != label
    ]
    for document in dataset.documents:
        image = document.image
        for index, region in enumerate(document.regions or ()):
            if not image.width and region.points and EXTRA not in region.extra:
                found.append(finding("no-size", image.name, index, region))
            elif not is_plain(region) or not image.width:
                found += region_loss(image.name, index, region, _again(region, document))
    return found


def _again(region: Region, document: Document) -> Region | None:
    """The region as it would be read back."""
    image = document.image
    items = result_items([region], (image.width, image.height), LabelConfig(), image.orientation)
    groups, _ = split(items, None)
    if not groups:
        return None
    seen = Image("", image.width, image.height, orientation=image.orientation)
    return read_region(groups[0], shown_by(seen, original_size(groups[0][0])))
