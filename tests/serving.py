"""A real bridge for tests of what talks to it: the whole app over a workspace, on a port of its own."""

from __future__ import annotations

import random
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from werkzeug.serving import BaseWSGIServer, WSGIRequestHandler, make_server

from bridge.client import Bridge
from bridge.loop import intake
from bridge.loop.cut import CutOptions, cut
from bridge.model.dataset import Reading
from bridge.model.training import Recipe, Run
from bridge.plugin import RecipeWish
from bridge.sample import LABELS, draw_sample
from bridge.store import jobs, projects, runs, tokens
from bridge.store.database import now
from bridge.workspace import Workspace

PROJECT = "部品"


class _Handler(WSGIRequestHandler):
    # No kept-alive connections: when the server goes, nothing of it stays.
    protocol_version = "HTTP/1.0"

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        return


def _free_port() -> int:
    """A free port that no outgoing connection is given, so that it is still free after a stop."""
    while True:
        port = random.randint(20_000, 32_000)
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) != 0:
                return port


class Served:
    """The app over a workspace, listening; can be stopped and started again at the same place."""

    def __init__(self, ws: Workspace, app: Any) -> None:
        self.ws = ws
        self._app = app
        self.port = _free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        with ws.db.write() as tx:
            _, self.token = tokens.create(tx, "a node", "node")
        self._server: BaseWSGIServer | None = None
        self._bridges: list[Bridge] = []
        self.start()

    def bridge(self, **rest: Any) -> Bridge:
        """A client with a node's token."""
        self._bridges.append(Bridge(self.url, rest.pop("token", self.token), **rest))
        return self._bridges[-1]

    def start(self) -> None:
        """Listen."""
        self._server = self._bound()
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()

    def _bound(self) -> BaseWSGIServer:
        """A server at our port, which may still be held for a moment by connections that end."""
        deadline = time.monotonic() + 5
        while True:
            try:
                return make_server("127.0.0.1", self.port, self._app, threaded=True, request_handler=_Handler)
            except SystemExit:  # So werkzeug says that the port is taken.
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.01)

    def stop(self) -> None:
        """Go away."""
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server = None

    def close(self) -> None:
        """End for good."""
        self.stop()
        for bridge in self._bridges:
            bridge.close()


@contextmanager
def serving(ws: Workspace) -> Iterator[Served]:
    """The app over a workspace, for as long as the block lasts."""
    from bridge.web.app import create_app

    served = Served(ws, create_app(ws))
    try:
        yield served
    finally:
        served.close()


def make_run(ws: Workspace, folder: Path, pictures: tuple[int, int] = (4, 2), max_batches: int = 40) -> Run:
    """A project of drawn pictures, its dataset version, and a run of the smallest network that is due."""
    documents = draw_sample(folder, *pictures)
    with ws.db.write() as tx:
        project = projects.create(tx, PROJECT)
        source = projects.put_source(tx, project.id, "import", "import", str(folder))
    intake.take(ws, project, source, Reading(tuple(LABELS), iter(documents), len(documents)), "test")
    held_out = frozenset(d.image.name for d in documents if d.held_out)
    version = cut(ws, project.id, CutOptions(held_out=held_out)).version
    return due_run(ws, version.id, recipe(ws, pictures[0], max_batches))


def recipe(ws: Workspace, pictures: int = 4, max_batches: int = 40) -> Recipe:
    """The smallest network for the drawn labels."""
    wish = RecipeWish(tuple(LABELS), pictures, "demo-tiny", network=(128, 96), max_batches=max_batches)
    return ws.registry.engine("darknet").draft(wish)


def due_run(ws: Workspace, version: str, wanted: Recipe) -> Run:
    """A run and its due job."""
    with ws.db.write() as tx:
        project = projects.find(tx, PROJECT).id
        run_id = jobs.new_id()
        job_id = jobs.put(tx, "train", "train", {"run": run_id}, project, f"train:{run_id}")
        run = Run(run_id, project, version, wanted, job_id, now())
        runs.put(tx, run)
    return run
