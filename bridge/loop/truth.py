"""The labels of a dataset version as boxes in pixels, numbered by the version's own class list."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from sqlalchemy import Connection

from bridge.model.annotation import Box, Image, Region
from bridge.model.dataset import DatasetVersion, Member
from bridge.store import images, projects, revisions


@dataclass(frozen=True, slots=True)
class Labelled:
    """One member with its picture's size and its boxes, clipped to the picture: (class index, box)."""

    member: Member
    image: Image
    boxes: tuple[tuple[int, Box], ...]
    regions: tuple[Region, ...]


def labelled(tx: Connection, version: DatasetVersion, members: Sequence[Member]) -> list[Labelled]:
    """The frozen labels of these members, in their order."""
    index = {name: n for n, name in enumerate(version.labels)}
    reading = version.reading(projects.labels(tx, version.project))
    found = revisions.find_many(tx, [m.revision_id for m in members], reading)
    pictures = images.find_many(tx, [m.image_id for m in members])
    result = []
    for m in members:
        regions, image = found[m.revision_id].regions, _as_then(pictures[m.image_id], m)
        result.append(Labelled(m, image, _boxes(regions, image, index), regions))
    return result


def _as_then(image: Image, member: Member) -> Image:
    """The picture as it was cut; without a file when another picture has taken its place since."""
    file = image.file if image.sha256 == member.sha256 else None
    return replace(
        image,
        sha256=member.sha256,
        width=member.width,
        height=member.height,
        orientation=member.orientation,
        file=file,
    )


def _boxes(regions: Sequence[Region], image: Image, index: dict[str, int]) -> tuple[tuple[int, Box], ...]:
    boxes: list[tuple[int, Box]] = []
    for region in regions:
        box = region.box.clipped(image.width, image.height) if region.box else None
        if box is not None and box.width > 0 and box.height > 0:
            boxes += [(index[name], box) for name in region.labels if name in index]
    return tuple(boxes)


def object_counts(found: Sequence[Labelled], classes: int) -> list[int]:
    """How many boxes each class has."""
    counts = [0] * classes
    for one in found:
        for number, _ in one.boxes:
            counts[number] += 1
    return counts
