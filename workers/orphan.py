"""A training program that outlived its worker: ended before anything else is started, its checkpoints handed in.

What runs is written to NODE/running.json before it starts. Killing a worker may leave the program alive in its own
session; the next worker of this node finds it by its identity, or by its arguments if the worker was killed in between.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import msgspec
import structlog
from filelock import FileLock, Timeout

from bridge.document import write_atomic
from bridge.errors import BridgeError, ConflictError
from bridge.model.training import Recipe
from bridge.model.work import End
from bridge.plugin import RunFiles
from bridge.process import end_group
from workers import workdir
from workers.node import Station
from workers.outbox import Courier, Outbox
from workers.weights import Kept

log = structlog.get_logger()

# The worker before us may be on its way out.
_LOCK_SECONDS = 15.0
# How long the leftovers of a dead worker may keep a new one from starting.
_HAND_IN_SECONDS = 60.0
# Work folders that nobody came back to are taken away after a week.
_KEEP_SECONDS = 7 * 24 * 3600.0


@dataclass(frozen=True, slots=True)
class Running:
    """The program that trains on this node, and all that is needed to collect what it saved."""

    job: str
    number: int
    run: str
    engine: str
    recipe: Recipe
    files: dict[str, str | None]
    pid: int | None = None
    created: float | None = None


def paths_of(files: RunFiles) -> dict[str, str | None]:
    """The files of a run as text."""
    names = RunFiles.__dataclass_fields__
    return {name: str(value) if (value := getattr(files, name)) is not None else None for name in names}


def _files(paths: dict[str, str | None]) -> RunFiles:
    return RunFiles(**{name: Path(path) if path is not None else None for name, path in paths.items()})  # type: ignore[arg-type]


@contextmanager
def alone(station: Station) -> Iterator[None]:
    """Be the only one that trains on this node; raises ConflictError node-busy."""
    lock = FileLock(station.folder / "train.lock")
    try:
        with lock.acquire(timeout=_LOCK_SECONDS):
            yield
    except Timeout:
        raise ConflictError("node-busy", node=station.name) from None


def record(station: Station, running: Running) -> None:
    """Write down what is about to run, or runs."""
    write_atomic(station.folder / "running.json", msgspec.json.encode(running))


def forget(station: Station) -> None:
    """Nothing runs any more."""
    (station.folder / "running.json").unlink(missing_ok=True)


def clear(station: Station, outbox: Outbox) -> None:
    """End what a dead worker left running, hand in its checkpoints and give its job back. Call it under `alone`."""
    found = _read(station.folder / "running.json")
    if found is not None:
        _end(found)
        _collect(station, outbox, found)
        workdir.drop_plain_name(Path(str(found.files["folder"])))
        _give_back(station, outbox, found)
        forget(station)
    _tidy(station.folder / "runs")


def run_folder(station: Station, run: str) -> Path:
    """Where a run's attempts and kept weights lie on this node."""
    return station.folder / "runs" / run


def _read(path: Path) -> Running | None:
    try:
        return msgspec.json.decode(path.read_bytes(), type=Running)
    except FileNotFoundError:
        return None
    except msgspec.DecodeError as error:  # From another version of this program.
        log.warning("running-unreadable", path=str(path), reason=str(error))
        return None


def _end(found: Running) -> None:
    if found.pid is not None and found.created is not None:
        gone = end_group(found.pid, found.created)
        log.info("orphan-ended", job=found.job, pid=found.pid, gone=gone)
    else:
        for pid, created in _programs_with(found.files):
            log.info("orphan-ended", job=found.job, pid=pid, gone=end_group(pid, created))


def _programs_with(files: dict[str, str | None]) -> list[tuple[int, float]]:
    """Programs that were given this run's own files, whatever wrapper started them."""
    import psutil

    own = {path for name in ("data", "cfg") if (path := files.get(name)) is not None}
    found = []
    for process in psutil.process_iter():
        try:
            if own and own <= set(process.cmdline()):
                found.append((process.pid, process.create_time()))
        except psutil.Error:
            continue
    return found


def _collect(station: Station, outbox: Outbox, found: Running) -> None:
    kept = Kept(run_folder(station, found.run) / "kept", found.job, outbox)
    try:
        kept.collect(station.registry.engine(found.engine), _files(found.files), found.recipe, all_kinds=True)
    except BridgeError as error:  # The engine was a plugin that is there no more.
        log.warning("not-collected", job=found.job, rule=error.rule, fields=error.fields)


def _give_back(station: Station, outbox: Outbox, found: Running) -> None:
    """Under the dead worker's lease, if it still holds; else the job is due again already."""
    until = time.monotonic() + _HAND_IN_SECONDS
    with Courier(outbox, station.desk, found.job, found.number) as courier:
        if not courier.drain(lambda: time.monotonic() < until):
            return
    try:
        station.desk.finish(found.job, End(found.number, "queued"))
    except BridgeError as error:
        log.info("not-given-back", job=found.job, rule=error.rule)


def _tidy(runs: Path) -> None:
    if not runs.is_dir():
        return
    for folder in runs.iterdir():
        # Every new checkpoint changes the time of kept/.
        used = max(path.stat().st_mtime for path in (folder, folder / "kept") if path.exists())
        if time.time() - used > _KEEP_SECONDS:
            shutil.rmtree(folder, ignore_errors=True)
