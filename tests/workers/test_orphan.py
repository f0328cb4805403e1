"""What a killed worker leaves behind: its program is ended, its checkpoints are handed in, its job is given back."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import psutil
import pytest

from bridge.errors import ConflictError
from bridge.model.job import JobState
from bridge.plugin import RunFiles
from tests.workers.conftest import Bench
from tests.workers.test_weights import save
from workers import orphan
from workers.orphan import Running
from workers.outbox import Outbox


@pytest.fixture
def outbox(bench: Bench) -> Iterator[Outbox]:
    found = Outbox(bench.station.folder / "outbox.sqlite3")
    yield found
    found.close()


@pytest.fixture
def files(bench: Bench) -> RunFiles:
    engine = bench.station.registry.engine("darknet")
    folder = orphan.run_folder(bench.station, bench.run.id) / "attempt-1-0"
    pictures = [folder / "data" / f"{n}.jpg" for n in range(4)]
    return engine.prepare(folder, bench.run.recipe, pictures, pictures)


@pytest.fixture
def survivor(files: RunFiles) -> Iterator[subprocess.Popen[bytes]]:
    """A program in a session of its own, with this run's files among its arguments."""
    code = "import time; time.sleep(60)"
    child = subprocess.Popen([sys.executable, "-c", code, str(files.data), str(files.cfg)], start_new_session=True)
    yield child
    child.kill()
    child.wait()


def left(bench: Bench, files: RunFiles, number: int, child: subprocess.Popen[bytes] | None) -> Running:
    """What the dead worker had written down."""
    recipe = bench.run.recipe
    running = Running(bench.run.job_id, number, bench.run.id, "darknet", recipe, orphan.paths_of(files))
    if child is not None:
        running = replace(running, pid=child.pid, created=psutil.Process(child.pid).create_time())
    orphan.record(bench.station, running)
    return running


def test_the_survivor_ends_and_its_work_is_not_lost(
    bench: Bench, files: RunFiles, outbox: Outbox, survivor: subprocess.Popen[bytes]
) -> None:
    number = bench.grant().number
    left(bench, files, number, survivor)
    save(files.backup / "net_10.weights", bench.run.recipe, 10)
    save(files.backup / "net.backup", bench.run.recipe, 17, value=17)
    save(files.backup / "net_20.weights", bench.run.recipe, 20, share=0.5)
    orphan.clear(bench.station, outbox)
    assert survivor.wait(5) != 0
    assert bench.checkpoints() == [(10, "numbered"), (17, "last")]
    assert bench.job().state is JobState.QUEUED  # Due at once, not only when the lease runs out.
    assert not (bench.station.folder / "running.json").exists()


def test_one_that_was_started_but_not_written_down_is_found(
    bench: Bench, files: RunFiles, outbox: Outbox, survivor: subprocess.Popen[bytes]
) -> None:
    left(bench, files, bench.grant().number, None)
    orphan.clear(bench.station, outbox)
    assert survivor.wait(5) != 0


def test_a_stranger_with_the_old_number_is_left_alone(
    bench: Bench, files: RunFiles, outbox: Outbox, survivor: subprocess.Popen[bytes]
) -> None:
    running = left(bench, files, bench.grant().number, survivor)
    orphan.record(bench.station, replace(running, created=1000.0))
    orphan.clear(bench.station, outbox)
    assert survivor.poll() is None


def test_under_a_lost_lease_the_weights_wait_for_the_next_one(bench: Bench, files: RunFiles, outbox: Outbox) -> None:
    number = bench.grant().number
    left(bench, files, number + 7, None)
    save(files.backup / "net_10.weights", bench.run.recipe, 10)
    orphan.clear(bench.station, outbox)
    assert bench.checkpoints() == []
    assert outbox.first(bench.run.job_id) is not None
    assert bench.job().state is JobState.RUNNING


def test_nothing_left_is_nothing_to_do(bench: Bench, outbox: Outbox) -> None:
    orphan.clear(bench.station, outbox)
    (bench.station.folder / "running.json").write_text('{"from": "another version"}')
    orphan.clear(bench.station, outbox)


def test_only_one_worker_trains_on_a_node(bench: Bench, monkeypatch: Any) -> None:
    monkeypatch.setattr(orphan, "_LOCK_SECONDS", 0.05)
    with orphan.alone(bench.station):
        code = (
            "import sys\nfrom pathlib import Path\nfrom filelock import FileLock, Timeout\n"
            "try:\n    FileLock(Path(sys.argv[1])).acquire(timeout=0.05)\nexcept Timeout:\n    print('held')\n"
        )
        told = subprocess.run(
            [sys.executable, "-c", code, str(bench.station.folder / "train.lock")], capture_output=True, check=True
        )
        assert told.stdout == b"held\n"
        with pytest.raises(ConflictError, match="node-busy"), orphan.alone(bench.station):
            pass


def test_folders_that_nobody_came_back_to_are_taken_away(bench: Bench, outbox: Outbox) -> None:
    import os

    old, young = (bench.station.folder / "runs" / name for name in ("old", "young"))
    for folder in (old, young):
        (folder / "kept").mkdir(parents=True)
        os.utime(folder / "kept", (1, 1))
        os.utime(folder, (1, 1))
    (young / "kept" / "new.weights").write_bytes(b"")
    orphan.clear(bench.station, outbox)
    assert [path.name for path in Path(bench.station.folder / "runs").iterdir()] == ["young"]
