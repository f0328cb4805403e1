"""Real broker, real web server, real workers, real darknet: trainings end whatever is killed, emptied or stopped."""

from __future__ import annotations

import os
import shutil
import signal
import statistics
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
import redis
import requests

from bridge.loop import intake, train
from bridge.loop.cut import CutOptions, cut
from bridge.model.dataset import Reading
from bridge.model.job import ENDED, JobState
from bridge.model.training import Run
from bridge.running import Running
from bridge.sample import LABELS, draw_sample
from bridge.settings import Settings
from bridge.store import jobs, nodes, projects, runs, tokens
from bridge.workspace import Workspace
from tests.parts import absent

pytestmark = pytest.mark.story

PROJECT = "金具"


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """Everything running on a small data set, with short leases."""
    if shutil.which("darknet") is None:
        absent("darknet")
    folder = tmp_path_factory.mktemp("worker-story")
    run_dir = Path(tempfile.mkdtemp(prefix="lb-story-"))
    settings = Settings(
        data=folder / "データ",
        port=0,
        run_dir=str(run_dir),
        lease_seconds=6.0,
        heartbeat_seconds=1.0,
        resend_seconds=3.0,
    )
    with Running(settings) as running:
        _fill(running.ws, folder / "写真 pictures")
        yield running
    shutil.rmtree(run_dir, ignore_errors=True)


def _fill(ws: Workspace, folder: Path) -> None:
    documents = draw_sample(folder, 16, 6)
    with ws.db.write() as tx:
        project = projects.create(tx, PROJECT)
        source = projects.put_source(tx, project.id, "import", "import", str(folder))
    intake.take(ws, project, source, Reading(tuple(LABELS), iter(documents), len(documents)), "story")
    cut(ws, PROJECT, CutOptions(held_out=frozenset(d.image.name for d in documents if d.held_out)))


def begin(ws: Workspace, max_batches: int) -> Run:
    plan = train.plan(ws, PROJECT, train.PlanOptions("demo-tiny", network=(128, 96), max_batches=max_batches))
    return train.start(ws, plan, "story")


def find(ws: Workspace, run: Run) -> Run:
    with ws.db.read() as tx:
        return runs.find(tx, run.id)


def wait(what: Callable[[], bool], seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < deadline, "it took too long"
        time.sleep(0.1)


def wait_for_end(ws: Workspace, run: Run, seconds: float = 240.0) -> Run:
    wait(lambda: find(ws, run).state in ENDED, seconds)
    return find(ws, run)


def wait_for_scores(ws: Workspace, run: Run, seconds: float = 120.0) -> None:
    def scored() -> bool:
        with ws.db.read() as tx:
            return runs.unscored(tx, run.id) == 0 and runs.blobs(tx, run.id)[1] is not None

    wait(scored, seconds)


def trainers(house: Running) -> list[int]:
    """Living darknets that work in this house's folder."""
    found = []
    for process in psutil.process_iter():
        try:
            if process.name() != "darknet" or process.status() == psutil.STATUS_ZOMBIE:
                continue
            line = process.cmdline()
            if "detector" in line and any(str(house.settings.data) in word or "/lb-" in word for word in line):
                found.append(process.pid)
        except psutil.Error:
            continue
    return found


def child(house: Running, *words: str) -> psutil.Process:
    """The child of `up` that was started with these words."""
    for process in psutil.Process(house.pid).children():
        line = process.cmdline()
        if all(any(word in part for part in line) for word in words):
            return process
    raise AssertionError(f"no child {words}")


class Watch:
    """Counts living trainers again and again."""

    def __init__(self, house: Running) -> None:
        self.most = 0
        self.seen: set[int] = set()
        self._house, self._stop = house, threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> Watch:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stop.wait(0.05):
            alive = trainers(self._house)
            self.most = max(self.most, len(alive))
            self.seen.update(alive)


def states(ws: Workspace, run: Run) -> list[dict[str, Any]]:
    with ws.db.read() as tx:
        return [e.fields for e in runs.events(tx, run.id, ["state"])]


def test_two_hundred_iterations_from_wish_to_report(house: Running) -> None:
    run = wait_for_end(house.ws, begin(house.ws, 200))
    assert (run.state, run.failure) == (JobState.DONE, None)
    wait_for_scores(house.ws, run)
    with house.ws.db.read() as tx:
        checkpoints = runs.checkpoints(tx, run.id)
        scores = runs.scores(tx, run.id)
        steps = [e.fields["iteration"] for e in runs.events(tx, run.id, ["iteration"])]
        transcript, report = runs.blobs(tx, run.id)
    assert steps == list(range(1, 201))
    assert [c.iteration for c in checkpoints] == [100, 200]
    assert set(scores) == {c.id for c in checkpoints}
    assert all(0.0 <= s.map <= 1.0 and s.pictures == 6 for s in scores.values())
    assert transcript is not None
    assert report is not None
    assert house.ws.blobs.path(transcript).read_text().splitlines()[-1] == '{"exit": 0}'


def test_a_worker_killed_in_the_middle_costs_no_checkpoint(house: Running) -> None:
    run = begin(house.ws, 210)
    with Watch(house) as watch:
        wait(lambda: find(house.ws, run).iteration > 120, 120)
        worker = child(house, "workers.main", "train")
        darknet = trainers(house)
        assert len(darknet) == 1
        worker.kill()
        done = wait_for_end(house.ws, run)
    assert (done.state, done.failure) == (JobState.DONE, None)
    assert watch.most == 1
    assert len(watch.seen) == 2
    assert not set(darknet) & set(trainers(house))
    told = states(house.ws, run)
    assert [t["iteration"] for t in told] == [0, 100]  # It went on from the newest checkpoint.
    with house.ws.db.read() as tx:
        checkpoints = [c.iteration for c in runs.checkpoints(tx, run.id)]
        all_runs = [r for r in runs.listing(tx) if r.id == run.id]
    assert checkpoints == [100, 200, 210]
    assert len(all_runs) == 1


def test_a_broker_that_lost_everything_is_no_loss(house: Running) -> None:
    first, second = begin(house.ws, 100), begin(house.ws, 60)
    wait(lambda: find(house.ws, first).iteration > 5, 60)
    socket = Path(house.settings.run_dir) / "broker.sock"
    with redis.Redis(unix_socket_path=str(socket)) as client:
        assert client.llen("train") == 1  # The second run waits behind the first.
        client.flushall()
    broker = child(house, "broker.sock")
    broker.suspend()
    shutil.rmtree(house.settings.data / "broker" / "appendonlydir")
    broker.kill()
    assert wait_for_end(house.ws, first).state is JobState.DONE
    assert wait_for_end(house.ws, second).state is JobState.DONE
    with house.ws.db.read() as tx:
        assert [e["iteration"] for e in states(house.ws, second)] == [0]
        assert runs.find(tx, second.id).iteration == 60


def test_nobody_waits_for_a_broker_that_hangs(house: Running) -> None:
    with house.ws.db.write() as tx:
        _, word = tokens.create(tx, "story", "admin")
        project = projects.find(tx, PROJECT).id
        checkpoint = runs.last_checkpoint(tx, project)
    assert checkpoint is not None
    broker = child(house, "broker.sock")
    os.kill(broker.pid, signal.SIGSTOP)
    made: list[str] = []
    took: list[float] = []
    try:
        for _ in range(5):
            began = time.monotonic()
            answer = requests.post(
                f"{house.settings.url()}/api/v1/projects/{project}/predict",
                json={"checkpoint": checkpoint.id},
                headers={"Authorization": f"Bearer {word}"},
                timeout=10,
            )
            took.append(time.monotonic() - began)
            assert answer.status_code == 202, answer.text
            made += answer.json()["jobs"]
            time.sleep(0.7)
    finally:
        os.kill(broker.pid, signal.SIGCONT)
    assert statistics.median(took) < 0.3, took

    def done() -> bool:
        with house.ws.db.read() as tx:
            return all(jobs.find(tx, job).state is JobState.DONE for job in made)

    wait(done, 90)


def test_a_person_stops_a_training_and_it_can_be_resumed(house: Running) -> None:
    run = begin(house.ws, 130)
    wait(lambda: find(house.ws, run).iteration > 103, 120)
    train.cancel(house.ws, run.id, "story")
    assert wait_for_end(house.ws, run, 20).state is JobState.CANCELLED
    assert trainers(house) == []
    train.resume(house.ws, run.id, "story")
    assert wait_for_end(house.ws, run).state is JobState.DONE
    assert [e["iteration"] for e in states(house.ws, run)] == [0, 100]


def test_a_draining_node_ends_its_work_and_takes_no_more(house: Running) -> None:
    (node,) = train.living_nodes(house.ws)
    with house.ws.db.write() as tx:
        nodes.drain(tx, node.name, True)
    time.sleep(3)  # It hears of it with its next word to the bridge.
    run = begin(house.ws, 20)
    time.sleep(4)
    assert find(house.ws, run).state is JobState.QUEUED
    with house.ws.db.write() as tx:
        nodes.drain(tx, node.name, False)
    assert wait_for_end(house.ws, run, 60).state is JobState.DONE


def test_up_that_is_told_to_end_gives_its_training_back(house: Running) -> None:
    run = begin(house.ws, 125)
    wait(lambda: find(house.ws, run).iteration > 103, 120)
    began = time.monotonic()
    house.stop()
    assert time.monotonic() - began < 15
    assert trainers(house) == []
    assert find(house.ws, run).state is JobState.QUEUED
    house.start()
    assert wait_for_end(house.ws, run).state is JobState.DONE
    assert [e["iteration"] for e in states(house.ws, run)] == [0, 100]


def test_what_up_started_ends_with_it_even_when_it_is_killed(house: Running) -> None:
    run = begin(house.ws, 400)
    wait(lambda: len(trainers(house)) == 1, 60)
    family = [process.pid for process in psutil.Process(house.pid).children(recursive=True)]
    os.kill(house.pid, signal.SIGKILL)

    def gone() -> bool:
        return not any(psutil.pid_exists(p) and psutil.Process(p).status() != psutil.STATUS_ZOMBIE for p in family)

    wait(gone, 60)
    assert trainers(house) == []
    house.stop()
    house.start()
    train.cancel(house.ws, run.id, "story")
    assert wait_for_end(house.ws, run, 60).state is JobState.CANCELLED
