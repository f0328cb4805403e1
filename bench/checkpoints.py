"""A run with many checkpoints whose detections are stored, scored one after the other in a process of its own."""

from __future__ import annotations

import sys
from pathlib import Path

import msgspec

from bench.measure import Taken, run
from bench.scored import SIDE, Scene, scene
from bridge.loop.cut import CutOptions, cut
from bridge.loop.evaluate import Detections, PictureBoxes
from bridge.loop.intake import take
from bridge.model.annotation import Box, Document, Image, Region
from bridge.model.dataset import DatasetVersion, Reading
from bridge.model.training import Checkpoint, Recipe, Run
from bridge.settings import Settings
from bridge.store import jobs, projects, runs
from bridge.store.database import now
from bridge.workspace import Workspace, open_workspace

_SCORE = """
import sys
from pathlib import Path
from bridge.loop.evaluate import score
from bridge.settings import Settings
from bridge.workspace import open_workspace
ws = open_workspace(Settings(data=Path(sys.argv[1])))
for checkpoint in sys.argv[2:]:
    score(ws, checkpoint)
ws.close()
"""


def scored_run(folder: Path, count: int, *sizes: int) -> Taken:
    """Score so many checkpoints, each from a blob of its own; sizes are those of a scene."""
    words = [sys.executable, "-m", "bench.checkpoints", str(folder), *map(str, (count, *sizes))]
    checkpoints = run(words).output.split()
    return run([sys.executable, "-c", _SCORE, folder, *checkpoints])


def store_run(folder: Path, made: Scene, count: int) -> list[str]:
    """A project, its version and a run with so many checkpoints in a new data folder; gives the checkpoints."""
    ws = open_workspace(Settings(data=folder), create=True)
    version, ids = _project(ws, made)
    checkpoints = _stored(ws, version, made, ids, count)
    ws.close()
    return checkpoints


def _project(ws: Workspace, made: Scene) -> tuple[DatasetVersion, list[int]]:
    """A version with all pictures in the held-out part, and their ids in order."""
    names = tuple(f"class {n}" for n in range(1, made.classes + 1))
    regions: list[list[Region]] = [[] for _ in range(made.pictures)]
    for p, c, (x, y, w, h) in zip(made.picture.tolist(), made.class_id.tolist(), made.boxes.tolist(), strict=True):
        regions[p].append(Region.rectangle(Box(x, y, min(x + w, SIDE), min(y + h, SIDE)), names[c]))
    regions.append([Region.rectangle(Box(1, 1, 9, 9), names[0])])  # One to train on.
    documents = [Document(Image(f"{n:06d}.jpg", SIDE, SIDE, f"{n:064x}"), tuple(own)) for n, own in enumerate(regions)]
    with ws.db.write() as tx:
        project = projects.create(tx, "bench")
        source = projects.put_source(tx, project.id, "coco:bench", "import", "bench")
    take(ws, project, source, Reading(names, documents, len(documents)), "bench")
    held_out = frozenset(document.image.name for document in documents[:-1])
    version = cut(ws, project.id, CutOptions(held_out=held_out)).version
    ids = {member.name: member.image_id for member in version.members}
    return version, [ids[document.image.name] for document in documents[:-1]]


def _stored(ws: Workspace, version: DatasetVersion, made: Scene, ids: list[int], count: int) -> list[str]:
    found: list[list[tuple[int, float, float, float, float, float]]] = [[] for _ in ids]
    columns = (made.seen_picture, made.seen_class, made.score, made.seen)
    for p, c, s, (x, y, w, h) in zip(*(column.tolist() for column in columns), strict=True):
        found[p].append((c, s, x, y, x + w, y + h))
    recipe = Recipe("darknet", "[net]\nwidth=416\n", 416, 416, 64, 16, 200, version.labels)
    run_id, checkpoints = jobs.new_id(), [jobs.new_id() for _ in range(count)]
    with ws.db.write() as tx:
        job = jobs.put(tx, "train", "train", {"run": run_id}, version.project, f"train:{run_id}")
        runs.put(tx, Run(run_id, version.project, version.id, recipe, job, now()))
    for n, checkpoint in enumerate(checkpoints):
        # Each a little other than the one before, so that no two are the same blob.
        pictures = [PictureBoxes(id_, boxes[n % 2 :]) for id_, boxes in zip(ids, found, strict=True)]
        pictures[n].boxes = []
        blob = ws.blobs.put(msgspec.json.encode(Detections(pictures)))
        with ws.db.write() as tx:
            runs.put_checkpoint(tx, Checkpoint(checkpoint, run_id, n + 1, "numbered", f"{n:064x}", 1000, now()))
            runs.put_detections(tx, checkpoint, blob, {"detector": "bench"})
    return checkpoints


if __name__ == "__main__":
    print(*store_run(Path(sys.argv[1]), scene(*map(int, sys.argv[3:])), int(sys.argv[2])))
