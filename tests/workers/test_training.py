"""Trainings from lease to last word, with a stand-in that fails as darknet fails."""

from __future__ import annotations

import base64
import json
import signal
import struct
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import pytest

from bridge.model.job import JobState
from bridge.store import jobs, runs
from tests.workers.conftest import Bench
from workers import attempt, training

# Real child programs and servers: too slow for the unit tests.
pytestmark = pytest.mark.story

Eventually = Callable[[Callable[[], bool]], bool]


def train(bench: Bench) -> None:
    training.train(bench.station, bench.run.job_id, bench.stopping.is_set)


def in_background(bench: Bench) -> threading.Thread:
    thread = threading.Thread(target=train, args=(bench,))
    thread.start()
    return thread


def programs(bench: Bench) -> list[psutil.Process]:
    """Trainers alive in this bench's folder."""
    found = []
    for process in psutil.process_iter():
        try:
            line = process.cmdline()
            if "detector" in line and any(str(bench.station.folder) in word for word in line):
                found.append(process)
        except psutil.Error:
            continue
    return found


def test_a_training_is_told_from_start_to_end(bench: Bench) -> None:
    train(bench)
    job = bench.job()
    assert (job.state, job.failure) == (JobState.DONE, None)
    assert bench.iterations() == list(range(1, 41))
    assert bench.checkpoints() == [(10, "numbered"), (20, "numbered"), (30, "numbered"), (40, "numbered")]
    (engine,) = bench.events("engine")
    assert (engine["fork"], engine["binary"]) == ("pjreddie", bench.station.settings.darknet)
    assert job.progress["iteration"] == 40
    assert job.progress["max_batches"] == 40
    # Nothing of it stays on the node but what the next training can use.
    assert list((bench.station.folder / "runs").iterdir()) == []
    assert not (bench.station.folder / "running.json").exists()


def test_the_raw_output_is_kept_as_it_came(bench: Bench) -> None:
    train(bench)
    with bench.ws.db.read() as tx:
        blob, _ = runs.blobs(tx, bench.run.id)
    assert blob is not None
    *pieces, end = [json.loads(line) for line in bench.ws.blobs.path(blob).read_text().splitlines()]
    assert end == {"exit": 0}
    out = b"".join(base64.b64decode(p["data"]) for p in pieces if p["stream"] == "out").decode()
    assert out.count(" images\n") == 40
    err = b"".join(base64.b64decode(p["data"]) for p in pieces if p["stream"] == "err").decode()
    assert err.count("Saving weights to") == 9


def test_a_crash_after_progress_is_survived(bench: Bench) -> None:
    bench.plan["crash"] = {"1": 25}
    train(bench)
    assert bench.job().state is JobState.DONE
    assert bench.iterations() == [*range(1, 26), *range(21, 41)]
    (resumed,) = bench.events("resumed")
    assert resumed["iteration"] == 20
    assert [c[0] for c in bench.checkpoints()] == [10, 20, 30, 40]


@pytest.mark.story
def test_the_same_crash_again_and_again_is_not(bench: Bench) -> None:
    bench.plan["crash"] = {"1": 15, "2": 25, "3": 35}
    train(bench)
    job = bench.job()
    assert job.state is JobState.FAILED
    assert job.failure is not None
    assert job.failure["kind"] == "data"
    assert len(bench.events("resumed")) == 2
    assert [c[0] for c in bench.checkpoints()] == [10, 20, 30]


def test_a_crash_without_progress_fails_at_once(bench: Bench) -> None:
    bench.plan["oom"] = {"1": 5}
    train(bench)
    job = bench.job()
    assert job.state is JobState.FAILED
    assert job.failure is not None
    assert job.failure["kind"] == "out-of-memory"
    assert bench.events("resumed") == []


def test_a_loss_that_is_no_number_ends_it_and_good_weights_go_on(bench: Bench) -> None:
    bench.plan["nan"] = {"1": 17}
    bench.plan["seconds"] = 0.01
    train(bench)
    assert bench.job().state is JobState.DONE
    assert max(bench.iterations()[:25]) < 40  # It was stopped, not watched to its end.
    (resumed,) = bench.events("resumed")
    assert (resumed["why"], resumed["iteration"]) == ("nan", 10)


def test_a_torn_save_is_not_taken_for_a_checkpoint(bench: Bench) -> None:
    bench.plan["torn"] = {"1": 20}
    train(bench)
    assert bench.job().state is JobState.DONE
    (resumed,) = bench.events("resumed")
    assert resumed["iteration"] == 10
    for checkpoint in bench.checkpoints():
        assert checkpoint[0] in (10, 20, 30, 40)


@pytest.mark.story
def test_a_program_that_falls_silent_is_ended(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(attempt, "_SILENT_SECONDS", 0.4)
    bench.plan["hang"] = {"1": 15, "2": 15}
    train(bench)
    job = bench.job()
    assert job.state is JobState.FAILED
    assert job.failure is not None
    assert (job.failure["kind"], job.failure["cause"]) == ("killed", "cause-silent")
    assert programs(bench) == []


@pytest.mark.story
def test_an_end_without_final_weights_is_none(bench: Bench) -> None:
    bench.plan["every"] = 15
    bench.plan["lost_final"] = {"1": 1, "2": 1, "3": 1}
    train(bench)
    job = bench.job()
    assert job.state is JobState.FAILED
    assert job.failure is not None
    assert (job.failure["kind"], job.failure["cause"]) == ("incomplete", "cause-no-final-weights")


def test_a_person_may_stop_it_and_keeps_what_was_saved(bench: Bench, eventually: Eventually) -> None:
    bench.plan["seconds"] = 0.05
    bench.plan["every"] = 3
    thread = in_background(bench)
    assert eventually(lambda: len(bench.checkpoints()) >= 1)
    with bench.ws.db.write() as tx:
        jobs.cancel(tx, bench.run.job_id)
    thread.join(10)
    assert bench.job().state is JobState.CANCELLED
    assert bench.checkpoints()[0] == (3, "numbered")
    assert programs(bench) == []


def test_a_lost_lease_stops_the_program_at_once(bench: Bench, eventually: Eventually) -> None:
    bench.plan["seconds"] = 0.02
    thread = in_background(bench)
    assert eventually(lambda: len(bench.iterations()) > 3)
    with bench.ws.db.write() as tx:  # Another node has it now.
        number = jobs.find(tx, bench.run.job_id).lease
        assert number is not None
        jobs.finish(tx, bench.run.job_id, number.number, JobState.QUEUED)
        jobs.lease(tx, bench.run.job_id, "n2/train", 1e10, 30.0)
    thread.join(5)
    assert not thread.is_alive()
    assert programs(bench) == []
    job = bench.job()
    assert job.state is JobState.RUNNING
    assert job.lease is not None
    assert job.lease.holder == "n2/train"


def test_a_worker_that_is_to_end_gives_its_job_back(bench: Bench, eventually: Eventually) -> None:
    bench.plan["seconds"] = 0.03
    bench.plan["every"] = 4
    thread = in_background(bench)
    assert eventually(lambda: len(bench.checkpoints()) >= 1)
    bench.stopping.set()
    thread.join(10)
    assert bench.job().state is JobState.QUEUED
    reached = bench.checkpoints()[-1][0]
    bench.stopping.clear()
    bench.plan["seconds"] = 0.001
    train(bench)
    assert bench.job().state is JobState.DONE
    starts = [e["iteration"] for e in bench.events("state")]
    assert starts[0] == 0
    assert starts[1] >= reached


def test_training_goes_on_while_the_bridge_is_away(bench: Bench, eventually: Eventually) -> None:
    bench.plan["seconds"] = 0.02
    thread = in_background(bench)
    assert eventually(lambda: len(bench.iterations()) > 3)
    bench.served.stop()
    state = Path(bench.plan["state"])
    try:
        assert eventually(lambda: programs(bench) == [])  # It trained to its end.
        assert thread.is_alive()  # What it has to say is not told yet.
    finally:
        bench.served.start()
    thread.join(15)
    assert bench.job().state is JobState.DONE
    assert bench.iterations() == list(range(1, 41))
    assert [c[0] for c in bench.checkpoints()] == [10, 20, 30, 40]
    assert state.read_text() == "1"


def test_without_a_trainer_the_run_fails_with_what_to_do(bench: Bench, tmp_path: Path) -> None:
    Path(bench.station.settings.darknet).unlink()
    train(bench)
    job = bench.job()
    assert job.state is JobState.FAILED
    assert job.failure is not None
    assert job.failure["rule"] == "engine-missing"
    assert job.failure["fields"]["node"] == "n1"


def test_a_picture_that_is_gone_is_named(bench: Bench, shop: Any) -> None:
    with bench.ws.db.read() as tx:
        from bridge.store import images

        image = next(iter(images.known_images(tx, bench.run.project).values()))
    assert image.file is not None
    path = Path(image.file.path)
    aside = path.with_suffix(".aside")
    path.rename(aside)
    try:
        train(bench)
    finally:
        aside.rename(path)
    job = bench.job()
    assert job.state is JobState.FAILED
    assert job.failure == {"rule": "pictures-gone", "fields": {"count": 1, "image": image.name}}


@pytest.mark.story
def test_it_starts_from_the_weights_of_the_recipe(bench: Bench) -> None:
    header = struct.pack("<iiiQ", 0, 2, 0, 8 * 1000)
    blob = bench.ws.blobs.put(header + struct.pack("<f", 0.5) * bench.plan["floats"])
    fresh = bench.with_recipe(weights=blob, clear=True)
    train(fresh)
    assert fresh.iterations()[0] == 1  # -clear begins to count anew.
    assert fresh.job().state is JobState.DONE


@pytest.mark.story
def test_a_node_trains_one_run_at_a_time(bench: Bench, eventually: Eventually, monkeypatch: Any) -> None:
    from workers import orphan

    monkeypatch.setattr(orphan, "_LOCK_SECONDS", 0.05)
    bench.plan["seconds"] = 0.02
    other = bench.with_recipe()
    thread = in_background(bench)
    assert eventually(lambda: len(bench.iterations()) > 1)
    train(other)  # Another worker of this node is woken for another run.
    assert other.job().state is JobState.QUEUED
    assert len({p.pid for p in programs(bench) if p.name() != "sh"}) == 1
    thread.join(15)
    assert bench.job().state is JobState.DONE


@pytest.mark.story
def test_a_program_that_does_not_listen_is_killed(
    bench: Bench, eventually: Eventually, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(attempt, "_GRACE", 0.2)
    bench.plan["deaf"] = {"1": 1}
    bench.plan["hang"] = {"1": 12}
    thread = in_background(bench)
    assert eventually(lambda: len(bench.iterations()) > 1)
    with bench.ws.db.write() as tx:
        jobs.cancel(tx, bench.run.job_id)
    thread.join(15)
    assert bench.job().state is JobState.CANCELLED
    with bench.ws.db.read() as tx:
        blob, _ = runs.blobs(tx, bench.run.id)
    assert blob is not None
    end = json.loads(bench.ws.blobs.path(blob).read_text().splitlines()[-1])
    assert end == {"exit": -signal.SIGKILL}
