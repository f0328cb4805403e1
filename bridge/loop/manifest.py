"""What a node needs to lay out pictures: a frozen dataset version, or the pictures to predict on."""

from __future__ import annotations

from collections.abc import Sequence

from bridge.errors import NotFoundError
from bridge.loop.truth import Labelled, labelled
from bridge.model.annotation import Image
from bridge.model.work import Manifest, Picture
from bridge.store import datasets, images, projects
from bridge.workspace import Workspace


def dataset(ws: Workspace, wanted: str) -> Manifest:
    """A version with the boxes that were frozen in it, clipped, classes numbered by its own list."""
    with ws.db.read() as tx:
        version = datasets.find(tx, wanted)
        found = labelled(tx, version, version.members)
    return Manifest(version.id, version.labels, tuple(_member(one) for one in found))


def _member(one: Labelled) -> Picture:
    boxes = tuple((number, box.left, box.top, box.right, box.bottom) for number, box in one.boxes)
    member, image = one.member, one.image
    return Picture(member.image_id, member.name, member.sha256, image.width, image.height, member.part, boxes)


def pictures(ws: Workspace, wanted: str, ids: Sequence[int] | None = None) -> Manifest:
    """Pictures of a project whose bytes are known, all or those with these ids; raises NotFoundError.

    A picture without bytes (missing, a video frame not extracted) is left out: there is nothing to look at.
    """
    with ws.db.read() as tx:
        project = projects.find(tx, wanted)
        if ids is None:
            found = list(images.known_images(tx, project.id).values())
        else:
            by_id = images.find_many(tx, ids)
            lost = next((i for i in ids if i not in by_id), None)
            if lost is not None:
                raise NotFoundError("image-missing", image=str(lost), project=project.name)
            found = [by_id[i] for i in ids]
    return Manifest("", project.label_names(), tuple(_bare(image) for image in found if image.sha256))


def _bare(image: Image) -> Picture:
    assert image.id is not None
    return Picture(image.id, image.name, image.sha256 or "", image.width, image.height)
