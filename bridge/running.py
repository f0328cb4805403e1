"""`labelbridge up` as a child of this process: for the demo, and for stories."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import TracebackType

import requests

from bridge.errors import MissingPartError
from bridge.loop.train import living_nodes
from bridge.settings import Settings
from bridge.workspace import Workspace, open_workspace

_START_SECONDS = 60.0
_STOP_SECONDS = 20.0


def free_port() -> int:
    """A port of this machine that nobody uses now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass(slots=True)
class Running:
    """The whole server, for as long as the with block lasts (when we are killed, it goes on until somebody ends it)."""

    settings: Settings
    queues: tuple[str, ...] = ("train", "detect")
    _child: subprocess.Popen[bytes] | None = field(default=None, init=False)
    _workspace: Workspace | None = field(default=None, init=False)

    @property
    def ws(self) -> Workspace:
        """The workspace of the running server."""
        if self._workspace is None:
            self._workspace = open_workspace(self.settings, create=True)
        return self._workspace

    @property
    def pid(self) -> int:
        """The process that holds all the others."""
        assert self._child is not None
        return self._child.pid

    @property
    def log(self) -> Path:
        """What the child wrote."""
        return self.settings.data / "logs" / "up.log"

    def __enter__(self) -> Running:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def start(self, waiting: Callable[[], None] = lambda: None) -> None:
        """Start and wait until pages and workers are there; raises MissingPartError up-failed with its last lines."""
        if self.settings.port == 0:
            self.settings = replace(self.settings, port=free_port())
        self.ws.db.dispose()
        self.log.parent.mkdir(parents=True, exist_ok=True)
        with self.log.open("ab") as log:
            self._child = subprocess.Popen(
                [sys.executable, "-m", "bridge.cli.main", "up"],
                env={**os.environ, **self.settings.environment()},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        deadline = time.monotonic() + _START_SECONDS
        while not self._ready():
            if self._child.poll() is not None or time.monotonic() > deadline:
                self.stop()
                raise MissingPartError("up-failed", log=str(self.log), tail=self._tail())
            waiting()
            time.sleep(0.1)

    def stop(self) -> None:
        """End everything, politely first."""
        if self._child is not None and self._child.poll() is None:
            self._child.terminate()
            try:
                self._child.wait(_STOP_SECONDS)
            except subprocess.TimeoutExpired:
                self._child.kill()
                self._child.wait()
        if self._workspace is not None:
            self._workspace.close()

    def _ready(self) -> bool:
        try:
            if requests.get(f"{self.settings.url()}/readyz", timeout=1).status_code != 200:
                return False
        except requests.RequestException:
            return False
        return set(self.queues) <= {queue for node in living_nodes(self.ws) for queue in node.queues}

    def _tail(self) -> str:
        lines = self.log.read_text("utf-8", "replace").splitlines() if self.log.is_file() else []
        return " | ".join(lines[-5:])
