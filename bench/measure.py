"""Measuring one command: CPU seconds of it and its children, wall seconds, and the most memory it held."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from ast import literal_eval
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


# A child is counted the memory of whoever starts it, and the one who measures has made a large project before. So a
# small process starts the command and tells what it took: status, CPU seconds, kilobytes.
_STARTER = """
import os, sys
child = os.fork()
if child == 0:
    os.execvp(sys.argv[2], sys.argv[2:])
_, status, usage = os.wait4(child, 0)
told = (os.waitstatus_to_exitcode(status), usage.ru_utime + usage.ru_stime, usage.ru_maxrss)
os.write(int(sys.argv[1]), repr(told).encode())
"""


def run(argv: Sequence[str | Path], cwd: Path | None = None, env: dict[str, str] | None = None) -> Taken:
    """Run a command to its end; raises RuntimeError with its last lines when it fails."""
    reader, writer = os.pipe()
    began = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-S", "-c", _STARTER, str(writer), *map(str, argv)],
        cwd=cwd,
        env={**os.environ, **(env or {})},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        pass_fds=(writer,),
    )
    wall = time.monotonic() - began
    os.close(writer)
    with os.fdopen(reader) as told:
        code, cpu, kilobytes = literal_eval(told.read() or "(1, 0.0, 0)")
    if code != 0:
        raise RuntimeError(f"{argv[0]} ended with {code}: {done.stdout[-2000:]}")
    return Taken(cpu, wall, kilobytes * 1024 / 1e6, done.stdout)


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
