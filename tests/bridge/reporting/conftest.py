"""A report as a real run gives it: darknet on 300 drawings of hardware, nine checkpoints, one class rare."""

from __future__ import annotations

import io
import math
import random

import pytest
from PIL import Image as Pillow
from PIL import ImageDraw

from bridge.model.annotation import Box, Region
from bridge.model.report import CheckpointRow, Example, Report
from bridge.model.scores import ClassScore, Scores

CLASSES = ("ワッシャー", "六角ナット M8", "bolt", "gear <rare> & small")
TRUTHS = (112, 104, 75, 21)
# AP in percent of the four classes at iteration 100, 200, …, as Debian's darknet reached them.
COURSE = (
    (0, 0, 0, 0), (20, 10, 8, 10), (49, 39, 6, 2), (67, 54, 25, 12), (50, 52, 16, 14), (81, 65, 28, 35),
    (84, 73, 40, 38), (86.4, 76.2, 46.1, 49.9), (86.1, 75.3, 45.8, 50.6),
)  # fmt: skip
OPTIONS = {
    "iou": 0.5, "points": 0, "classes_without_truth": [], "ignored_detections": 0, "detector": "onnx",
    "onnxruntime": "1.32.0", "resize": "darknet", "letterbox": False, "threshold": 0.005, "nms": 0.45,
    "nms_kind": "default", "max_per_class": None, "epsilon": "pjreddie",
}  # fmt: skip


def scores(percents: tuple[float, ...], checkpoint: str) -> Scores:
    classes = tuple(ClassScore(i, name, percents[i] / 100, TRUTHS[i], 3 * TRUTHS[i]) for i, name in enumerate(CLASSES))
    mean = sum(percents) / 400
    steps = {"no-truth": mean, "points": mean * 0.99, "overlap": mean * 0.99}
    return Scores("darknet", mean, classes, OPTIONS, checkpoint_id=checkpoint, pictures=80, steps=steps)


def coco(percents: tuple[float, ...], checkpoint: str) -> Scores:
    beside = scores(percents, checkpoint)
    ap50 = beside.map * 0.992
    stats = {"AP": ap50 * 0.55, "AP50": ap50}
    steps = {"match": ap50, "crowd": ap50, "limit": ap50, "average": stats["AP"]}
    options = {"iou": "0.50:0.95", "points": 101, "detections_per_picture": 100, "crowds": 0, "beyond_limit": 0}
    return Scores("coco", stats["AP"], beside.classes, options, stats, checkpoint, 80, steps)


def losses(last: int = 900) -> tuple[tuple[int, float, float], ...]:
    rng = random.Random(7)
    average, found = 300.0, []
    for iteration in range(1, last + 1):
        loss = (2.8 + 300 * math.exp(-iteration / 24) + 9 * math.exp(-iteration / 260)) * rng.uniform(0.6, 1.5)
        average = average * 0.9 + loss * 0.1
        found.append((iteration, loss, average))
    return tuple(found)


def jpeg(seed: int, boxes: list[Box]) -> bytes:
    rng = random.Random(seed)
    tone = rng.choice([(96, 104, 110), (150, 132, 108), (70, 84, 78)])
    image = Pillow.new("RGB", (320, 240), tone)
    draw = ImageDraw.Draw(image)
    for y in range(0, 240, rng.choice([24, 40])):
        draw.line([(0, y), (320, y + 6)], fill=tuple(c - 12 for c in tone), width=2)
    for box in boxes:
        draw.ellipse([box.left, box.top, box.right, box.bottom], fill=(188, 190, 194), outline=(60, 62, 66), width=2)
        cx, cy, r = (box.left + box.right) / 2, (box.top + box.bottom) / 2, box.width / 4
        draw.ellipse([cx - r, cy - r, cx + r, cy + r], fill=tone, outline=(60, 62, 66))
    out = io.BytesIO()
    image.save(out, "JPEG", quality=85)
    return out.getvalue()


def example(seed: int) -> Example:
    rng = random.Random(seed)
    boxes = [
        Box(x + rng.uniform(0, 20), y + rng.uniform(0, 20), x + rng.uniform(70, 90), y + rng.uniform(70, 90))
        for x, y in rng.sample([(8, 10), (115, 4), (222, 12), (12, 135), (120, 130), (225, 138)], 4)
    ]
    names = [rng.choice(CLASSES) for _ in boxes]
    truth = tuple(Region.rectangle(box, name) for box, name in zip(boxes, names, strict=True))
    found = [
        Region.rectangle(
            Box(b.left + rng.uniform(-5, 5), b.top + rng.uniform(-5, 5), b.right + rng.uniform(-5, 5), b.bottom),
            name,
            author="checkpoint:8",
            score=rng.uniform(0.4, 0.98),
        )
        for b, name in list(zip(boxes, names, strict=True))[seed % 2 :]
    ]
    found += [Region.rectangle(Box(5, 5, 300, 230), "bolt", author="checkpoint:8", score=0.06)]
    if seed % 3 == 0:
        found += [Region.rectangle(Box(130, 90, 190, 150), "bolt", author="checkpoint:8", score=0.31)]
    return Example(f"作業台/写真_{seed:03d}.jpg", 320, 240, jpeg(seed, boxes), truth, tuple(found))


@pytest.fixture(scope="session")
def report() -> Report:
    checkpoints = tuple(
        CheckpointRow(
            f"{(i + 1) * 7919:012x}",
            100 * (i + 1),
            "final" if i == 8 else "numbered",
            scores(row, f"{i}"),
            coco(row, f"{i}"),
        )
        for i, row in enumerate(COURSE)
    )
    return Report(
        project="作業台の金具 hardware",
        run_id="r-2f1c9a",
        created="2026-08-14T09:12:44+00:00",
        classes=CLASSES,
        objects=dict(zip(CLASSES, zip((390, 341, 322, 61), TRUTHS, strict=True), strict=True)),
        pictures=(300, 80),
        losses=losses(),
        checkpoints=checkpoints,
        best=checkpoints[7].checkpoint_id,
        examples=tuple(example(seed) for seed in range(6)),
        findings={"outside": 14, "tiny": 3, "unreviewed": 1, "duplicate-box": 2, "my-own-rule": 5},
        facts={
            "dataset_version": "9c1f5be07d8a4e22b1c6a0f3d7e94411a2b3c4d5e6f708192a3b4c5d6e7f8091",
            "seed": 0,
            "fraction": 0.79,
            "engine": "darknet",
            "fork": "pjreddie",
            "engine_version": "0.0.0+git20180914",
            "cfg_hash": "77aa10" * 10 + "beef",
            "network": "128x96",
            "batch": 8,
            "subdivisions": 1,
            "max_batches": 900,
            "gpus": [],
            "node": "bench-01",
            "start_weights": None,
            "started": "2026-08-14T08:58:03+00:00",
            "ended": "2026-08-14T09:00:12+00:00",
            "seconds": 129.4,
            "labelbridge": "0.1.0",
            "camera": {"lens": "50 mm", "light": "north"},
        },
    )
