from __future__ import annotations

import pytest

from bridge.errors import StaleLeaseError
from bridge.model.job import JobState
from bridge.store import jobs
from bridge.store.database import Database


def test_a_job_is_held_by_one_and_its_old_holder_is_refused(database: Database) -> None:
    with database.write() as tx:
        job = jobs.put(tx, "train", "train", {"run": "r"})
        first = jobs.lease(tx, job, "a", 100.0, 30.0)
        with pytest.raises(StaleLeaseError):
            jobs.lease(tx, job, "b", 120.0, 30.0)
        second = jobs.lease(tx, job, "b", 131.0, 30.0)  # a fell silent
        assert first.lease is not None
        assert second.lease is not None
        assert second.lease.number == first.lease.number + 1
        with pytest.raises(StaleLeaseError):
            jobs.renew(tx, job, first.lease.number, 132.0, 30.0)
        jobs.finish(tx, job, second.lease.number, JobState.DONE)
        with pytest.raises(StaleLeaseError):
            jobs.lease(tx, job, "c", 999.0, 30.0)


def test_a_job_nobody_took_is_sent_again(database: Database) -> None:
    with database.write() as tx:
        job = jobs.put(tx, "train", "train", {})
        assert [j.id for j in jobs.to_send(tx, 10.0, 30.0)] == [job]
        jobs.mark_sent(tx, job, 10.0)
        assert jobs.to_send(tx, 20.0, 30.0) == []
        assert [j.id for j in jobs.to_send(tx, 41.0, 30.0)] == [job]


def test_a_silent_holder_loses_its_job(database: Database) -> None:
    with database.write() as tx:
        lost, cancelled, alive = (jobs.put(tx, "train", "train", {}) for _ in range(3))
        jobs.lease(tx, lost, "a", 0.0, 30.0)
        jobs.lease(tx, cancelled, "a", 0.0, 30.0)
        jobs.lease(tx, alive, "a", 100.0, 30.0)
        jobs.cancel(tx, cancelled)
        assert set(jobs.expire(tx, 101.0)) == {lost, cancelled}
        states = [jobs.find(tx, j).state for j in (lost, cancelled, alive)]
    assert states == [JobState.QUEUED, JobState.CANCELLED, JobState.RUNNING]


def test_many_causes_wake_one_piece_of_work(database: Database) -> None:
    with database.write() as tx:
        first = jobs.put_once(tx, "evaluate", "bridge", {}, None, "checkpoint:1")
        assert jobs.put_once(tx, "evaluate", "bridge", {}, None, "checkpoint:1") == first
        assert jobs.put_once(tx, "evaluate", "bridge", {}, None, "checkpoint:2") != first
