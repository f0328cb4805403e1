"""COCO's twelve numbers, computed by hotcoco and equal to pycocotools'."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from bridge.model.scores import ClassScore, Scores
from bridge.plugin import BoxTable, ScoreOptions
from plugins.evaluators.tables import require_alike

# In the order in which pycocotools gives them.
_PRECISION = ("AP", "AP50", "AP75", "APsmall", "APmedium", "APlarge")
_RECALL = ("AR1", "AR10", "AR100", "ARsmall", "ARmedium", "ARlarge")
# Detections that count: the best of each class in each picture.
_LIMIT = 100


class CocoProtocol:
    """AP over overlaps .50 to .95 at 101 recalls, at most 100 detections of a class in a picture; -1 without truth.

    The options' iou, points and threshold do not count: the protocol has its own.
    """

    name = "coco"

    def score(self, truth: BoxTable, detections: BoxTable, options: ScoreOptions) -> Scores:
        """All stats, AP a class and overall; raises InputError when the tables do not belong together."""
        import hotcoco

        numbers = require_alike(truth, detections)
        usable = np.isfinite(numbers)
        detections = detections if usable.all() else _only(detections, usable)
        known = _known(truth, truth.crowd)
        found = known.load_res(_rows(detections))
        run = hotcoco.COCOeval(known, found, "bbox")
        run.evaluate()
        run.accumulate()
        run.summary_lines()  # Computes the stats as summarize does, which would also print them.
        stats = dict(zip((*_PRECISION, *_RECALL), (float(value) for value in run.stats), strict=True))
        said = {
            "iou": "0.50:0.95",
            "points": 101,
            "detections_per_picture": _LIMIT,
            "ignored_detections": int(np.count_nonzero(~usable)),
            "crowds": 0 if truth.crowd is None else int(np.count_nonzero(truth.crowd)),
            "beyond_limit": _beyond_limit(detections),
            "hotcoco": hotcoco.__version__,
        }
        classes = _classes(truth, detections, (run.eval or {})["precision"])
        steps = _towards_darknet(truth, detections, said, stats)
        return Scores(self.name, stats["AP"], classes, said, stats, pictures=len(truth.pictures), steps=steps)


def _known(truth: BoxTable, crowd: NDArray[np.bool_] | None) -> Any:
    from hotcoco import COCO

    boxes = np.concatenate((truth.corners[:, :2], _sizes(truth)), axis=1)
    return COCO.from_arrays(
        [{"id": k, "file_name": name, "width": 0, "height": 0} for k, name in enumerate(truth.pictures, 1)],
        [{"id": k, "name": name} for k, name in enumerate(truth.classes, 1)],
        truth.picture + 1,
        truth.class_id + 1,
        boxes,
        area=boxes[:, 2] * boxes[:, 3] if truth.area is None else truth.area,
        iscrowd=np.zeros(len(boxes), np.int64) if crowd is None else crowd.astype(np.int64),
    )


def _rows(detections: BoxTable) -> NDArray[np.float64]:
    """Detections as pycocotools takes them in an array: picture, box, score, class."""
    rows = np.empty((len(detections.picture), 7))
    rows[:, 0] = detections.picture + 1
    rows[:, 1:3], rows[:, 3:5] = detections.corners[:, :2], _sizes(detections)
    rows[:, 5] = detections.score
    rows[:, 6] = detections.class_id + 1
    return rows


def _sizes(table: BoxTable) -> NDArray[np.float64]:
    """Widths and heights. One between corners went through a sum; nine digits give back the decimal number it was.

    Otherwise an overlap of exactly one half could fall to the other side of the threshold than in pycocotools.
    """
    return np.round(table.corners[:, 2:] - table.corners[:, :2], 9) if table.sizes is None else table.sizes


def _only(table: BoxTable, rows: NDArray[np.bool_]) -> BoxTable:
    assert table.score is not None
    sizes = None if table.sizes is None else table.sizes[rows]
    columns = (table.picture[rows], table.class_id[rows], table.corners[rows], table.score[rows])
    return BoxTable(table.pictures, table.classes, *columns, sizes=sizes)


def _beyond_limit(detections: BoxTable) -> int:
    """How many detections do not count, since a hundred better ones of their class are in the picture."""
    by_picture = np.bincount(detections.picture, minlength=1)
    full = by_picture[detections.picture] > _LIMIT  # Mostly none is, and then there is nothing to sort.
    key = detections.picture[full] * len(detections.classes) + detections.class_id[full]
    each = np.unique(key, return_counts=True)[1]
    return int(np.maximum(each - _LIMIT, 0).sum())


def _classes(truth: BoxTable, detections: BoxTable, precision: NDArray[np.float64]) -> tuple[ClassScore, ...]:
    """AP of each class: the mean of precision[overlap, recall, class, all areas, 100 detections]."""
    own = precision[:, :, :, 0, -1].reshape(-1, len(truth.classes)) if truth.classes else precision
    truths = np.bincount(truth.class_id, minlength=len(truth.classes))
    found = np.bincount(detections.class_id, minlength=len(truth.classes))
    return tuple(
        ClassScore(k, name, float(own[:, k].mean()) if own[0, k] > -1 else -1.0, int(truths[k]), int(found[k]))
        for k, name in enumerate(truth.classes)
    )


def _towards_darknet(
    truth: BoxTable, detections: BoxTable, said: dict[str, Any], stats: dict[str, float]
) -> dict[str, float]:
    """AP at overlap .5 with crowds as objects and no limit; with crowds set aside; with the limit; and AP itself."""
    if stats["AP"] < 0:
        return {}
    apart = _ap50(_known(truth, truth.crowd), detections) if said["beyond_limit"] else stats["AP50"]
    match = _ap50(_known(truth, None), detections) if said["crowds"] else apart
    return {"match": match, "crowd": apart, "limit": stats["AP50"], "average": stats["AP"]}


def _ap50(known: Any, detections: BoxTable) -> float:
    """AP at overlap .5, however many detections there are."""
    from hotcoco import COCOeval

    run = COCOeval(known, known.load_res(_rows(detections)), "bbox")
    run.params.iou_thrs = [0.5]
    run.params.max_dets = [max(len(detections.picture), 1)]
    run.params.area_rng, run.params.area_rng_lbl = [[0, 1e10]], ["all"]
    run.evaluate()
    run.accumulate()
    own = (run.eval or {})["precision"].reshape(len(run.params.rec_thrs), -1)
    return float(own[:, own[0] > -1].mean()) if (own[0] > -1).any() else -1.0
