"""The parts one by one, as deploy/ starts them: PostgreSQL, Redis with a password, a node that shares nothing."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
import requests
import yaml  # type: ignore[import-untyped]

from bridge.model.job import ENDED, JobState
from bridge.running import free_port
from bridge.settings import Settings
from bridge.store import runs
from bridge.workspace import open_workspace
from tests.conftest import new_postgres
from tests.declared import ROOT
from tests.parts import absent
from tests.serving import make_run

pytestmark = pytest.mark.story
PASSWORD = "0f1e2d3c"


class Machines:
    """Programs with an environment and a folder of their own; all are ended, and must end by themselves when asked."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.started: dict[str, subprocess.Popen[bytes]] = {}

    def start(self, name: str, argv: list[str], env: dict[str, str], machine: str = "server") -> None:
        folder = self.folder / machine
        folder.mkdir(exist_ok=True)
        with (self.folder / f"{name}.log").open("wb") as log:
            self.started[name] = subprocess.Popen(argv, env=env, cwd=folder, stdout=log, stderr=log)

    def stop(self, name: str, seconds: float) -> int:
        child = self.started.pop(name)
        child.send_signal(signal.SIGTERM)
        return child.wait(seconds)

    def end(self) -> None:
        for child in self.started.values():
            for one in [*psutil.Process(child.pid).children(recursive=True), child]:
                one.kill()
            child.wait()


@pytest.fixture
def machines(tmp_path: Path) -> Iterator[Machines]:
    found = Machines(tmp_path)
    yield found
    found.end()


def until(what: str, true: Callable[[], object], seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, f"{what} did not come"
        time.sleep(0.2)


def environment(**settings: str) -> dict[str, str]:
    known = {key: value for key, value in os.environ.items() if not key.startswith("LABELBRIDGE_")}
    return {**known, "PYTHONPATH": str(ROOT), **{f"LABELBRIDGE_{k.upper()}": v for k, v in settings.items()}}


def command(*words: str) -> list[str]:
    return [sys.executable, "-m", "bridge.cli.main", *words]


def ask(env: dict[str, str], *words: str) -> dict[str, object]:
    told = subprocess.run(command(*words, "--json"), env=env, stdout=subprocess.PIPE, text=True, timeout=60, check=True)
    answer: dict[str, object] = json.loads(told.stdout)
    return answer


def compose() -> dict[str, Any]:
    """The services of compose.yaml."""
    found: dict[str, Any] = yaml.safe_load((ROOT / "deploy/compose.yaml").read_text("utf-8"))["services"]
    return found


def broker(machines: Machines) -> str:
    """Redis as compose.yaml starts it; gives its URL."""
    words = [PASSWORD if "REDIS_PASSWORD" in word else word for word in compose()["broker"]["command"]]
    port = free_port()
    machines.start("redis", [*words, "--port", str(port), "--bind", "127.0.0.1"], dict(os.environ), "redis")
    return f"redis://:{PASSWORD}@127.0.0.1:{port}/0"


def test_a_node_that_shares_nothing_with_the_server_trains(postgres: str, machines: Machines, tmp_path: Path) -> None:
    for program in ("redis-server", "darknet"):
        if shutil.which(program) is None:
            absent(program)
    database = new_postgres(postgres, None)
    port, redis = free_port(), broker(machines)
    settings = Settings(data=tmp_path / "server" / "data", database_url=database.url, redis_url=redis, port=port)
    database.dispose()
    server = environment(data="data", database_url=settings.database_url, redis_url=redis, port=str(port))
    (tmp_path / "server").mkdir()

    # As the units and compose.yaml do: first the store, then the parts beside it.
    subprocess.run(command("migrate"), env=server, cwd=tmp_path / "server", check=True, timeout=60)
    machines.start("web", command("web"), server)
    machines.start("bridge", command("worker", "--queue", "bridge"), server)
    until("the web server", lambda: answers(f"{settings.url()}/healthz"), 60)
    assert answers(f"{settings.url()}/readyz")
    *_, healthy = compose()["web"]["healthcheck"]["test"]
    subprocess.run([sys.executable, "-c", healthy.replace(":8765/", f":{port}/")], check=True, timeout=20)

    # A node gets a URL, a token and Redis, and nothing else.
    here = {**server, "LABELBRIDGE_DATA": str(settings.data)}
    token = str(ask(here, "token", "create", "gpu-1", "--role", "node")["token"])
    node = environment(server=settings.url(), token=token, redis_url=redis, node="gpu-1", data="data")
    machines.start("node", command("worker"), node, "node")
    until("the node", lambda: "train" in json.dumps(ask(here, "nodes")), 60)

    ws = open_workspace(settings)
    run = make_run(ws, tmp_path / "pictures", max_batches=20)

    def reported() -> bool:
        with ws.db.read() as tx:
            return runs.find(tx, run.id).state in ENDED and runs.blobs(tx, run.id)[1] is not None

    until("the report", reported, 240)
    with ws.db.read() as tx:
        assert runs.find(tx, run.id).state is JobState.DONE
        checkpoints = {c.id for c in runs.checkpoints(tx, run.id)}
        assert checkpoints
        assert [set(runs.scores(tx, run.id, protocol)) for protocol in ("darknet", "coco")] == [checkpoints] * 2
    ws.close()

    family = [p for child in machines.started.values() for p in psutil.Process(child.pid).children(recursive=True)]
    assert {name: machines.stop(name, 75) for name in ("node", "bridge", "web")} == {"node": 0, "bridge": 0, "web": 0}
    assert [p for p in family if p.is_running() and p.status() != psutil.STATUS_ZOMBIE] == []


def answers(url: str) -> bool:
    try:
        return requests.get(url, timeout=2).status_code == 200
    except requests.RequestException:
        return False
