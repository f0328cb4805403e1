"""A checkpoint's stored detections are scored under both protocols, against the labels of its version."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from bench.checkpoints import store_run
from bench.scored import SIDE, Scene, scene, write_coco
from bridge.errors import InputError, NotFoundError
from bridge.loop import evaluate
from bridge.loop.files import score_files
from bridge.loop.intervals import compare
from bridge.loop.labels import merge
from bridge.model.difference import difference
from bridge.model.scores import Scores
from bridge.model.training import Checkpoint
from bridge.plugin import ScoreOptions
from bridge.settings import Settings
from bridge.store import projects, runs
from bridge.store.database import now
from bridge.workspace import Workspace, open_workspace


def small() -> Scene:
    """Thirty pictures; no box sticks out, which the store would clip and a COCO file would not."""
    made = scene(30, 3, 90, 400, seed=4)
    boxes = made.boxes.copy()
    boxes[:, 2:] = np.minimum(boxes[:, 2:], SIDE - boxes[:, :2])
    return replace(made, boxes=boxes)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Workspace, list[str]]]:
    folder = tmp_path_factory.mktemp("evaluate")
    checkpoints = store_run(folder / "data", small(), 3)
    ws = open_workspace(Settings(data=folder / "data"))
    yield ws, checkpoints
    ws.close()


def stored(ws: Workspace, checkpoint: str, protocol: str) -> Scores:
    with ws.db.read() as tx:
        return runs.scores(tx, runs.find_checkpoint(tx, checkpoint).run_id, protocol)[checkpoint]


def test_stored_detections_score_as_the_same_boxes_in_files(
    made: tuple[Workspace, list[str]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ws, checkpoints = made
    scene_ = small()
    # The second checkpoint lacks the first box of each picture, and all of the second picture.
    kept = [k for k, p in enumerate(scene_.seen_picture) if k and p == scene_.seen_picture[k - 1] and p != 1]
    seen = (scene_.seen_picture[kept], scene_.seen_class[kept], scene_.seen[kept], scene_.score[kept])
    files = tmp_path / "truth.json", tmp_path / "results.json"
    write_coco(*files, Scene(30, 3, scene_.picture, scene_.class_id, scene_.boxes, *seen))
    from_files, _ = score_files(Settings(data=tmp_path), *files, ("darknet", "coco"), ScoreOptions())
    told = evaluate.score(ws, checkpoints[1])
    for wanted in from_files:
        found = stored(ws, checkpoints[1], wanted.protocol)
        assert found.map == pytest.approx(wanted.map, abs=1e-12)
        assert found.stats == pytest.approx(wanted.stats, abs=1e-12)
        assert found.steps == pytest.approx(wanted.steps, abs=1e-12)
        assert [(c.truths, c.detections) for c in found.classes] == [(c.truths, c.detections) for c in wanted.classes]
    assert told == stored(ws, checkpoints[1], "darknet")
    assert (told.checkpoint_id, told.pictures, told.options["detector"]) == (checkpoints[1], 30, "bench")


def test_what_is_kept_says_why_the_protocols_differ(made: tuple[Workspace, list[str]]) -> None:
    ws, (checkpoint, *_) = made
    assert evaluate.score(ws, checkpoint[:12], ScoreOptions(0.6, 11)).checkpoint_id == checkpoint
    steps = difference(stored(ws, checkpoint, "darknet"), stored(ws, checkpoint, "coco"))
    assert len(steps) == 7
    assert steps[-1].mean == stored(ws, checkpoint, "coco").map


def test_rankings_of_one_run_can_be_compared(made: tuple[Workspace, list[str]]) -> None:
    ws, checkpoints = made
    one, other = (evaluate.rank(ws, checkpoint) for checkpoint in checkpoints[:2])
    gained = compare(one, other, resamples=50).gained.value
    assert gained == pytest.approx(evaluate.score(ws, checkpoints[0]).map - evaluate.score(ws, checkpoints[1]).map)


def test_a_merge_of_labels_does_not_change_what_a_version_held(made: tuple[Workspace, list[str]]) -> None:
    ws, (checkpoint, *_) = made
    before = evaluate.score(ws, checkpoint)
    with ws.db.read() as tx:
        (project,) = projects.listing(tx)
    merge(ws, project.id, "class 2", "class 1", "愛子")
    assert evaluate.score(ws, checkpoint) == before


def test_without_detections_there_is_no_score(made: tuple[Workspace, list[str]]) -> None:
    ws, checkpoints = made
    with ws.db.write() as tx:
        run_id = runs.find_checkpoint(tx, checkpoints[0]).run_id
        runs.put_checkpoint(tx, Checkpoint("ba4e" * 4, run_id, 9, "last", "f" * 64, 1000, now()))
    for act in (evaluate.score, evaluate.rank):
        with pytest.raises(NotFoundError, match="detections-missing"):
            act(ws, "ba4e" * 4)


def test_points_that_make_no_curve_are_refused(made: tuple[Workspace, list[str]]) -> None:
    with pytest.raises(InputError, match="evaluate-points"):
        evaluate.rank(made[0], made[1][0], ScoreOptions(points=1))
