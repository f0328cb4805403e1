"""Boxes by checkpoints, from which the ML backend answers and pushes are made."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, delete, func, insert, select

from bridge.model.annotation import Label
from bridge.model.prediction import Prediction
from bridge.store import tables as t
from bridge.store.database import now
from bridge.store.revision_doc import decode, encode

_SLICE = 500


def put(tx: Connection, predictions: Sequence[Prediction], labels: Sequence[Label]) -> None:
    """Keep predictions, in place of earlier ones by the same checkpoint for the same picture."""
    ids = {label.alias or label.name: label.id for label in labels}
    c = t.prediction.c
    for start in range(0, len(predictions), _SLICE):
        part = predictions[start : start + _SLICE]
        for checkpoint in {p.checkpoint_id for p in part}:
            images = [p.image_id for p in part if p.checkpoint_id == checkpoint]
            tx.execute(delete(t.prediction).where(c.checkpoint_id == checkpoint, c.image_id.in_(images)))
        rows = [
            {
                "checkpoint_id": p.checkpoint_id,
                "image_id": p.image_id,
                "at": p.at or now(),
                "doc": encode(p.regions, {}, ids),
            }
            for p in part
        ]
        tx.execute(insert(t.prediction), rows)


def of_checkpoint(
    tx: Connection, checkpoint_id: str, labels: Sequence[Label], image_ids: Sequence[int] | None = None
) -> dict[int, Prediction]:
    """A checkpoint's predictions by image id."""
    names = {label.id: label.name for label in labels}
    query = (
        select(t.prediction, t.image.c.name)
        .join(t.image, t.image.c.id == t.prediction.c.image_id)
        .where(t.prediction.c.checkpoint_id == checkpoint_id)
    )
    if image_ids is not None:
        query = query.where(t.prediction.c.image_id.in_(image_ids))
    return {row.image_id: _prediction(row, names) for row in tx.execute(query)}


def of_image(tx: Connection, image_id: int, labels: Sequence[Label]) -> list[Prediction]:
    """All predictions for one picture, newest first."""
    names = {label.id: label.name for label in labels}
    query = (
        select(t.prediction, t.image.c.name)
        .join(t.image, t.image.c.id == t.prediction.c.image_id)
        .where(t.prediction.c.image_id == image_id)
        .order_by(t.prediction.c.at.desc())
    )
    return [_prediction(row, names) for row in tx.execute(query)]


def counts(tx: Connection, project: str) -> dict[str, int]:
    """How many pictures of a project each checkpoint has predictions for."""
    query = (
        select(t.prediction.c.checkpoint_id, func.count())
        .join(t.image, t.image.c.id == t.prediction.c.image_id)
        .where(t.image.c.project == project)
        .group_by(t.prediction.c.checkpoint_id)
    )
    return {row[0]: row[1] for row in tx.execute(query)}


def missing(tx: Connection, project: str, checkpoint_id: str) -> list[int]:
    """Pictures (whose bytes are known) that a checkpoint has not looked at."""
    made = select(t.prediction.c.image_id).where(t.prediction.c.checkpoint_id == checkpoint_id)
    c = t.image.c
    query = select(c.id).where(c.project == project, c.sha256.is_not(None), c.id.not_in(made)).order_by(c.id)
    return list(tx.scalars(query))


def _prediction(row: Any, names: Mapping[int, str]) -> Prediction:
    regions, _ = decode(row.doc, names)
    return Prediction(row.image_id, row.name, row.checkpoint_id, regions, row.at)
