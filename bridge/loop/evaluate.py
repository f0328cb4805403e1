"""Checkpoint's detections → Scores, under every protocol there is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, cast

import msgspec

from bridge.errors import NotFoundError
from bridge.loop.truth import Labelled, labelled
from bridge.model.annotation import Box, Image, Region
from bridge.model.dataset import DatasetVersion
from bridge.model.scores import Scores
from bridge.plugin import BoxTable, Evaluator, ScoreOptions
from bridge.store import datasets, runs
from bridge.workspace import Workspace

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

PROTOCOLS = ("darknet", "coco")
# class index, score, left, top, right, bottom
Found = tuple[int, float, float, float, float, float]


class PictureBoxes(msgspec.Struct):
    """One picture's detections: (class index, score, left, top, right, bottom)."""

    image_id: int
    boxes: list[Found]


class Detections(msgspec.Struct):
    """The blob in which a checkpoint's detections on the held-out part are kept."""

    pictures: list[PictureBoxes]


def score(ws: Workspace, checkpoint_id: str, options: ScoreOptions | None = None) -> Scores:
    """Score a checkpoint from its stored detections and keep the result; gives the one under darknet's rule.

    Raises NotFoundError detections-missing.
    """
    options = options or ScoreOptions()
    with ws.db.read() as tx:
        checkpoint = runs.find_checkpoint(tx, checkpoint_id)
        version = datasets.find(tx, runs.find(tx, checkpoint.run_id).version)
        kept = runs.detections(tx, checkpoint.id)
        truth_ = labelled(tx, version, version.part("valid"))
    if kept is None:
        raise NotFoundError("detections-missing", checkpoint=checkpoint_id)
    truth = truth_table(version, truth_)
    found = detection_table(version, truth_, load_detections(ws, kept[0]))
    scores = [
        _named(
            cast(Evaluator, ws.registry.find("evaluator", name)).score(truth, found, options),
            checkpoint.id,
            kept[1],
            truth_,
        )
        for name in PROTOCOLS
    ]
    with ws.db.write() as tx:
        for one in scores:
            runs.put_scores(tx, one)
    return scores[0]


def _named(scores: Scores, checkpoint_id: str, detector: Mapping[str, Any], truth: Sequence[Labelled]) -> Scores:
    """The scores with what they are of and how the detections were made."""
    options = {**detector, **scores.options}
    return replace(scores, checkpoint_id=checkpoint_id, options=options, pictures=len(truth))


def load_detections(ws: Workspace, blob: str) -> dict[int, list[Found]]:
    """Detections by image id."""
    kept = msgspec.json.decode(ws.blobs.path(blob).read_bytes(), type=Detections)
    return {picture.image_id: picture.boxes for picture in kept.pictures}


def truth_table(version: DatasetVersion, truth: Sequence[Labelled]) -> BoxTable:
    """The held-out part's labels in columns."""
    import numpy as np

    rows = [(n, c, b.left, b.top, b.right, b.bottom) for n, one in enumerate(truth) for c, b in one.boxes]
    return _table(version, truth, np.array(rows, dtype=np.float64).reshape(-1, 6), None)


def detection_table(
    version: DatasetVersion, truth: Sequence[Labelled], found: Mapping[int, Sequence[Found]]
) -> BoxTable:
    """Detections in columns, in the pictures' order; of pictures that are not held out none count."""
    import numpy as np

    rows = [(n, *box) for n, one in enumerate(truth) for box in found.get(one.member.image_id, ())]
    table = np.array(rows, dtype=np.float64).reshape(-1, 7)
    return _table(version, truth, table[:, [0, 1, 3, 4, 5, 6]], table[:, 2])


def _table(
    version: DatasetVersion,
    truth: Sequence[Labelled],
    columns: NDArray[np.float64],
    score: NDArray[np.float64] | None,
) -> BoxTable:
    import numpy as np

    return BoxTable(
        tuple(one.member.name for one in truth),
        version.labels,
        columns[:, 0].astype(np.int64),
        columns[:, 1].astype(np.int64),
        columns[:, 2:],
        score,
    )


def detected_regions(
    version: DatasetVersion, image: Image, boxes: Sequence[Found], checkpoint_id: str, least: float
) -> tuple[Region, ...]:
    """Detections of at least this score as regions by the checkpoint, best first, clipped to the picture."""
    kept = sorted((box for box in boxes if box[1] >= least), key=lambda box: -box[1])
    author = f"checkpoint:{checkpoint_id}"
    clipped = [(box, Box(*box[2:]).clipped(image.width, image.height)) for box in kept]
    return tuple(
        Region.rectangle(inside, version.labels[box[0]], author=author, score=box[1])
        for box, inside in clipped
        if inside.width > 0 and inside.height > 0
    )
