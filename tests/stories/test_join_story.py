"""A second machine joins a server that `up --listen` opened: its address and a token are all it is told."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bridge.loop.intake import IntakeOptions, import_path
from bridge.model.dataset import Dataset
from bridge.plugin import WriteOptions
from bridge.registry import Registry
from bridge.running import Running
from bridge.sample import LABELS, draw_sample
from bridge.settings import Settings
from bridge.store import runs, tokens
from tests.parts import absent

pytestmark = pytest.mark.story

ROOT = Path(__file__).parents[2]


def until(true: Callable[[], object], seconds: float = 60.0) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.2)


def call(folder: Path, *words: str, **settings: str) -> list[Any]:
    """How to start labelbridge on a machine that has nothing but these settings: words, folder, environment."""
    known = {k: v for k, v in os.environ.items() if not k.startswith("LABELBRIDGE_")}
    env = {**known, "PYTHONPATH": str(ROOT), **{f"LABELBRIDGE_{k.upper()}": v for k, v in settings.items()}}
    return [[sys.executable, "-m", "bridge.cli.main", *words], folder, env]


def test_a_second_machine_trains(tmp_path: Path) -> None:
    if shutil.which("darknet") is None:
        absent("darknet")
    vott, second, terminal = tmp_path / "vott", tmp_path / "second", tmp_path / "terminal"
    Registry().format("vott-v2").write(
        Dataset("p", tuple(LABELS), draw_sample(tmp_path / "写真", 12, 4)), vott, WriteOptions("none")
    )
    with Running(Settings(data=tmp_path / "server", port=0, listen="127.0.0.1", node="first")) as running:
        import_path(running.ws, "撮影", vott, IntakeOptions())
        with running.ws.db.write() as tx:
            _, node_token = tokens.create(tx, "second", "node")
            _, admin_token = tokens.create(tx, "愛子", "admin")
        url = running.settings.url()
        second.mkdir()
        terminal.mkdir()
        words, folder, env = call(second, "worker", "--join", url, "--token", node_token, node="second")
        worker = subprocess.Popen(words, cwd=folder, env=env, stderr=subprocess.PIPE, text=True)
        try:
            asked = {"server": url, "token": admin_token}

            def ask(*said: str) -> Any:
                words, folder, env = call(terminal, *said, "--json", **asked)
                told = subprocess.run(words, cwd=folder, env=env, stdout=subprocess.PIPE, check=True, timeout=120)
                return json.loads(told.stdout)

            until(lambda: "second" in [node["name"] for node in ask("nodes")["nodes"]])
            tiny = ("--template", "demo-tiny", "--size", "128x96", "--max-batches", "10")
            done = ask("train", "撮影", *tiny, "--node", "second", "--watch")
            assert done["state"] == "done"
            with running.ws.db.read() as tx:
                assert runs.find(tx, done["run"]).node == "second"
                assert runs.unscored(tx, done["run"]) == 0
        finally:
            worker.send_signal(signal.SIGTERM)
            _, said = worker.communicate(timeout=60)
        assert worker.returncode == 0, said
        # What it fetched lies with it; a terminal keeps nothing.
        assert list((second / "labelbridge-data/node/cache").rglob("*"))
        assert list(terminal.iterdir()) == []


def test_a_server_for_itself_says_so(tmp_path: Path) -> None:
    with Running(Settings(data=tmp_path / "server", port=0), queues=()) as running:
        with running.ws.db.write() as tx:
            _, token = tokens.create(tx, "second", "node")
        words, folder, env = call(tmp_path, "worker", "--join", running.settings.url(), "--token", token, "--json")
        told = subprocess.run(words, cwd=folder, env=env, stdout=subprocess.PIPE, text=True, timeout=60, check=False)
    assert told.returncode == 1
    assert json.loads(told.stdout)["error"]["name"] == "broker-not-shared"
