"""Nothing that was put into the outbox is lost or told out of order: not by kill -9, not by a bridge that is away."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import pytest

from bridge.model.training import RunEvent
from tests.workers.conftest import Bench
from workers.outbox import Courier, Outbox, Weights

Eventually = Callable[[Callable[[], bool]], bool]


@pytest.fixture
def outbox(tmp_path: Path) -> Iterator[Outbox]:
    found = Outbox(tmp_path / "outbox.sqlite3")
    yield found
    found.close()


def step(number: int) -> RunEvent:
    return RunEvent("iteration", {"iteration": number}, number, float(number), 1)


def weights(folder: Path, iteration: int = 10, data: bytes = b"weights") -> Weights:
    import hashlib

    path = folder / f"{iteration}.weights"
    path.write_bytes(data)
    return Weights(str(path), hashlib.sha256(data).hexdigest(), iteration, "numbered", len(data))


def told(outbox: Outbox, job: str) -> list[int]:
    """The iterations that wait, in order; empties the outbox."""
    found = []
    while (entry := outbox.first(job)) is not None:
        found += [e.fields["iteration"] for e in msgspec.json.decode(entry.body, type=list[RunEvent])]
        outbox.drop(entry)
    return found


def test_entries_come_out_in_order_and_by_job(outbox: Outbox) -> None:
    outbox.put_events("a", [step(1), step(2)])
    outbox.put_events("b", [step(9)])
    outbox.put_events("a", [step(3)])
    assert told(outbox, "a") == [1, 2, 3]
    assert told(outbox, "b") == [9]


def test_equal_weights_are_handed_in_once(outbox: Outbox, tmp_path: Path) -> None:
    first = weights(tmp_path)
    assert outbox.put_weights("a", first) is True
    assert outbox.put_weights("a", first) is False
    entry = outbox.first("a")
    assert entry is not None
    outbox.drop(entry)
    assert outbox.put_weights("a", first) is False
    assert outbox.knows("a", first.sha256[:16])
    outbox.forget("a")
    assert outbox.put_weights("a", first) is True


def test_what_is_refused_does_not_hold_up_the_rest(outbox: Outbox) -> None:
    outbox.put_events("a", [step(1)])
    outbox.put_events("a", [step(2)])
    entry = outbox.first("a")
    assert entry is not None
    outbox.refuse(entry, "why")
    assert told(outbox, "a") == [2]


def test_it_survives_kill_9(tmp_path: Path) -> None:
    code = (
        "import sys, time\nfrom pathlib import Path\n"
        "from bridge.model.training import RunEvent\nfrom workers.outbox import Outbox\n"
        "box = Outbox(Path(sys.argv[1]))\n"
        "for n in range(100000):\n"
        "    box.put_events('a', [RunEvent('iteration', {'iteration': n}, n)])\n    print(n, flush=True)\n"
    )
    path = tmp_path / "o.sqlite3"
    child = subprocess.Popen([sys.executable, "-c", code, str(path)], stdout=subprocess.PIPE, cwd=Path.cwd())
    assert child.stdout is not None
    said = [int(child.stdout.readline()) for _ in range(30)]
    os.kill(child.pid, signal.SIGKILL)
    said += [int(line) for line in child.stdout.read().splitlines() if line.strip()]
    child.wait()
    child.stdout.close()
    found = Outbox(path)
    assert told(found, "a")[: len(said)] == said
    found.close()


def test_the_courier_hands_in_what_there_is(bench: Bench, outbox: Outbox, tmp_path: Path) -> None:
    number = bench.grant().number
    job = bench.run.job_id
    outbox.put_events(job, [step(1), step(2)])
    outbox.put_weights(job, weights(tmp_path, 10))
    with Courier(outbox, bench.station.desk, job, number) as courier:
        outbox.put_events(job, [step(3)])
        assert courier.drain(lambda: True)
    assert bench.iterations() == [1, 2, 3]
    assert bench.checkpoints() == [(10, "numbered")]


def test_the_courier_waits_for_the_bridge(bench: Bench, outbox: Outbox, eventually: Eventually) -> None:
    number = bench.grant().number
    job = bench.run.job_id
    bench.served.stop()
    try:
        with Courier(outbox, bench.station.desk, job, number) as courier:
            outbox.put_events(job, [step(1)])
            outbox.put_events(job, [step(2)])
            until = time.monotonic() + 0.2
            assert not courier.drain(lambda: time.monotonic() < until)
            bench.served.start()
            assert courier.drain(lambda: True)
            assert not courier.lost.is_set()
    finally:
        bench.served.stop()
        bench.served.start()
    assert bench.iterations() == [1, 2]


def test_the_courier_says_nothing_under_a_lost_lease(bench: Bench, outbox: Outbox) -> None:
    number = bench.grant().number
    job = bench.run.job_id
    outbox.put_events(job, [step(1)])
    with Courier(outbox, bench.station.desk, job, number + 1) as courier:
        assert not courier.drain(lambda: True)
        assert courier.lost.is_set()
    assert bench.iterations() == []
    assert outbox.first(job) is not None  # It is kept for when this node gets the job again.


def test_weights_whose_file_vanished_do_not_hold_up_the_rest(bench: Bench, outbox: Outbox, tmp_path: Path) -> None:
    number = bench.grant().number
    job = bench.run.job_id
    gone = weights(tmp_path, 10)
    Path(gone.path).unlink()
    outbox.put_weights(job, gone)
    outbox.put_events(job, [step(1)])
    with Courier(outbox, bench.station.desk, job, number) as courier:
        assert courier.drain(lambda: True)
    assert bench.iterations() == [1]
    assert bench.checkpoints() == []
