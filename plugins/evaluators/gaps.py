"""What truth and detections lack as a whole, without any single entry being at fault."""

from __future__ import annotations

import numpy as np

from bridge.model.finding import Severity
from bridge.plugin import BoxTable
from plugins.evaluators.notes import Notes

# So many names are told.
_NAMED = 5


def note_gaps(truth: BoxTable, detections: BoxTable, notes: Notes) -> None:
    """Tell what is empty: the truth, the detections, pictures that nothing was found in, classes without truth."""
    if not len(truth.picture):
        notes.add("score-no-truth", pictures=len(truth.pictures))
    elif not len(detections.picture):
        notes.add("score-no-detections", objects=len(truth.picture))
    else:
        _note_unseen(truth, detections, notes)
    known = np.bincount(truth.class_id, minlength=len(truth.classes))
    empty = np.flatnonzero(known == 0)
    if len(truth.picture) and len(empty):
        names = _listed([truth.classes[k] for k in empty])
        notes.add("score-class-without-truth", Severity.INFO, classes=len(empty), of=len(known), names=names)


def _note_unseen(truth: BoxTable, detections: BoxTable, notes: Notes) -> None:
    objects = np.bincount(truth.picture, minlength=len(truth.pictures))
    found = np.bincount(detections.picture, minlength=len(truth.pictures))
    unseen = np.flatnonzero((objects > 0) & (found == 0))
    if len(unseen):
        names = _listed([truth.pictures[k] for k in unseen])
        lost = int(objects[unseen].sum())
        notes.add("score-picture-without-detections", Severity.INFO, pictures=len(unseen), objects=lost, names=names)


def _listed(names: list[str]) -> str:
    """The first few names."""
    return ", ".join(names[:_NAMED]) + (" …" if len(names) > _NAMED else "")
