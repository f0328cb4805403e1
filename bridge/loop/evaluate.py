"""Checkpoint's detections → Scores, under every protocol there is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import chain
from typing import Any, cast

import msgspec

from bridge.collector import paused
from bridge.errors import NotFoundError
from bridge.loop.truth import Labelled, labelled
from bridge.model.annotation import Box, Image, Label, Region
from bridge.model.dataset import DatasetVersion
from bridge.model.scores import Scores
from bridge.plugin import BoxTable, Evaluator, Ranker, Ranking, ScoreOptions
from bridge.store import datasets, projects, runs
from bridge.store.database import Database
from bridge.workspace import Workspace

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


@dataclass(frozen=True, slots=True)
class HeldOut:
    """The held-out part of a version: its labels in columns, and the image behind each picture of the table."""

    version: DatasetVersion
    truth: BoxTable
    image_ids: tuple[int, ...]


def score(ws: Workspace, checkpoint_id: str, options: ScoreOptions | None = None) -> Scores:
    """Score a checkpoint from its stored detections and keep the result; gives the one under darknet's rule.

    Raises NotFoundError detections-missing.
    """
    options = options or ScoreOptions()
    checkpoint, held_out, found, detector = _stored(ws, checkpoint_id)
    evaluators = [cast(Evaluator, ws.registry.find("evaluator", name)) for name in PROTOCOLS]
    scores = [evaluator.score(held_out.truth, found, options) for evaluator in evaluators]
    named = [replace(one, checkpoint_id=checkpoint, options={**detector, **one.options}) for one in scores]
    with ws.db.write() as tx:
        for one in named:
            runs.put_scores(tx, one)
    return named[0]


def rank(ws: Workspace, checkpoint_id: str, options: ScoreOptions | None = None) -> Ranking:
    """What a checkpoint's AP is made of, from its stored detections: for intervals and comparisons.

    Raises NotFoundError detections-missing.
    """
    _, held_out, found, _ = _stored(ws, checkpoint_id)
    ranker = cast(Ranker, ws.registry.find("evaluator", PROTOCOLS[0]))
    return ranker.rank(held_out.truth, found, options or ScoreOptions())


def _stored(ws: Workspace, checkpoint_id: str) -> tuple[str, HeldOut, BoxTable, dict[str, Any]]:
    """The checkpoint's whole id, truth, detections, and how they were made."""
    with ws.db.read() as tx:
        checkpoint = runs.find_checkpoint(tx, checkpoint_id)
        version = datasets.find(tx, runs.find(tx, checkpoint.run_id).version)
        kept = runs.detections(tx, checkpoint.id)
        reading = version.reading(projects.labels(tx, version.project))
    if kept is None:
        raise NotFoundError("detections-missing", checkpoint=checkpoint_id)
    held_out = _held_out(ws.db, version.id, reading)
    with paused():
        return checkpoint.id, held_out, detection_table(held_out, load_detections(ws, kept[0])), kept[1]


@lru_cache(maxsize=2)
def _held_out(db: Database, version_id: str, reading: tuple[Label, ...]) -> HeldOut:
    """A version never changes, and one run has many checkpoints: what was read once is kept.

    reading is how label ids are read, the only thing about it that a merge of labels may touch.
    """
    with paused(), db.read() as tx:
        version = datasets.find(tx, version_id)
        found = labelled(tx, version, version.part("valid"))
    return HeldOut(version, truth_table(version, found), tuple(one.member.image_id for one in found))


def load_detections(ws: Workspace, blob: str) -> dict[int, list[Found]]:
    """Detections by image id."""
    kept = msgspec.json.decode(ws.blobs.path(blob).read_bytes(), type=Detections)
    return {picture.image_id: picture.boxes for picture in kept.pictures}


def truth_table(version: DatasetVersion, truth: Sequence[Labelled]) -> BoxTable:
    """The held-out part's labels in columns."""
    import numpy as np

    rows = [(n, c, b.left, b.top, b.right, b.bottom) for n, one in enumerate(truth) for c, b in one.boxes]
    table = np.array(rows, dtype=np.float64).reshape(-1, 6)
    names = tuple(one.member.name for one in truth)
    return BoxTable(names, version.labels, table[:, 0].astype(np.int64), table[:, 1].astype(np.int64), table[:, 2:])


def detection_table(held_out: HeldOut, found: Mapping[int, Sequence[Found]]) -> BoxTable:
    """Detections in columns, in the pictures' order; of pictures that are not held out none count."""
    import numpy as np

    boxes = [found.get(image_id, ()) for image_id in held_out.image_ids]
    counts = [len(own) for own in boxes]
    numbers = np.fromiter(chain.from_iterable(chain.from_iterable(boxes)), np.float64, 6 * sum(counts)).reshape(-1, 6)
    picture = np.repeat(np.arange(len(boxes)), counts)
    truth = held_out.truth
    return BoxTable(
        truth.pictures, truth.classes, picture, numbers[:, 0].astype(np.int64), numbers[:, 2:], numbers[:, 1]
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
