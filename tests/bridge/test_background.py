"""Jobs beside the store: done once, kept alive, tried again when a tool was away, failed with what to do."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from bridge import background
from bridge.errors import InputError, UnreachableError
from bridge.model.job import Job, JobState
from bridge.queue import create_app
from bridge.settings import Settings
from bridge.store import jobs
from bridge.workspace import Workspace, open_workspace


@pytest.fixture
def ws(tmp_path: Path) -> Iterator[Workspace]:
    settings = Settings(data=tmp_path / "data", lease_seconds=0.3, heartbeat_seconds=0.05)
    found = open_workspace(settings, create=True)
    yield found
    found.close()


def put(ws: Workspace, kind: str = "report", **payload: str) -> str:
    with ws.db.write() as tx:
        return jobs.put(tx, kind, "bridge", payload)


def find(ws: Workspace, job_id: str) -> Job:
    with ws.db.read() as tx:
        return jobs.find(tx, job_id)


def act(monkeypatch: pytest.MonkeyPatch, does: Any) -> None:
    """Let a report be what a test needs it to be."""
    monkeypatch.setattr(import_module("bridge.loop.report"), "keep", does)


def test_every_kind_of_job_has_its_work() -> None:
    for module, function, wanted in background.ACTS.values():
        found = getattr(import_module(module), function)
        assert found.__code__.co_argcount >= 1 + len(wanted)


def test_every_kind_is_a_task() -> None:
    app = create_app(Settings(redis_url="redis://127.0.0.1:1/0"))
    background.register(app, Settings())
    assert {name for name in app.tasks if name.startswith("labelbridge.")} == {
        f"labelbridge.{kind}" for kind in background.ACTS
    }


def test_a_job_is_done_once(ws: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    done: list[str] = []
    act(monkeypatch, lambda ws, run: done.append(run))
    job = put(ws, run="r1")
    background.do(ws, job)
    background.do(ws, job)  # The broker may ring twice.
    assert done == ["r1"]
    assert find(ws, job).state is JobState.DONE


def test_a_long_job_keeps_its_lease(ws: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    job = put(ws, run="r1")

    def long(ws: Workspace, run: str) -> None:
        until = time.monotonic() + 0.7
        while time.monotonic() < until:
            with ws.db.write() as tx:
                assert jobs.expire(tx, time.time()) == []
            time.sleep(0.02)

    act(monkeypatch, long)
    background.do(ws, job)
    assert find(ws, job).state is JobState.DONE


def test_what_goes_wrong_is_kept_by_name(ws: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(ws: Workspace, run: str) -> None:
        raise InputError("json-broken", path=Path("/a/b.json"), line=3)

    act(monkeypatch, refuse)
    job = put(ws, run="r1")
    background.do(ws, job)
    found = find(ws, job)
    assert found.state is JobState.FAILED
    assert found.failure == {"rule": "json-broken", "fields": {"path": "/a/b.json", "line": 3}}


def test_a_tool_that_was_away_is_asked_again_later(ws: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    def away(ws: Workspace, run: str) -> None:
        raise UnreachableError("store-unreachable", url="u", reason="r")

    act(monkeypatch, away)
    job = put(ws, run="r1")
    background.do(ws, job)
    first = find(ws, job)
    assert first.state is JobState.QUEUED
    assert first.due > time.time() + 1
    monkeypatch.setattr(background, "_MOST_TRIES", 2)
    background.do(ws, job)
    assert find(ws, job).state is JobState.FAILED


def test_somebody_elses_code_may_raise_anything(ws: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    act(monkeypatch, lambda ws, run: 1 / 0)
    job = put(ws, run="r1")
    background.do(ws, job)
    found = find(ws, job)
    assert found.state is JobState.FAILED
    assert found.failure is not None
    assert "ZeroDivisionError" in found.failure["fields"]["reason"]


def test_a_lease_that_was_lost_meanwhile_ends_quietly(ws: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    job = put(ws, run="r1")

    def lose(ws: Workspace, run: str) -> None:
        with ws.db.write() as tx:
            held = jobs.find(tx, job).lease
            assert held is not None
            jobs.finish(tx, job, held.number, JobState.QUEUED)

    act(monkeypatch, lose)
    background.do(replace(ws, settings=replace(ws.settings, heartbeat_seconds=5, lease_seconds=30)), job)
    assert find(ws, job).state is JobState.QUEUED
