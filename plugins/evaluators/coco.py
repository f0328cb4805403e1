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


class CocoProtocol:
    """AP over overlaps .50 to .95 at 101 recalls, at most 100 detections a picture; -1 where there is no truth.

    The options' iou and points do not count: the protocol has its own.
    """

    name = "coco"

    def score(self, truth: BoxTable, detections: BoxTable, options: ScoreOptions) -> Scores:
        """All stats, AP a class and overall; raises InputError when the tables do not belong together."""
        import hotcoco

        numbers = require_alike(truth, detections)
        usable = np.isfinite(numbers)
        run = hotcoco.COCOeval(*_datasets(truth, detections, numbers, usable), "bbox")
        run.evaluate()
        run.accumulate()
        run.summary_lines()  # Computes the stats as summarize does, which would also print them.
        stats = dict(zip((*_PRECISION, *_RECALL), (float(value) for value in run.stats), strict=True))
        said = {
            "iou": "0.50:0.95",
            "points": 101,
            "detections_per_picture": 100,
            "ignored_detections": int(np.count_nonzero(~usable)),
            "hotcoco": hotcoco.__version__,
        }
        classes = _classes(truth, detections, (run.eval or {})["precision"])
        return Scores(self.name, stats["AP"], classes, said, stats, pictures=len(truth.pictures))


def _datasets(
    truth: BoxTable, detections: BoxTable, score: NDArray[np.float64], usable: NDArray[np.bool_]
) -> tuple[Any, Any]:
    from hotcoco import COCO

    images = [{"id": k, "file_name": name, "width": 0, "height": 0} for k, name in enumerate(truth.pictures, 1)]
    categories = [{"id": k, "name": name} for k, name in enumerate(truth.classes, 1)]
    boxes = _sizes(truth.corners)
    known = COCO.from_arrays(
        images,
        categories,
        truth.picture + 1,
        truth.class_id + 1,
        boxes,
        area=boxes[:, 2] * boxes[:, 3] if truth.area is None else truth.area,
        iscrowd=np.zeros(len(boxes), np.int64) if truth.crowd is None else truth.crowd.astype(np.int64),
    )
    columns = (detections.picture + 1, _sizes(detections.corners), score, detections.class_id + 1)
    return known, known.load_res(np.column_stack(columns)[usable])


def _sizes(corners: NDArray[np.float64]) -> NDArray[np.float64]:
    """Corner and size. The size went through a sum; nine digits give back the decimal number a file held.

    Otherwise an overlap of exactly one half could fall to the other side of the threshold than in pycocotools.
    """
    return np.concatenate((corners[:, :2], np.round(corners[:, 2:] - corners[:, :2], 9)), axis=1)


def _classes(truth: BoxTable, detections: BoxTable, precision: NDArray[np.float64]) -> tuple[ClassScore, ...]:
    """AP of each class: the mean of precision[overlap, recall, class, all areas, 100 detections]."""
    own = precision[:, :, :, 0, -1].reshape(-1, len(truth.classes)) if truth.classes else precision
    truths = np.bincount(truth.class_id, minlength=len(truth.classes))
    found = np.bincount(detections.class_id, minlength=len(truth.classes))
    return tuple(
        ClassScore(k, name, float(own[:, k].mean()) if own[0, k] > -1 else -1.0, int(truths[k]), int(found[k]))
        for k, name in enumerate(truth.classes)
    )
