"""What pycocotools itself says of two files."""

from __future__ import annotations

import contextlib
import io
from pathlib import Path


def pycocotools(truth: Path, detections: Path) -> tuple[list[float], list[float]]:
    """The twelve numbers, and AP of each class in the order of the ids."""
    from pycocotools.coco import COCO
    from pycocotools.cocoeval import COCOeval

    with contextlib.redirect_stdout(io.StringIO()):
        known = COCO(str(truth))
        run = COCOeval(known, known.loadRes(str(detections)), "bbox")
        run.evaluate()
        run.accumulate()
        run.summarize()
    each = run.eval["precision"][:, :, :, 0, -1]
    classes = [float(each[:, :, k].mean()) if each[0, 0, k] > -1 else -1.0 for k in range(each.shape[2])]
    return [float(value) for value in run.stats], classes
