"""Due jobs reach the queue once, again when the broker lost them, and nobody waits for a broker that hangs."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from bridge.errors import UnreachableError
from bridge.loop import dispatch
from bridge.loop.dispatch import Sender, expire, sweep
from bridge.model.job import Job, JobState
from bridge.settings import Settings
from bridge.store import jobs
from bridge.workspace import Workspace, open_workspace


@pytest.fixture
def ws(tmp_path: Path) -> Iterator[Workspace]:
    found = open_workspace(Settings(data=tmp_path / "data", resend_seconds=30, sweep_seconds=0.01), create=True)
    yield found
    found.close()


def put(ws: Workspace, kind: str = "detect", due: float = 0.0) -> str:
    with ws.db.write() as tx:
        return jobs.put(tx, kind, kind, {}, due=due)


def state_of(ws: Workspace, job_id: str) -> JobState:
    with ws.db.read() as tx:
        return jobs.find(tx, job_id).state


def eventually(what: Callable[[], bool], seconds: float = 5.0) -> bool:
    deadline = time.monotonic() + seconds
    while not what():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.01)
    return True


def test_what_is_due_is_sent_once(ws: Workspace) -> None:
    sent: list[Job] = []
    now, later = put(ws), put(ws, due=200.0)
    assert sweep(ws, sent.append, 100.0) == 1
    assert sweep(ws, sent.append, 110.0) == 0
    assert sweep(ws, sent.append, 250.0, lambda queue: {now}) == 2
    assert [job.id for job in sent] == [now, later]


def test_only_what_the_broker_has_lost_is_sent_again(ws: Workspace) -> None:
    sent: list[str] = []
    kept, lost = put(ws), put(ws)
    sweep(ws, lambda job: sent.append(job.id), 100.0)
    sent.clear()
    sweep(ws, lambda job: sent.append(job.id), 131.0, lambda queue: {kept})
    assert sent == [lost]
    sent.clear()
    sweep(ws, lambda job: sent.append(job.id), 162.0, lambda queue: frozenset())
    assert sorted(sent) == sorted([kept, lost])


def test_a_broker_that_is_away_loses_nothing(ws: Workspace) -> None:
    job = put(ws)

    def away(job: Job) -> None:
        raise UnreachableError("broker-unreachable", broker="b", reason="gone")

    with pytest.raises(UnreachableError):
        sweep(ws, away, 100.0)
    sent: list[str] = []
    sweep(ws, lambda job: sent.append(job.id), 100.5)
    assert sent == [job]


def test_a_silent_holder_loses_its_job_and_it_is_due_at_once(ws: Workspace) -> None:
    job = put(ws)
    sent: list[str] = []
    sweep(ws, lambda job: sent.append(job.id), 100.0)
    with ws.db.write() as tx:
        jobs.lease(tx, job, "n/detect", 100.0, 30.0)
    assert expire(ws, 120.0) == []
    assert expire(ws, 131.0) == [job]
    sweep(ws, lambda job: sent.append(job.id), 131.0)
    assert sent == [job, job]


def test_a_job_that_every_worker_vanishes_over_is_given_up(ws: Workspace) -> None:
    job = put(ws)
    for n in range(5):
        with ws.db.write() as tx:
            jobs.lease(tx, job, "n/detect", 100.0 * n, 30.0)
        expire(ws, 100.0 * n + 31.0)
    with ws.db.read() as tx:
        found = jobs.find(tx, job)
    assert found.state is JobState.FAILED
    assert found.failure == {"rule": "work-lost", "fields": {"attempts": 5}}


def test_the_sender_catches_up_when_the_broker_is_back(ws: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dispatch, "_LONGEST_PAUSE", 0.05)
    there = threading.Event()
    sent: list[str] = []

    def send(job: Job) -> None:
        if not there.is_set():
            raise UnreachableError("broker-unreachable", broker="b", reason="gone")
        sent.append(job.id)

    sender = Sender(ws, send).start()
    wanted = [put(ws), put(ws)]
    time.sleep(0.1)
    assert sent == []
    there.set()
    assert eventually(lambda: sorted(sent) == sorted(wanted))
    sender.stop()


def test_a_broker_that_hangs_does_not_keep_anybody_from_writing_jobs(ws: Workspace) -> None:
    hangs = threading.Event()
    let_go = threading.Event()

    def send(job: Job) -> None:
        hangs.set()
        let_go.wait(10)

    sender = Sender(ws, send).start()
    put(ws)
    assert hangs.wait(5)
    began = time.monotonic()
    put(ws)
    assert time.monotonic() - began < 0.3
    let_go.set()
    sender.stop()


def test_holders_may_speak_first_after_we_were_away(ws: Workspace) -> None:
    patient = replace(ws, settings=replace(ws.settings, lease_seconds=0.4))
    job = put(ws)
    with ws.db.write() as tx:
        jobs.lease(tx, job, "n/detect", time.time() - 60, 30.0)  # It ran out while nobody was there to hear it.
    sender = Sender(patient, lambda job: None).start()
    time.sleep(0.15)
    assert state_of(ws, job) is JobState.RUNNING
    assert eventually(lambda: state_of(ws, job) is JobState.QUEUED)
    sender.stop()
