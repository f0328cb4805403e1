"""Truth and detections to measure scoring on, as a detector on many pictures gives them; the same at every run."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

SIDE = 640
# Of four detections one lies about an object; the others are the weak ones that a threshold of 0.005 lets through.
_ABOUT = 4


@dataclass(frozen=True, slots=True)
class Scene:
    """Boxes as corner and size, with picture and class of each, and detections with their scores."""

    pictures: int
    classes: int
    picture: NDArray[np.int64]
    class_id: NDArray[np.int64]
    boxes: NDArray[np.float64]
    seen_picture: NDArray[np.int64]
    seen_class: NDArray[np.int64]
    seen: NDArray[np.float64]
    score: NDArray[np.float64]


def scene(pictures: int, classes: int, truths: int, detections: int, seed: int = 0) -> Scene:
    """Objects anywhere, one detection in four about one of them, mostly of its class; pictures in order."""
    dice = np.random.default_rng(seed)
    picture, class_id, boxes = (
        dice.integers(0, pictures, truths),
        dice.integers(0, classes, truths),
        _boxes(dice, truths),
    )
    about = dice.integers(0, truths, detections // _ABOUT)
    others = detections - len(about)
    near = boxes[about] + dice.normal(0, 0.1, (len(about), 4)) * np.tile(boxes[about, 2:], 2)
    near[:, 2:] = np.maximum(near[:, 2:], 1)
    right = dice.random(len(about)) < 0.9
    near_class = np.where(right, class_id[about], dice.integers(0, classes, len(about)))
    seen_picture = np.concatenate((picture[about], dice.integers(0, pictures, others)))
    order = np.argsort(seen_picture, kind="stable")
    return Scene(
        pictures,
        classes,
        picture,
        class_id,
        boxes,
        seen_picture[order],
        np.concatenate((near_class, dice.integers(0, classes, others)))[order],
        np.round(np.concatenate((near, _boxes(dice, others)))[order], 3),
        np.round(np.concatenate((dice.beta(3, 2, len(about)), 0.005 + 0.5 * dice.beta(1, 8, others)))[order], 6),
    )


def _boxes(dice: np.random.Generator, count: int) -> NDArray[np.float64]:
    corners, sizes = dice.uniform(0, 500, (count, 2)), np.exp(dice.normal(4, 0.7, (count, 2)))
    boxes: NDArray[np.float64] = np.round(np.concatenate((corners, sizes), axis=1), 2)
    return boxes


def write_coco(truth: Path, results: Path, made: Scene) -> None:
    """The scene as a COCO file and a results file."""
    truth.parent.mkdir(parents=True, exist_ok=True)
    rows = zip(made.picture.tolist(), made.class_id.tolist(), made.boxes.tolist(), strict=True)
    annotations = [
        {"id": n, "image_id": p + 1, "category_id": c + 1, "bbox": box, "area": box[2] * box[3], "iscrowd": 0}
        for n, (p, c, box) in enumerate(rows, 1)
    ]
    names = range(1, made.pictures + 1)
    images = [{"id": n, "file_name": f"{n:06d}.jpg", "width": SIDE, "height": SIDE} for n in names]
    categories = [{"id": n, "name": f"class {n}"} for n in range(1, made.classes + 1)]
    truth.write_text(json.dumps({"images": images, "categories": categories, "annotations": annotations}))
    columns = (made.seen_picture, made.seen_class, made.seen, made.score)
    found = zip(*(column.tolist() for column in columns), strict=True)
    results.write_text(
        json.dumps([{"image_id": p + 1, "category_id": c + 1, "bbox": box, "score": s} for p, c, box, s in found])
    )


if __name__ == "__main__":  # In a process of its own: what it needs must not count as memory of what is measured.
    write_coco(Path(sys.argv[1]), Path(sys.argv[2]), scene(*map(int, sys.argv[3:])))
