"""What VoTT v1 cannot hold of a dataset: names with folders, labels with spaces, shapes that it does not draw."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import count
from pathlib import Path

from bridge.model.annotation import Document, Region
from bridge.model.dataset import Dataset
from bridge.model.finding import Finding, Severity
from plugins.formats.loss import finding, is_plain, region_loss
from plugins.formats.vott1.frame import raw_region
from plugins.formats.vott1.names import flat_names
from plugins.formats.vott1.region import EXTRA, read_region
from plugins.formats.vott1.tags import all_labels, tags_for


def losses(dataset: Dataset) -> list[Finding]:
    """Classes and pictures under another name, sizes that get lost, and every region that comes back otherwise."""
    tags = tags_for(all_labels(dataset))
    found = list(renamings(tags, flat_names(document.image.name for document in dataset.documents)))
    tags = {label: tag for label, tag in tags.items() if label != tag}
    for document in dataset.documents:
        found += _size_lost(document)
        for index, region in enumerate(document.regions or ()):
            if tags:
                found += _renamed(document.image.name, index, region, tags)
            if not is_plain(region):
                found += region_loss(document.image.name, index, region, _again(region, document))
    return found


def renamings(tags: Mapping[str, str], names: Mapping[str, str]) -> Iterator[Finding]:
    """The classes and pictures that get another name."""
    for label, tag in tags.items():
        if label != tag:
            yield Finding("tag-renamed", Severity.WARNING, None, {"label": label, "tag": tag})
    for name, flat in names.items():
        if name != flat:
            yield Finding("flat-name", Severity.WARNING, name, {"name": flat})


def _size_lost(document: Document) -> Iterator[Finding]:
    """The size of a picture that is not there is only known from its regions."""
    image = document.image
    if document.regions == () and image.width and not (image.file and Path(image.file.path).is_file()):
        size = f"{image.width}x{image.height}"
        yield Finding("size-lost", Severity.WARNING, image.name, {"size": size})


def _renamed(image: str, index: int, region: Region, tags: Mapping[str, str]) -> Iterator[Finding]:
    for label in region.labels:
        if label in tags:
            yield finding("tag-renamed", image, index, region, case="region", label=label, tag=tags[label])


def _again(region: Region, document: Document) -> Region | None:
    """The region as it would be read back."""
    raw = raw_region(region, document, 0, count())
    if raw is None:
        return None
    return read_region(raw, document.image, region.extra.get(EXTRA, {}).get("at", 0))[0]
