"""What nodes tell the bridge: who holds a job, what is kept of it, and what becomes due by it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from bridge import background
from bridge.errors import ConflictError, NotFoundError, StaleLeaseError
from bridge.loop import detections, evaluate, manifest, work
from bridge.model.job import Job, JobState, Node
from bridge.model.training import Run, RunEvent
from bridge.model.work import Beat, End, Events, Found, NewCheckpoint, PictureFound
from bridge.settings import Settings
from bridge.store import datasets, jobs, nodes, predictions, projects, runs
from bridge.workspace import Workspace, open_workspace
from tests.serving import PROJECT, due_run, make_run


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Workspace, Run]]:
    folder = tmp_path_factory.mktemp("work")
    ws = open_workspace(Settings(data=folder / "data", lease_seconds=20), create=True)
    yield ws, make_run(ws, folder / "pictures")
    ws.close()


@pytest.fixture
def ws(made: tuple[Workspace, Run]) -> Workspace:
    return made[0]


@pytest.fixture
def run(made: tuple[Workspace, Run]) -> Run:
    return due_run(made[0], made[1].version, made[1].recipe)


def job_of(ws: Workspace, job_id: str) -> Job:
    with ws.db.read() as tx:
        return jobs.find(tx, job_id)


def due(ws: Workspace, kind: str, **payload: str) -> list[Job]:
    with ws.db.read() as tx:
        return [j for j in jobs.listing(tx) if j.kind == kind and payload.items() <= j.payload.items()]


def save(ws: Workspace, run: Run, number: int, iteration: int = 10, data: bytes = b"w") -> str:
    blob = ws.blobs.put(data + str(run.id).encode() + str(iteration).encode())
    kept, _ = work.checkpoint(ws, run.job_id, NewCheckpoint(number, blob, iteration, "numbered", 1))
    return kept.id


def step(iteration: int, seq: int) -> RunEvent:
    return RunEvent("iteration", {"iteration": iteration, "avg_loss": None}, seq, 1.0, 1)


def test_a_lease_says_all_that_a_node_must_know(ws: Workspace, run: Run) -> None:
    grant = work.lease(ws, run.job_id, "n1/train")
    assert (grant.kind, grant.number, grant.seconds, grant.attempt) == ("train", 1, 20, 1)
    assert grant.run.recipe == run.recipe
    assert grant.resume is None
    with ws.db.read() as tx:
        assert runs.find(tx, run.id).node == "n1"
        assert runs.find(tx, run.id).started is not None


def test_whoever_comes_next_goes_on_from_the_newest_checkpoint(ws: Workspace, run: Run) -> None:
    first = work.lease(ws, run.job_id, "n1/train")
    save(ws, run, first.number, 10)
    newest = save(ws, run, first.number, 20)
    work.finish(ws, run.job_id, End(first.number, "queued"))
    second = work.lease(ws, run.job_id, "n2/train")
    assert second.number == first.number + 1
    assert second.resume is not None
    assert (second.resume.id, second.resume.iteration) == (newest, 20)
    with pytest.raises(StaleLeaseError):
        save(ws, run, first.number, 30)


def test_only_work_for_nodes_is_leased_to_nodes(ws: Workspace) -> None:
    with ws.db.write() as tx:
        job = jobs.put(tx, "report", "bridge", {"run": "x"})
    with pytest.raises(NotFoundError):
        work.lease(ws, job, "n1/train")


def test_a_draining_node_gets_no_training_but_may_detect(ws: Workspace, run: Run) -> None:
    orders = work.register(ws, Node("slow", seen=time.time()))
    assert orders.draining is False
    with ws.db.write() as tx:
        nodes.drain(tx, "slow", True)
    assert work.register(ws, Node("slow", seen=time.time())).draining is True
    with pytest.raises(ConflictError, match="node-draining"):
        work.lease(ws, run.job_id, "slow/train")
    grant = work.lease(ws, run.job_id, "fast/train")
    checkpoint = save(ws, run, grant.number)
    (scoring,) = due(ws, "detect", checkpoint=checkpoint)
    assert work.lease(ws, scoring.id, "slow/detect").kind == "detect"


def test_a_heartbeat_prolongs_and_passes_on_the_wish_to_stop(ws: Workspace, run: Run) -> None:
    grant = work.lease(ws, run.job_id, "n1/train")
    assert work.heartbeat(ws, run.job_id, Beat(grant.number, {"iteration": 7})) is False
    with ws.db.write() as tx:
        jobs.cancel(tx, run.job_id)
    assert work.heartbeat(ws, run.job_id, Beat(grant.number)) is True
    assert job_of(ws, run.job_id).progress == {"iteration": 7}
    with pytest.raises(StaleLeaseError):
        work.heartbeat(ws, run.job_id, Beat(grant.number + 1))


def test_events_count_once_however_often_they_come(ws: Workspace, run: Run) -> None:
    grant = work.lease(ws, run.job_id, "n1/train")
    said = Events(grant.number, (step(1, 1), step(2, 2)))
    assert work.events(ws, run.job_id, said) == 2
    assert work.events(ws, run.job_id, said) == 0
    assert work.events(ws, run.job_id, Events(grant.number, (step(2, 2), step(3, 3)))) == 1
    with ws.db.read() as tx:
        assert [e.fields["iteration"] for e in runs.events(tx, run.id)] == [1, 2, 3]
        assert runs.find(tx, run.id).iteration == 3


def test_a_checkpoint_needs_its_bytes_and_makes_its_scoring_due(ws: Workspace, run: Run) -> None:
    grant = work.lease(ws, run.job_id, "n1/train")
    with pytest.raises(NotFoundError, match="blob-missing"):
        work.checkpoint(ws, run.job_id, NewCheckpoint(grant.number, "0" * 64, 10, "numbered", 1))
    blob = ws.blobs.put(b"weights of " + run.id.encode())
    kept, new = work.checkpoint(ws, run.job_id, NewCheckpoint(grant.number, blob, 10, "numbered", 1))
    again, newer = work.checkpoint(ws, run.job_id, NewCheckpoint(grant.number, blob, 10, "final", 1))
    assert (new, newer) == (True, False)
    assert again == kept
    assert kept.size == len(b"weights of ") + len(run.id)
    assert len(due(ws, "detect", checkpoint=kept.id)) == 1


def detect(ws: Workspace, run: Run) -> tuple[str, Job, int]:
    """A checkpoint of a training that has ended, and its scoring, taken by a node."""
    grant = work.lease(ws, run.job_id, "n1/train")
    checkpoint = save(ws, run, grant.number)
    work.finish(ws, run.job_id, End(grant.number, "done"))
    (scoring,) = due(ws, "detect", checkpoint=checkpoint)
    return checkpoint, scoring, work.lease(ws, scoring.id, "n1/detect").number


def found(number: int, checkpoint: str, boxes: dict[int, Any], last: bool = False) -> Found:
    pictures = tuple(PictureFound(image, tuple(found)) for image, found in boxes.items())
    return Found(number, checkpoint, {"detector": "onnx"}, pictures, last)


def test_detections_come_in_parts_and_their_scoring_is_due_with_the_last(ws: Workspace, run: Run) -> None:
    checkpoint, scoring, number = detect(ws, run)
    with ws.db.read() as tx:
        first, second = [m.image_id for m in datasets.find(tx, run.version).part("valid")]
    box = (0, 0.9, 1.0, 2.0, 30.0, 40.0)
    detections.take(ws, scoring.id, found(number, checkpoint, {first: [box, box]}))
    detections.take(ws, scoring.id, found(number, checkpoint, {first: [box]}))  # Sent again: in place of the first.
    assert due(ws, "evaluate", checkpoint=checkpoint) == []
    detections.take(ws, scoring.id, found(number, checkpoint, {second: []}, last=True))
    assert len(due(ws, "evaluate", checkpoint=checkpoint)) == 1
    with ws.db.read() as tx:
        kept = runs.detections(tx, checkpoint)
    assert kept is not None
    assert evaluate.load_detections(ws, kept[0]) == {first: [box], second: []}
    assert list((ws.settings.data / "incoming").iterdir()) == []


def test_parts_of_a_lost_lease_are_never_mixed_in(ws: Workspace, run: Run) -> None:
    checkpoint, scoring, number = detect(ws, run)
    box = (0, 0.9, 1.0, 2.0, 30.0, 40.0)
    detections.take(ws, scoring.id, found(number, checkpoint, {1: [box]}))
    work.finish(ws, scoring.id, End(number, "queued"))
    later = work.lease(ws, scoring.id, "n2/detect").number
    with pytest.raises(StaleLeaseError):
        detections.take(ws, scoring.id, found(number, checkpoint, {2: [box]}, last=True))
    detections.take(ws, scoring.id, found(later, checkpoint, {3: [box]}, last=True))
    with ws.db.read() as tx:
        kept = runs.detections(tx, checkpoint)
    assert kept is not None
    assert set(evaluate.load_detections(ws, kept[0])) == {3}


def test_a_part_that_a_crash_cut_short_does_not_spoil_the_rest(ws: Workspace, run: Run) -> None:
    checkpoint, scoring, number = detect(ws, run)
    box = (0, 0.9, 1.0, 2.0, 30.0, 40.0)
    detections.take(ws, scoring.id, found(number, checkpoint, {1: [box]}))
    with (ws.settings.data / "incoming" / f"{scoring.id}-{number}").open("ab") as file:
        file.write(b'{"image_id":2,"boxes":[[0,0.9')
    detections.take(ws, scoring.id, found(number, checkpoint, {2: [box], 3: [box]}, last=True))
    with ws.db.read() as tx:
        kept = runs.detections(tx, checkpoint)
    assert kept is not None
    assert evaluate.load_detections(ws, kept[0]) == {1: [box], 2: [box], 3: [box]}


def test_a_run_is_reported_when_it_has_ended_and_all_is_scored(ws: Workspace, run: Run) -> None:
    checkpoint, scoring, number = detect(ws, run)
    assert due(ws, "report", run=run.id) == []
    detections.take(ws, scoring.id, found(number, checkpoint, {}, last=True))
    work.finish(ws, scoring.id, End(number, "done"))
    (scored,) = due(ws, "evaluate", checkpoint=checkpoint)
    evaluate.score(ws, checkpoint)
    assert due(ws, "report", run=run.id) == []
    background.do(ws, scored.id)
    assert len(due(ws, "report", run=run.id)) == 1


def test_a_checkpoint_that_cannot_be_scored_does_not_hold_up_the_report(ws: Workspace, run: Run) -> None:
    grant = work.lease(ws, run.job_id, "n1/train")
    good, bad = save(ws, run, grant.number, 10), save(ws, run, grant.number, 20)
    work.finish(ws, run.job_id, End(grant.number, "failed", {"rule": "x", "fields": {}}))
    for checkpoint in (good, bad):
        (scoring,) = due(ws, "detect", checkpoint=checkpoint)
        number = work.lease(ws, scoring.id, "n1/detect").number
        if checkpoint == good:
            detections.take(ws, scoring.id, found(number, checkpoint, {}, last=True))
            work.finish(ws, scoring.id, End(number, "done"))
            (scored,) = due(ws, "evaluate", checkpoint=good)
            with ws.db.write() as tx:
                held = jobs.lease(tx, scored.id, "bridge", time.time(), 9)
            evaluate.score(ws, good)
            with ws.db.write() as tx:
                assert held.lease is not None
                jobs.finish(tx, scored.id, held.lease.number, JobState.DONE)
        else:
            work.finish(ws, scoring.id, End(number, "failed", {"rule": "x", "fields": {}}))
    assert len(due(ws, "report", run=run.id)) == 1


def test_what_was_to_be_stopped_is_not_begun_again(ws: Workspace, run: Run) -> None:
    grant = work.lease(ws, run.job_id, "n1/train")
    with ws.db.write() as tx:
        jobs.cancel(tx, run.job_id)
    work.finish(ws, run.job_id, End(grant.number, "queued"))
    assert job_of(ws, run.job_id).state is JobState.CANCELLED
    with ws.db.read() as tx:
        assert runs.find(tx, run.id).ended is not None


def test_boxes_for_annotators_go_to_the_predictions(ws: Workspace, run: Run) -> None:
    checkpoint, _, _ = detect(ws, run)
    with ws.db.write() as tx:
        project = projects.find(tx, PROJECT)
        job = jobs.put(tx, "predict", "detect", {"checkpoint": checkpoint, "images": None}, project.id)
        image = datasets.find(tx, run.version).members[0].image_id
    number = work.lease(ws, job, "n1/detect").number
    detections.take(ws, job, found(number, checkpoint, {image: [(1, 0.4, 1.0, 2.0, 30.0, 40.0)]}, last=True))
    with ws.db.read() as tx:
        (made,) = predictions.of_checkpoint(tx, checkpoint, project.labels).values()
    (region,) = made.regions
    assert region.labels == (project.label_names()[1],)
    assert (region.author, region.score) == (f"checkpoint:{checkpoint}", 0.4)


@pytest.mark.parametrize(
    ("told", "kind", "wanted"),
    [
        ({"fork": "pjreddie", "capabilities": ["train"]}, "detect", ("darknet", True, "pjreddie", 0.005)),
        ({"fork": "pjreddie", "capabilities": ["gpu"]}, "detect", ("darknet", True, "alexeyab", 0.005)),
        ({"fork": "alexeyab", "capabilities": ["opencv"]}, "detect", ("half-pixel", False, "alexeyab", 0.005)),
        ({"fork": "alexeyab", "capabilities": []}, "predict", ("darknet", False, "alexeyab", 0.25)),
        ({"fork": "hank-ai", "capabilities": ["opencv"]}, "detect", ("half-pixel", False, "alexeyab", 0.005)),
    ],
)
def test_pictures_are_seen_as_the_trainer_saw_them(
    ws: Workspace, run: Run, told: dict[str, Any], kind: str, wanted: tuple[str, bool, str, float]
) -> None:
    with ws.db.write() as tx:
        runs.add_events(tx, run.id, [RunEvent("engine", told, 1)])
        options = work.detector_options(tx, run, kind)
    assert (options.resize, options.letterbox, options.epsilon, options.threshold) == wanted


def test_letter_box_in_the_cfg_counts(ws: Workspace, run: Run) -> None:
    boxed = run.recipe.cfg.replace("[net]", "[net]\nletter_box = 1", 1)
    with ws.db.read() as tx:
        seen = work.detector_options(tx, replace(run, recipe=replace(run.recipe, cfg=boxed)), "detect")
    assert seen.letterbox is True


def test_a_manifest_holds_the_frozen_boxes(ws: Workspace, run: Run) -> None:
    found_ = manifest.dataset(ws, run.version)
    assert [m.part for m in found_.members].count("valid") == 2
    assert any(m.boxes for m in found_.members)
    for member in found_.members:
        assert (member.width, member.height) == (320, 240)
        for number, left, top, right, bottom in member.boxes:
            assert 0 <= number < len(found_.labels)
            assert 0 <= left < right <= member.width
            assert 0 <= top < bottom <= member.height


def test_pictures_to_predict_on_are_all_or_those_asked_for(ws: Workspace, run: Run) -> None:
    everything = manifest.pictures(ws, PROJECT)
    assert len(everything.members) == 6
    one = everything.members[3]
    assert manifest.pictures(ws, PROJECT, [one.image_id]).members == (one,)
    with pytest.raises(NotFoundError, match="image-missing"):
        manifest.pictures(ws, PROJECT, [one.image_id, 10**9])
