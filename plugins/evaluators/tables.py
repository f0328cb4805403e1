"""Tables of boxes from COCO files: the truth, and detections in COCO's results format.

What cannot be used becomes a finding, item by item, and the rest is scored.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import msgspec
import numpy as np
from numpy.typing import NDArray

from bridge import document
from bridge.errors import InputError
from bridge.model.finding import Finding, Severity
from bridge.plugin import BoxTable

Id = int | str

_MOST_MEGABYTES = 2048
# Where an id is known but its picture is left out of the score.
_LEFT_OUT = -1
_UNKNOWN = -2


class _Image(msgspec.Struct):
    id: Id
    file_name: str = ""
    state: str = ""


class _Category(msgspec.Struct):
    id: Id
    name: str = ""


class _Annotation(msgspec.Struct):
    image_id: Id
    category_id: Id
    bbox: tuple[float, float, float, float]
    id: Id | None = None
    area: float | None = None
    iscrowd: int | bool = 0


class _Result(msgspec.Struct):
    image_id: Id
    category_id: Id
    bbox: tuple[float, float, float, float]
    score: float


class _Coco(msgspec.Struct):
    images: list[_Image]
    categories: list[_Category]
    annotations: list[_Annotation]


Item = TypeVar("Item", bound=msgspec.Struct)
_Boxed = Sequence[_Annotation] | Sequence[_Result]


@dataclass(frozen=True, slots=True)
class CocoTruth(BoxTable):
    """A truth table that remembers by which ids its file names pictures and classes (-1: left out of the score)."""

    picture_ids: dict[Id, int] = field(default_factory=dict)
    class_ids: dict[Id, int] = field(default_factory=dict)


def read_truth(path: Path) -> tuple[CocoTruth, list[Finding]]:
    """The truth of a COCO file; pictures that nobody has looked at (state "unknown") are left out of the score.

    Raises InputError evaluate-not-coco, or as document.read_bytes and parse_json.
    """
    found: list[Finding] = []
    coco = _read_coco(path, found)
    images = _first_of_each(coco.images, "images", found)
    unknown = sum(i.state == "unknown" for i in images.values())
    if unknown:
        found.append(_finding("score-unreviewed", pictures=unknown))
    scored = [i for i in images.values() if i.state != "unknown"]
    picture_ids: dict[Id, int] = {**dict.fromkeys(images, _LEFT_OUT), **{i.id: k for k, i in enumerate(scored)}}
    categories = _first_of_each(coco.categories, "categories", found)
    class_ids = {id_: k for k, id_ in enumerate(categories)}
    rows = _usable(_without_repeats(coco.annotations, found), "annotations", picture_ids, class_ids, found)
    picture, class_id, corners = _columns(rows, picture_ids, class_ids)
    area = np.array([(r.bbox[2] * r.bbox[3] if r.area is None else r.area) for r in rows], np.float64)
    crowd = np.array([bool(r.iscrowd) for r in rows], np.bool_)
    table = CocoTruth(
        tuple(i.file_name or str(i.id) for i in scored),
        tuple(c.name or str(c.id) for c in categories.values()),
        picture,
        class_id,
        corners,
        area=area,
        crowd=crowd,
        picture_ids=picture_ids,
        class_ids=class_ids,
    )
    return table, found


def read_detections(path: Path, truth: CocoTruth) -> tuple[BoxTable, list[Finding]]:
    """Detections (a list of image_id, category_id, bbox, score) over the truth's pictures and classes.

    Raises InputError evaluate-not-results, or as document.read_bytes and parse_json.
    """
    found: list[Finding] = []
    results = _read_results(path, found)
    rows = _usable(results, "detections", truth.picture_ids, truth.class_ids, found)
    table = _columns(rows, truth.picture_ids, truth.class_ids)
    score = np.array([r.score for r in rows], np.float64)
    return BoxTable(truth.pictures, truth.classes, *table, score), found


def require_alike(truth: BoxTable, detections: BoxTable) -> NDArray[np.float64]:
    """The detections' scores; raises InputError unless both tables are over the same pictures and classes."""
    if (truth.pictures, truth.classes) != (detections.pictures, detections.classes) or detections.score is None:
        raise InputError("evaluate-tables-differ")
    return detections.score


def _read_coco(path: Path, found: list[Finding]) -> _Coco:
    data = document.read_bytes(path, _MOST_MEGABYTES)
    try:
        return msgspec.json.decode(data, type=_Coco)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        loose = document.parse_json(data, str(path))  # Something in it is odd: take it apart item by item.
    parts = loose if isinstance(loose, dict) else {}
    for part in _Coco.__struct_fields__:
        if not isinstance(parts.get(part), list):
            raise InputError("evaluate-not-coco", path=str(path), part=part)
    return _Coco(
        _readable(parts["images"], _Image, "images", found),
        _readable(parts["categories"], _Category, "categories", found),
        _readable(parts["annotations"], _Annotation, "annotations", found),
    )


def _read_results(path: Path, found: list[Finding]) -> list[_Result]:
    data = document.read_bytes(path, _MOST_MEGABYTES)
    try:
        return msgspec.json.decode(data, type=list[_Result])
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        loose = document.parse_json(data, str(path))
    if not isinstance(loose, list):
        raise InputError("evaluate-not-results", path=str(path))
    return _readable(loose, _Result, "detections", found)


def _readable(items: Any, kind: type[Item], part: str, found: list[Finding]) -> list[Item]:
    good = []
    for row, item in enumerate(items):
        try:
            good.append(msgspec.convert(item, kind))
        except msgspec.ValidationError as error:
            found.append(_finding("score-damaged", part=part, row=row, reason=str(error)))
    return good


def _first_of_each(items: Sequence[Any], part: str, found: list[Finding]) -> dict[Id, Any]:
    """Items by id, in order; a second one of an id is left out."""
    kept: dict[Id, Any] = {}
    for item in items:
        if kept.setdefault(item.id, item) is not item:
            found.append(_finding("score-duplicate-id", part=part, id=item.id))
    return kept


def _without_repeats(annotations: list[_Annotation], found: list[Finding]) -> list[_Annotation]:
    """All but exact repeats: another box that only borrows an id is a truth of its own."""
    kept: dict[Id, _Annotation] = {}
    good = []
    for item in annotations:
        first = item if item.id is None else kept.setdefault(item.id, item)
        if first is not item:
            found.append(_finding("score-duplicate-id", part="annotations", id=item.id))
        if first is item or first != item:
            good.append(item)
    return good


def _usable(
    rows: Sequence[Any], part: str, pictures: dict[Id, int], classes: dict[Id, int], found: list[Finding]
) -> list[Any]:
    """The rows that can be scored; numbers that are none, sizes below 0, unknown pictures and classes are findings."""
    picture = np.array([pictures.get(r.image_id, _UNKNOWN) for r in rows], np.int64)
    class_id = np.array([classes.get(r.category_id, _UNKNOWN) for r in rows], np.int64)
    sound = _sound(rows)
    found += [
        _finding("score-bad-number", part=part, row=int(k), image_id=rows[k].image_id, numbers=_numbers(rows[k]))
        for k in np.flatnonzero(~sound)
    ]
    for rule, column, key in (
        ("score-unknown-picture", picture, "image_id"),
        ("score-unknown-class", class_id, "category_id"),
    ):
        strangers = Counter(getattr(rows[k], key) for k in np.flatnonzero(column == _UNKNOWN))
        found += [_finding(rule, part=part, id=id_, boxes=boxes) for id_, boxes in strangers.items()]
    return [rows[k] for k in np.flatnonzero(sound & (picture >= 0) & (class_id >= 0))]


def _sound(rows: Sequence[Any]) -> NDArray[np.bool_]:
    boxes = np.array([r.bbox for r in rows], np.float64).reshape(-1, 4)
    scores = np.array([getattr(r, "score", 0.0) for r in rows], np.float64)
    return np.isfinite(boxes).all(axis=1) & (boxes[:, 2:] >= 0).all(axis=1) & np.isfinite(scores)


def _numbers(row: Any) -> str:
    return ", ".join(f"{n:g}" for n in (*row.bbox, *([row.score] if isinstance(row, _Result) else [])))


def _columns(
    rows: Sequence[Any], pictures: dict[Id, int], classes: dict[Id, int]
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]:
    """Picture, class and corners, from COCO's corner and size."""
    boxes = np.array([r.bbox for r in rows], np.float64).reshape(-1, 4)
    boxes[:, 2:] += boxes[:, :2]
    picture = np.array([pictures[r.image_id] for r in rows], np.int64)
    return picture, np.array([classes[r.category_id] for r in rows], np.int64), boxes


def _finding(rule: str, **fields: Any) -> Finding:
    return Finding(rule, Severity.WARNING, fields=fields)


class CocoFiles:
    """Reads a COCO file and a COCO results file for scoring."""

    name = "coco"

    def read(self, truth: Path, detections: Path) -> tuple[BoxTable, BoxTable, list[Finding]]:
        """Truth and detections over its pictures and classes; bad entries become findings and the rest counts."""
        wanted, of_truth = read_truth(truth)
        found, of_detections = read_detections(detections, wanted)
        return wanted, found, [*of_truth, *of_detections]
