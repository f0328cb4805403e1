"""Child processes that are kept running: started again when they die, ended with us, each with a log of its own."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import structlog

from bridge.process.child import death_of

log = structlog.get_logger()

_SHORTEST_PAUSE = 0.25
_LONGEST_PAUSE = 15.0
# A child that lived so long had begun well: the next start need not wait.
_WELL_SECONDS = 30.0
_LOG_BYTES = 10_000_000


class Child:
    """One program under care. Call its methods from one thread: the child dies with the thread that started it."""

    def __init__(
        self,
        name: str,
        argv: Sequence[str],
        env: Mapping[str, str],
        logs: Path,
        before_restart: Callable[[int], None] = lambda deaths: None,
    ) -> None:
        self.name = name
        self.log = logs / f"{name}.log"
        self._argv, self._env, self._before_restart = list(argv), dict(env), before_restart
        self._process: subprocess.Popen[bytes] | None = None
        self._started = 0.0
        self._deaths = 0

    @property
    def pid(self) -> int | None:
        """Process number while it runs."""
        return self._process.pid if self._process and self._process.poll() is None else None

    def start(self) -> None:
        """Start the program in a session of its own, so that Ctrl-C reaches it through us alone."""
        _rotate(self.log)
        with self.log.open("ab") as file:
            self._process = subprocess.Popen(
                self._argv,
                env={**os.environ, **self._env},
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                preexec_fn=death_of(os.getpid()) if sys.platform == "linux" else None,
            )
        self._started = time.monotonic()

    def care(self) -> None:
        """Start it again if it has died, after a pause that grows with every quick death."""
        if self._process is None or self._process.poll() is None:
            return
        lived = time.monotonic() - self._started
        if lived > _WELL_SECONDS:
            self._deaths = 0
        if lived < min(_SHORTEST_PAUSE * 2**self._deaths, _LONGEST_PAUSE):
            return
        self._deaths += 1
        log.warning("child-died", child=self.name, code=self._process.returncode, log=str(self.log))
        # What it started itself must not go on beside the new one, nor keep its port.
        _signal(self._process.pid, signal.SIGKILL)
        self._before_restart(self._deaths)
        self.start()

    def ask_to_end(self) -> None:
        """Send SIGTERM."""
        if self._process is not None and self._process.poll() is None:
            self._process.terminate()

    def end(self, seconds: float) -> None:
        """Wait for the end that was asked for; then kill it with all of its group."""
        if self._process is None:
            return
        try:
            self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            log.warning("child-killed", child=self.name)
        _signal(self._process.pid, signal.SIGKILL)
        self._process.wait()
        self._process = None


class Family:
    """Groups of children in the order they were started; at the end they go in the opposite one, group by group."""

    def __init__(self) -> None:
        self._groups: list[tuple[float, tuple[Child, ...]]] = []

    def __enter__(self) -> Family:
        return self

    def __exit__(self, *_: object) -> None:
        for seconds, children in reversed(self._groups):
            for child in children:
                child.ask_to_end()
            deadline = time.monotonic() + seconds
            for child in children:
                child.end(max(deadline - time.monotonic(), 0.1))

    def start(self, *children: Child, seconds: float) -> None:
        """Start a group, which at the end gets so many seconds."""
        self._groups.append((seconds, children))
        for child in children:
            child.start()

    def care(self) -> None:
        """Start again what has died."""
        for _, children in self._groups:
            for child in children:
                child.care()

    def logs(self) -> list[Path]:
        """Where they write."""
        return [child.log for _, children in self._groups for child in children]


def _signal(group: int, number: signal.Signals) -> None:
    try:
        os.killpg(group, number)
    except (ProcessLookupError, PermissionError):
        return  # Nothing of it is left.


def _rotate(path: Path) -> None:
    if path.exists() and path.stat().st_size > _LOG_BYTES:
        path.replace(path.with_name(f"{path.name}.1"))
