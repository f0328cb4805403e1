"""One real bridge for all tests of the worker side; every test has runs and a node folder of its own."""

from __future__ import annotations

import json
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from bridge.model.job import Job
from bridge.model.training import Recipe, Run
from bridge.model.work import Grant
from bridge.settings import Settings
from bridge.store import jobs, runs
from bridge.workspace import Workspace, open_workspace
from tests.serving import Served, due_run, make_run, serving
from workers import lease
from workers.desk import Desk
from workers.lease import Hold
from workers.node import Station

STANDIN = Path(__file__).with_name("standin.py")


@pytest.fixture(scope="session")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Served, Run]]:
    folder = tmp_path_factory.mktemp("shop")
    settings = Settings(data=folder / "data", lease_seconds=3.0, heartbeat_seconds=0.1)
    ws = open_workspace(settings, create=True)
    run = make_run(ws, folder / "pictures")
    with serving(ws) as served:
        yield served, run
    ws.close()


@dataclass
class Bench:
    """A node's folder, a bridge to talk to, and a run to train."""

    served: Served
    run: Run
    station: Station
    plan: dict[str, Any]
    stopping: threading.Event = field(default_factory=threading.Event)

    @property
    def ws(self) -> Workspace:
        return self.served.ws

    def job(self) -> Job:
        with self.ws.db.read() as tx:
            return jobs.find(tx, self.run.job_id)

    def take(self) -> Hold:
        hold = lease.take(self.station, self.run.job_id)
        assert hold is not None
        return hold

    def grant(self) -> Grant:
        return self.station.desk.lease(self.run.job_id, self.station.holder)

    def checkpoints(self) -> list[tuple[int, str]]:
        with self.ws.db.read() as tx:
            return [(c.iteration, c.kind) for c in runs.checkpoints(tx, self.run.id)]

    def events(self, kind: str) -> list[dict[str, Any]]:
        with self.ws.db.read() as tx:
            return [e.fields for e in runs.events(tx, self.run.id, [kind])]

    def iterations(self) -> list[int]:
        return [e["iteration"] for e in self.events("iteration")]

    def with_recipe(self, **changes: Any) -> Bench:
        """The same bench with another run of a changed recipe."""
        recipe: Recipe = replace(self.run.recipe, **changes)
        return replace(self, run=due_run(self.ws, self.run.version, recipe))


@pytest.fixture
def bench(shop: tuple[Served, Run], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Bench:
    served, run = shop
    plan: dict[str, Any] = {"state": str(tmp_path / "starts"), "every": 10, "seconds": 0.001}
    path = tmp_path / "plan.json"
    monkeypatch.setenv("STANDIN_PLAN", str(path))

    class Plan(dict[str, Any]):
        def __setitem__(self, key: str, value: Any) -> None:
            super().__setitem__(key, value)
            path.write_text(json.dumps(self))

    settings = Settings(
        data=tmp_path / "data",
        server=served.url,
        token=served.token,
        node="n1",
        node_dir=str(tmp_path / "node"),
        darknet=str(program(tmp_path)),
        heartbeat_seconds=0.1,
    )
    (tmp_path / "node").mkdir()
    station = Station(settings, "train", "n1", tmp_path / "node", Desk(served.bridge(tries=2)), served.ws.registry)
    made = Bench(served, due_run(served.ws, run.version, run.recipe), station, Plan(plan))
    made.plan["floats"] = floats_of(run.recipe)
    return made


def program(folder: Path) -> Path:
    """The stand-in for darknet as a program of its own; what it is it says without starting Python."""
    path = folder / "darknet"
    path.write_text(
        "#!/bin/sh\n"
        'case "$1$2" in\n'
        f'detectortrain) exec {sys.executable} -S -E {STANDIN} "$@" ;;\n'
        'detector) echo "usage: $0 detector [train/test/valid] [cfg] [weights (optional)]" >&2 ;;\n'
        '*) echo "Not an option: $1" >&2 ;;\n'
        "esac\n"
    )
    path.chmod(0o755)
    return path


def floats_of(recipe: Recipe) -> int:
    from plugins.engines.darknet.cfg import read
    from plugins.engines.darknet.network import walk

    return walk(read(recipe.cfg)).floats


@pytest.fixture
def eventually() -> Callable[[Callable[[], bool]], bool]:
    def wait(what: Callable[[], bool], seconds: float = 8.0) -> bool:
        deadline = time.monotonic() + seconds
        while not what():
            if time.monotonic() > deadline:
                return False
            time.sleep(0.01)
        return True

    return wait
