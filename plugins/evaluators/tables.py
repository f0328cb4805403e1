"""Tables of boxes from COCO files: the truth, and detections in COCO's results format.

What cannot be used becomes a finding, item by item, and the rest is scored.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from operator import attrgetter
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bridge.collector import paused
from bridge.errors import InputError
from bridge.model.finding import Finding, Severity
from bridge.plugin import BoxTable
from plugins.evaluators.columns import LEFT_OUT, Columns, Entries, Id
from plugins.evaluators.entries import Annotation, Picture, read_result_file, read_truth_file
from plugins.evaluators.gaps import note_gaps
from plugins.evaluators.notes import Notes


@dataclass(frozen=True, slots=True)
class CocoTruth(BoxTable):
    """A truth table that remembers by which ids its file names pictures and classes (-1: left out of the score)."""

    picture_ids: dict[Id, int] = field(default_factory=dict)
    class_ids: dict[Id, int] = field(default_factory=dict)


class CocoFiles:
    """Reads a COCO file and a COCO results file for scoring."""

    name = "coco"

    def read(self, truth: Path, detections: Path) -> tuple[BoxTable, BoxTable, list[Finding]]:
        """Truth and detections over its pictures and classes; bad entries become findings and the rest counts."""
        wanted, of_truth = read_truth(truth)
        found, of_detections = read_detections(detections, wanted)
        gaps = Notes()
        note_gaps(wanted, found, gaps)
        return wanted, found, [*of_truth, *of_detections, *gaps.all()]


def read_truth(path: Path) -> tuple[CocoTruth, list[Finding]]:
    """The truth of a COCO file; pictures that nobody has looked at (state "unknown") are left out of the score.

    Raises InputError evaluate-not-coco, evaluate-empty-file, or as document.read_bytes and parse_json.
    """
    notes = Notes()
    with paused():
        coco, places = read_truth_file(path, notes)
        pictures, picture_ids = _pictures(coco.images, notes)
        categories = _first_of_each(coco.categories, "categories", notes)
        class_ids = {id_: k for k, id_ in enumerate(categories)}
        rows = Entries.of(coco.annotations, places).usable("annotations", picture_ids, class_ids, notes)
        rows = rows.take(_without_repeats(_at(rows.row, coco.annotations, places), notes))
        kept = _at(rows.row, coco.annotations, places)
        area, crowd = _areas(kept, rows, notes), np.array(list(map(attrgetter("iscrowd"), kept)), np.bool_)
    names = tuple(c.name or str(c.id) for c in categories.values())
    corners, sizes = rows.corners()
    columns = (rows.picture, rows.class_id, corners, None, area, crowd, sizes)
    return CocoTruth(pictures, names, *columns, picture_ids=picture_ids, class_ids=class_ids), notes.all()


def read_detections(path: Path, truth: CocoTruth) -> tuple[BoxTable, list[Finding]]:
    """Detections (a list of image_id, category_id, bbox, score) over the truth's pictures and classes.

    Raises InputError evaluate-not-results, evaluate-empty-file, or as document.read_bytes and parse_json.
    """
    notes = Notes()
    with paused():
        rows = read_result_file(path, notes).usable("detections", truth.picture_ids, truth.class_ids, notes)
    corners, sizes = rows.corners()
    columns = (rows.picture, rows.class_id, corners, rows.score)
    return BoxTable(truth.pictures, truth.classes, *columns, sizes=sizes), notes.all()


def require_alike(truth: BoxTable, detections: BoxTable) -> NDArray[np.float64]:
    """The detections' scores; raises InputError unless both tables are over the same pictures and classes."""
    if (truth.pictures, truth.classes) != (detections.pictures, detections.classes) or detections.score is None:
        raise InputError("evaluate-tables-differ")
    return detections.score


def _pictures(images: Sequence[Picture], notes: Notes) -> tuple[tuple[str, ...], dict[Id, int]]:
    """Names in the order of the ids, in which pycocotools walks them and so ranks equal scores, and their places."""
    known = _first_of_each(images, "images", notes)
    unknown = sum(i.state == "unknown" for i in known.values())
    if unknown:
        notes.add("score-unreviewed", pictures=unknown)
    scored = sorted((i for i in known.values() if i.state != "unknown"), key=_by_id)
    places: dict[Id, int] = {**dict.fromkeys(known, LEFT_OUT), **{i.id: k for k, i in enumerate(scored)}}
    return tuple(i.file_name or str(i.id) for i in scored), places


def _by_id(picture: Picture) -> tuple[float, str]:
    return (math.inf, picture.id) if isinstance(picture.id, str) else (picture.id, "")


def _first_of_each(items: Sequence[Any], part: str, notes: Notes) -> dict[Id, Any]:
    """Items by id, in order; a second one of an id is left out."""
    kept: dict[Id, Any] = {}
    for item in items:
        if kept.setdefault(item.id, item) is not item:
            notes.add("score-duplicate-id", part=part, id=item.id)
    return kept


def _without_repeats(items: Sequence[Annotation], notes: Notes) -> NDArray[np.intp]:
    """The places of all but exact repeats: another box that only borrows an id is a truth of its own."""
    ids = [item.id for item in items]
    if 0 in ids:
        notes.add("score-id-zero", Severity.INFO)
    if None not in ids and len(set(ids)) == len(ids):
        return np.arange(len(items))
    seen: dict[Id, Annotation] = {}
    good = []
    for place, item in enumerate(items):
        first = item if item.id is None else seen.setdefault(item.id, item)
        if first is not item:
            notes.add("score-duplicate-id", part="annotations", id=item.id)
        if first is item or first != item:
            good.append(place)
    return np.array(good, np.intp)


def _at(rows: Sequence[int], items: Sequence[Annotation], places: Sequence[int]) -> Sequence[Annotation]:
    """The items in these rows, of which places tells where all of them are."""
    if len(rows) == len(items):
        return items
    by_row = dict(zip(places, items, strict=True))
    return [by_row[row] for row in rows]


def _areas(items: Sequence[Annotation], rows: Columns, notes: Notes) -> NDArray[np.float64]:
    """The area of each thing; its box's where the file gives none, or one that cannot be."""
    said = np.array(list(map(attrgetter("area"), items)), np.float64)  # None becomes not-a-number.
    for place in np.flatnonzero(np.isinf(said) | (said < 0)):
        told: dict[str, Any] = {"image_id": items[place].image_id, "area": f"{said[place]:g}"}
        notes.add("score-bad-area", part="annotations", row=rows.row[place], **told)
    return np.where(np.isfinite(said) & (said >= 0), said, rows.boxes[:, 2] * rows.boxes[:, 3])
