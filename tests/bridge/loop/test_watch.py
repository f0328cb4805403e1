from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from bridge.loop import watch
from bridge.loop.connect import connect_folder
from bridge.loop.reconcile import pull
from bridge.loop.watch import Watcher, make_due, resume
from bridge.model.annotation import Box, Document, Image, Region
from bridge.model.dataset import Dataset
from bridge.model.job import Job, JobState
from bridge.plugin import WriteOptions
from bridge.settings import Settings
from bridge.store import deliveries, jobs, projects
from bridge.workspace import Workspace, open_workspace
from tests.annotators import VottTwo, rest

BOX = Region.rectangle(Box(4, 4, 20, 20), "猫", region_id="cat1")


@pytest.fixture
def ws(tmp_path: Path) -> Iterator[Workspace]:
    made = open_workspace(Settings(data=tmp_path / "data", watch_seconds=0.3), create=True)
    with made.db.write() as tx:
        projects.create(tx, "p")
    yield made
    made.close()


def vott(ws: Workspace, folder: Path) -> Path:
    dataset = Dataset("撮影", ("猫",), [Document(Image("あ.jpg", 64, 48), (BOX,))])
    ws.registry.format("vott-v2").write(dataset, folder, WriteOptions("none"))
    rest(folder)
    return folder


def due(ws: Workspace) -> list[Job]:
    """Readings that a change has made due."""
    with ws.db.read() as tx:
        found = jobs.listing(tx, kind="pull", state=JobState.QUEUED)
    return [job for job in found if job.cause.startswith("changed:")]


def done(ws: Workspace) -> None:
    """Read everything, as the job does."""
    with ws.db.write() as tx:
        for job in due(ws):
            jobs.cancel(tx, job.id)
    pull(ws, "p", wait=lambda _: None)


def soon(what: Callable[[], bool], seconds: float = 10.0) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if what():
            return True
        time.sleep(0.02)
    return False


@pytest.fixture
def watcher(ws: Workspace, monkeypatch: pytest.MonkeyPatch) -> Iterator[Watcher]:
    monkeypatch.setattr(watch, "LOOK_SECONDS", 0.2)
    made = Watcher(ws).start()
    yield made
    made.stop()


def test_a_save_makes_one_reading_due(ws: Workspace, watcher: Watcher, tmp_path: Path) -> None:
    folder = vott(ws, tmp_path / "vott")
    # A tool that is connected while we run is noticed, and read for the first time.
    connect_folder(ws, "p", "vott-v2", folder)
    assert soon(lambda: len(due(ws)) == 1)
    done(ws)
    time.sleep(0.6)
    assert due(ws) == []
    person = VottTwo(folder)
    for _ in range(3):
        person.draw("あ.jpg", "猫", 30, 10, 40, 20)
    assert soon(lambda: len(due(ws)) == 1)
    [job] = due(ws)
    assert job.payload == {"project": "p", "source": "vott-v2"}
    assert 0 < job.due - time.time() < 3


def test_without_events_files_are_looked_at_now_and_then(
    ws: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As on a network share."""

    def silent(folders: set[str], stop: threading.Event) -> Iterator[set[str]]:
        while not stop.wait(0.1):
            yield set()

    monkeypatch.setattr(watch, "_events", silent)
    folder = vott(ws, tmp_path / "vott")
    connect_folder(ws, "p", "vott-v2", folder)
    done(ws)
    made = Watcher(ws).start()
    try:
        time.sleep(0.3)
        assert due(ws) == []
        VottTwo(folder).draw("あ.jpg", "猫", 30, 10, 40, 20)
        assert soon(lambda: len(due(ws)) == 1)
    finally:
        made.stop()


def test_a_folder_that_is_away_holds_nobody_up(ws: Workspace, watcher: Watcher, tmp_path: Path) -> None:
    gone, there = vott(ws, tmp_path / "gone"), vott(ws, tmp_path / "there")
    connect_folder(ws, "p", "vott-v2", gone, name="gone")
    connect_folder(ws, "p", "vott-v2", there, name="there")
    assert soon(lambda: len(due(ws)) == 2)
    done(ws)
    gone.rename(tmp_path / "elsewhere")
    time.sleep(0.5)
    VottTwo(there).draw("あ.jpg", "猫", 30, 10, 40, 20)
    assert soon(lambda: [job.payload["source"] for job in due(ws)] == ["there"])
    (tmp_path / "elsewhere").rename(gone)
    VottTwo(gone).draw("あ.jpg", "猫", 30, 10, 40, 20)
    assert soon(lambda: {job.payload["source"] for job in due(ws)} == {"there", "gone"})


def test_idle_watching_costs_next_to_nothing(ws: Workspace, watcher: Watcher, tmp_path: Path) -> None:
    folder = vott(ws, tmp_path / "vott")
    for n in range(2000):
        (folder / f"{n:032x}-asset.json").write_text("{}")
    rest(folder)
    source = connect_folder(ws, "p", "vott-v2", folder)
    assert soon(lambda: len(due(ws)) == 1)
    begin = time.perf_counter()
    watcher._look([source])
    assert time.perf_counter() - begin < 0.5


def test_many_causes_are_one_job(ws: Workspace, tmp_path: Path) -> None:
    source = connect_folder(ws, "p", "vott-v2", vott(ws, tmp_path / "vott"))
    assert make_due(ws, source) == make_due(ws, source)


def test_a_project_that_takes_long_to_read_is_read_less_often(ws: Workspace, tmp_path: Path) -> None:
    source = connect_folder(ws, "p", "vott-v2", vott(ws, tmp_path / "vott"))
    for took, wait in ((0.1, 2), (3.0, 12), (60.0, 30)):
        make_due(ws, replace(source, options={"took": took}))
        [job] = due(ws)
        assert job.due - time.time() == pytest.approx(wait, abs=1)
        with ws.db.write() as tx:
            jobs.cancel(tx, job.id)


def test_what_broke_off_is_due_again_at_the_start(ws: Workspace, tmp_path: Path) -> None:
    source = connect_folder(ws, "p", "vott-v2", vott(ws, tmp_path / "vott"))
    with ws.db.write() as tx:
        body = {"source": source.id, "name": source.name, "pictures": 1}
        deliveries.put(tx, "out", "write-back", "p", "write-back:1:x", body)
    assert (resume(ws), resume(ws)) == (1, 1)
    with ws.db.read() as tx:
        [job] = jobs.listing(tx, kind="push")
    assert job.payload == {"project": "p", "source": source.name}
