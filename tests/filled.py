"""A project with something of everything, for pages, API and stories."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

from bridge import picture as pictures
from bridge.loop.check import check
from bridge.loop.cut import CutOptions, cut
from bridge.loop.intake import take
from bridge.model.annotation import Box, Document, Region
from bridge.model.annotation import Image as Picture
from bridge.model.dataset import Reading
from bridge.model.delivery import DeliveryState
from bridge.model.job import Gpu, JobState, Node
from bridge.model.prediction import Prediction
from bridge.model.scores import ClassScore, Scores
from bridge.model.training import Checkpoint, Failure, Recipe, Run, RunEvent
from bridge.store import deliveries, images, jobs, nodes, predictions, projects, runs
from bridge.store.database import now
from bridge.workspace import Workspace

NAME = "浴衣と水着 <2026>"


@dataclass(frozen=True)
class Filled:
    """Ids of what there is."""

    ws: Workspace
    project: str
    images: dict[str, int]
    version: str
    done: str
    failed: str
    checkpoint: str
    delivery: int


def fill(ws: Workspace, folder: Path) -> Filled:
    """Four pictures (one empty, one not looked at, one faulty), a version, two runs, a node, a waiting import."""
    with ws.db.write() as tx:
        project = projects.create(tx, NAME)
        source = projects.put_source(tx, project.id, "vott-v1:/撮影/a.json", "import", "/撮影/a.json")
    shapes = {
        "浴衣 (1).jpg": (Region.rectangle(Box(4, 4, 30, 30), "浴衣"), Region.rectangle(Box(10, 8, 50, 40), "水着")),
        "はみ出し.jpg": (
            Region.rectangle(Box(40, 20, 70, 40), "水着"),
            Region("polygon", ((1, 1), (20, 1), (9, 30)), ("浴衣",)),
        ),
        "空.jpg": (),
        "未確認.jpg": None,
    }
    documents = []
    for name, regions in shapes.items():
        path = _drawn(folder / name)
        image = Picture(name, 64, 48, pictures.sha256(path), file=pictures.stamp(path))
        documents.append(Document(image, regions))
    take(ws, project, source, Reading(("浴衣", "水着"), documents, len(documents)), "愛子")
    check(ws, project.id)
    version = cut(ws, project.id, CutOptions(0.5))
    done, checkpoint = _run(ws, project.id, version.version.id, JobState.DONE)
    failed, _ = _run(ws, project.id, version.version.id, JobState.FAILED)
    with ws.db.write() as tx:
        ids = {image.name: image.id or 0 for image in images.page(tx, project.id).images}
        guess = Region.rectangle(Box(5, 5, 31, 29), "浴衣", score=0.87, author=f"checkpoint:{checkpoint}")
        labels = projects.labels(tx, project.id)
        predictions.put(tx, [Prediction(ids["浴衣 (1).jpg"], "浴衣 (1).jpg", checkpoint, (guess,))], labels)
        gpu = Gpu(0, "RTX", None, 24564)
        engine = {"engine": "darknet", "fork": "hank", "version": "5.0", "binary": "/usr/bin/darknet"}
        nodes.put(tx, Node("検査室", (gpu,), engine, 10**12, ("train", "detect"), False, time.time()))
        body = {"project": NAME, "path": "/撮影/b.json", "format": "auto", "refusal": {"rule": "x", "fields": {}}}
        waiting, _ = deliveries.put(tx, "in", "import", None, "import:1", body, DeliveryState.WAITING)
    return Filled(ws, project.id, ids, version.version.id, done, failed, checkpoint, waiting)


def _drawn(path: Path) -> Path:
    """A picture of its own for each name, so that none is taken for a copy of another."""
    import numpy as np
    from PIL import Image

    path.parent.mkdir(parents=True, exist_ok=True)
    noise = np.random.default_rng(list(path.name.encode())).integers(0, 255, (6, 8, 3), dtype=np.uint8)
    Image.fromarray(noise).resize((64, 48)).save(path)
    return path


def _run(ws: Workspace, project: str, version: str, end: JobState) -> tuple[str, str]:
    recipe = Recipe("darknet", "[net]\nwidth=416\n", 416, 416, 64, 16, 200, ("浴衣", "水着"))
    run_id, checkpoint = jobs.new_id(), jobs.new_id()
    failure = Failure(
        "out-of-memory", "cause-out-of-memory", "action-out-of-memory", {"detail": "CUDA Error"}, ("out of <memory>",)
    )
    events = [
        RunEvent("iteration", {"iteration": n, "loss": 900 / n, "avg_loss": 1000 / n, "seconds": 1.5}, n, float(n))
        for n in range(1, 101)
    ]
    with ws.db.write() as tx:
        job = jobs.put(tx, "train", "train", {"run": run_id}, project, f"train:{run_id}")
        runs.put(tx, Run(run_id, project, version, recipe, job, now()))
        runs.add_events(tx, run_id, [*events, RunEvent("message", {"text": "保存しました"}, 101, 101.0)])
        runs.change(tx, run_id, iteration=100, node="検査室", started=now(), ended=now())
        runs.put_checkpoint(tx, Checkpoint(checkpoint, run_id, 100, "numbered", checkpoint * 4, 1000, now()))
        classes = (ClassScore(0, "浴衣", 0.9, 1, 2), ClassScore(1, "水着", 0.7, 1, 1))
        runs.put_scores(tx, Scores("darknet", 0.8, classes, {"iou": 0.5, "points": 0}, {}, checkpoint, 1))
        jobs.lease(tx, job, "検査室/train", time.time(), 60)
        told = {
            "kind": failure.kind,
            "cause": failure.cause,
            "action": failure.action,
            "fields": failure.fields,
            "tail": list(failure.tail),
        }
        jobs.finish(tx, job, 1, end, told if end is JobState.FAILED else None)
    return run_id, checkpoint
