"""A real network looks at real pictures, and what it finds arrives at the bridge."""

from __future__ import annotations

import struct
from dataclasses import dataclass, replace
from typing import Any

import pytest

from bridge.loop import evaluate, work
from bridge.model.job import Job, JobState
from bridge.model.work import End, NewCheckpoint
from bridge.store import datasets, images, jobs, predictions, projects, runs
from tests.serving import PROJECT
from tests.workers.conftest import Bench, floats_of
from workers import detection


@dataclass(frozen=True)
class Scoring:
    """A checkpoint of the bench's run and the job that scores it."""

    checkpoint: str
    job: str


@pytest.fixture
def scoring(bench: Bench) -> Scoring:
    header = struct.pack("<iiiQ", 0, 2, 0, 80)
    # Small weights: every cell finds something, none of it sure.
    blob = bench.ws.blobs.put(header + struct.pack("<f", 0.01) * floats_of(bench.run.recipe) + b"")
    grant = bench.grant()
    kept, _ = work.checkpoint(bench.ws, bench.run.job_id, NewCheckpoint(grant.number, blob, 10, "numbered", 1))
    work.finish(bench.ws, bench.run.job_id, End(grant.number, "done"))
    with bench.ws.db.read() as tx:
        (job,) = [j.id for j in jobs.listing(tx) if j.kind == "detect" and j.payload["checkpoint"] == kept.id]
    return Scoring(kept.id, job)


def at(bench: Bench) -> Any:
    return replace(bench.station, role="detect")


def job_of(bench: Bench, job_id: str) -> Job:
    with bench.ws.db.read() as tx:
        return jobs.find(tx, job_id)


def never() -> bool:
    return False


def test_the_held_out_part_is_looked_at(bench: Bench, scoring: Scoring) -> None:
    detection.detect(at(bench), scoring.job, never)
    job = job_of(bench, scoring.job)
    assert (job.state, job.failure) == (JobState.DONE, None)
    with bench.ws.db.read() as tx:
        kept = runs.detections(tx, scoring.checkpoint)
        held_out = {m.image_id for m in datasets.find(tx, bench.run.version).part("valid")}
        due = [j for j in jobs.listing(tx) if j.kind == "evaluate" and j.payload["checkpoint"] == scoring.checkpoint]
    assert kept is not None
    found = evaluate.load_detections(bench.ws, kept[0])
    assert set(found) == held_out
    assert any(found.values())
    assert kept[1]["detector"] == "onnx"
    assert kept[1]["epsilon"] == "alexeyab"
    assert len(due) == 1
    scores = evaluate.score(bench.ws, scoring.checkpoint)
    assert scores.checkpoint_id == scoring.checkpoint
    assert scores.pictures == len(held_out)


def test_sets_larger_than_one_part_arrive_whole(
    bench: Bench, scoring: Scoring, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(detection, "_PICTURES_AT_ONCE", 1)
    detection.detect(at(bench), scoring.job, never)
    with bench.ws.db.read() as tx:
        kept = runs.detections(tx, scoring.checkpoint)
    assert kept is not None
    assert len(evaluate.load_detections(bench.ws, kept[0])) == 2


def test_chosen_pictures_get_boxes_for_annotators(bench: Bench, scoring: Scoring) -> None:
    with bench.ws.db.write() as tx:
        project = projects.find(tx, PROJECT)
        chosen = list(images.known_images(tx, project.id).values())[1]
        payload = {"checkpoint": scoring.checkpoint, "images": [chosen.id]}
        job = jobs.put(tx, "predict", "detect", payload, project.id)
    detection.detect(at(bench), job, never)
    assert job_of(bench, job).state is JobState.DONE
    with bench.ws.db.read() as tx:
        made = predictions.of_checkpoint(tx, scoring.checkpoint, project.labels)
    assert set(made) == {chosen.id}
    for region in next(iter(made.values())).regions:
        assert region.box is not None
        assert 0 <= region.box.left < region.box.right <= chosen.width
        assert region.score is not None
        assert region.score >= 0.25


def test_weights_of_another_network_are_refused_by_name(bench: Bench, scoring: Scoring) -> None:
    with bench.ws.db.write() as tx:
        blob = bench.ws.blobs.put(b"\x00\x00\x00\x00\x02\x00\x00\x00" + b"\x00" * 112)
        grant = jobs.find(tx, bench.run.job_id)
        from bridge.model.training import Checkpoint

        wrong, _ = runs.put_checkpoint(tx, Checkpoint("wrong" + grant.id, bench.run.id, 99, "last", blob, 1))
        job = jobs.put(tx, "detect", "detect", {"checkpoint": wrong.id}, bench.run.project)
    detection.detect(at(bench), job, never)
    found = job_of(bench, job)
    assert found.state is JobState.FAILED
    assert found.failure is not None
    assert found.failure["rule"].startswith("weights-")


def test_a_worker_that_is_to_end_gives_the_pictures_back(bench: Bench, scoring: Scoring) -> None:
    detection.detect(at(bench), scoring.job, lambda: True)
    assert job_of(bench, scoring.job).state is JobState.QUEUED
