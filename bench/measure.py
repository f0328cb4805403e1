"""Measuring one command: CPU seconds of it and its children, wall seconds, and the most memory it held."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median


@dataclass(frozen=True, slots=True)
class Taken:
    """What a command took; memory in megabytes (10^6 bytes)."""

    cpu: float
    wall: float
    memory: float
    output: str = ""


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the result: ours beside the peer or the limit, and what was promised."""

    what: str
    ours: str
    peer: str
    ratio: str
    wanted: str
    met: bool | None = None


def run(argv: Sequence[str | Path], cwd: Path | None = None, env: dict[str, str] | None = None) -> Taken:
    """Run a command to its end; raises RuntimeError with its last lines when it fails."""
    began = time.monotonic()
    child = subprocess.Popen(
        [str(a) for a in argv],
        cwd=cwd,
        env={**os.environ, **(env or {})},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert child.stdout is not None
    output = child.stdout.read()
    _, status, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    child.stdout.close()
    if child.returncode != 0:
        raise RuntimeError(f"{argv[0]} ended with {child.returncode}: {output[-2000:]}")
    cpu = usage.ru_utime + usage.ru_stime
    return Taken(cpu, time.monotonic() - began, usage.ru_maxrss * 1024 / 1e6, output)


def interleaved(times: int, *acts: Callable[[], Taken]) -> list[Taken]:
    """Each act so many times in turn; the median CPU and wall of each, and the most memory."""
    taken: list[list[Taken]] = [[] for _ in acts]
    for _ in range(times):
        for kept, act in zip(taken, acts, strict=True):
            kept.append(act())
    return [
        Taken(median(t.cpu for t in kept), median(t.wall for t in kept), max(t.memory for t in kept), kept[-1].output)
        for kept in taken
    ]


def labelbridge(*words: str | Path, data: Path | None = None) -> Taken:
    """One labelbridge command."""
    env = {"LABELBRIDGE_DATA": str(data)} if data else {}
    return run([sys.executable, "-m", "bridge.cli.main", *words], env=env)
