"""How fast a webhook is answered by the real server: alone, and while a large import runs."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import threading
import time
import uuid
from pathlib import Path
from statistics import quantiles

import requests

from bench.measure import Row
from bench.projects import vott_project
from bridge.loop.tool import secrets_of
from bridge.model.project import Source
from bridge.running import Running, free_port
from bridge.settings import Settings
from bridge.store import projects
from bridge.store.credentials import seal
from bridge.workspace import Workspace

CLIENTS = 16


def measure(folder: Path, quick: bool) -> list[Row]:
    """16 clients that save annotations one after the other, each a request of its own."""
    pictures = 4_000 if quick else 60_000
    project = vott_project(folder / "project", pictures, 10, 25_000)
    settings = Settings(data=folder / "data", port=free_port())
    with Running(settings) as running:
        url, secret = _listening(running.ws)
        alone = _load(url, secret, seconds=5 if quick else 10)
        child = subprocess.Popen(
            [sys.executable, "-m", "bridge.cli.main", "import", "bench", str(project)],
            env={**os.environ, "LABELBRIDGE_DATA": str(settings.data)},
            stdout=subprocess.DEVNULL,
        )
        busy = _load(url, secret, until=child)
        child.wait()
    shutil.rmtree(folder, ignore_errors=True)
    beside = f"alone: p50 {alone[49]:.0f} ms, p99 {alone[98]:.0f} ms"
    told = f"p50 {busy[49]:.0f} ms, p99 {busy[98]:.0f} ms"
    what = f"webhooks by {CLIENTS} clients while {pictures:,} pictures are imported"
    return [Row(what, told, beside, f"{busy[98] / alone[98]:.1f}×", "p99 < 300 ms", busy[98] < 300)]


def _listening(ws: Workspace) -> tuple[str, str]:
    """A project with a connected Label Studio, and the secret that its webhooks carry."""
    secret = uuid.uuid4().hex
    with ws.db.write() as tx:
        project = projects.create(tx, "webhooks")
        sealed = seal(ws.settings, {"token": "x", "webhook": secret})
        source: Source = projects.put_source(
            tx, project.id, "label-studio", "label-studio", "http://127.0.0.1:9", {"project": 1}, sealed
        )
    assert secrets_of(ws, source)["webhook"] == secret
    return f"{ws.settings.url()}/webhooks/label-studio/{project.id}", secret


def _load(url: str, secret: str, seconds: float = 0, until: subprocess.Popen[bytes] | None = None) -> list[float]:
    """Percentiles 1 to 99 of the answer times in milliseconds."""
    times: list[float] = []
    deadline = time.monotonic() + seconds

    def go_on() -> bool:
        return until.poll() is None if until is not None else time.monotonic() < deadline

    def client(number: int) -> None:
        session = requests.Session()
        n = 0
        while go_on():
            n += 1
            body = json.dumps(_event(number * 1_000_000 + n))
            began = time.monotonic()
            answer = session.post(url, data=body, headers={"X-Labelbridge-Secret": secret}, timeout=30)
            times.append((time.monotonic() - began) * 1000)
            assert answer.status_code == 200, answer.text
            time.sleep(0.02)

    threads = [threading.Thread(target=client, args=(n,)) for n in range(CLIENTS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return quantiles(times, n=100)


def _event(number: int) -> dict[str, object]:
    region = {"id": "r", "type": "rectanglelabels", "value": {"x": 1, "y": 2, "width": 3, "height": 4}}
    annotation = {"id": number, "result": [region] * 20, "updated_at": f"2026-01-01T00:00:00.{number:09d}Z"}
    return {"action": "ANNOTATION_CREATED", "annotation": annotation, "task": {"id": number}, "project": {"id": 1}}
