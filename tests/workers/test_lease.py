"""A lease lives while its holder does, and its holder hears when it must stop."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace

from bridge.model.job import JobState
from bridge.model.work import End
from bridge.store import jobs
from tests.workers.conftest import Bench
from workers import lease

Eventually = Callable[[Callable[[], bool]], bool]


def test_a_held_job_is_not_given_to_another(bench: Bench) -> None:
    with bench.take():
        other = replace(bench.station, name="n2")
        assert lease.take(other, bench.run.job_id) is None


def test_heartbeats_carry_the_progress_and_prolong(bench: Bench, eventually: Eventually) -> None:
    with bench.take() as hold:
        before = bench.job().lease
        assert before is not None
        hold.tell({"iteration": 5})
        assert eventually(lambda: bench.job().progress == {"iteration": 5})
        after = bench.job().lease
        assert after is not None
        assert after.until > before.until


def test_the_wish_to_stop_is_heard(bench: Bench, eventually: Eventually) -> None:
    with bench.take() as hold:
        with bench.ws.db.write() as tx:
            jobs.cancel(tx, bench.run.job_id)
        assert eventually(hold.cancelled.is_set)
        assert not hold.lost.is_set()


def test_a_lost_lease_is_heard(bench: Bench, eventually: Eventually) -> None:
    with bench.take() as hold:
        with bench.ws.db.write() as tx:
            jobs.finish(tx, bench.run.job_id, hold.grant.number, JobState.QUEUED)
        assert eventually(hold.lost.is_set)
        assert hold.finish(End(hold.grant.number, "done"), lambda: True) is False


def test_a_bridge_that_is_away_is_no_reason_to_stop(bench: Bench) -> None:
    with bench.take() as hold:
        bench.served.stop()
        time.sleep(0.3)
        assert not hold.lost.is_set()
        bench.served.start()
        assert hold.finish(End(hold.grant.number, "done"), lambda: True)
    assert bench.job().state is JobState.DONE


def test_the_last_progress_is_the_one_that_stays(bench: Bench) -> None:
    with bench.take() as hold:
        hold.tell({"iteration": 40})
        assert hold.finish(End(hold.grant.number, "done"), lambda: True)
    assert bench.job().progress == {"iteration": 40}


def test_without_a_bridge_there_is_no_lease(bench: Bench) -> None:
    bench.served.stop()
    try:
        assert lease.take(bench.station, bench.run.job_id) is None
    finally:
        bench.served.start()
