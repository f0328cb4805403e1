"""This machine as a node: what it has, what it can run, and the thread that says so to the bridge."""

from __future__ import annotations

import math
import os
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import msgspec
import structlog

from bridge.client import Bridge
from bridge.errors import BridgeError, MissingPartError
from bridge.model.job import Node
from bridge.model.work import Orders
from bridge.plugin import Command, Engine, EngineInfo, Output
from bridge.process import Chunk, Process, Stopped
from bridge.queue import Role, node_name, queues
from bridge.registry import Registry
from bridge.settings import Settings
from workers import gpus
from workers.desk import Desk

log = structlog.get_logger()

# A probe is a program that prints a few lines; an odd one may wait for ever.
_PROBE_SECONDS = 20.0
# A role of this node that has not shown itself for so many heartbeats is gone.
_SILENT_BEATS = 6
_MISSING_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Station:
    """All that one worker process works with."""

    settings: Settings
    role: Role
    name: str
    folder: Path
    desk: Desk
    registry: Registry

    @property
    def holder(self) -> str:
        """How this process signs for leases."""
        return f"{self.name}/{self.role}"


def open_station(settings: Settings, role: Role) -> Station:
    """The station of a role on this machine; raises MissingPartError bridge-unnamed without a bridge's URL."""
    if not settings.server:
        raise MissingPartError("bridge-unnamed")
    folder = Path(settings.node_dir) if settings.node_dir else settings.data / "node"
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise MissingPartError("folder-unwritable", path=str(folder), reason=error.strerror or str(error)) from None
    desk = Desk(Bridge(settings.server, settings.token))
    return Station(settings, role, node_name(settings), folder.absolute(), desk, Registry(settings.data / "plugins"))


@contextmanager
def opened(settings: Settings, role: Role) -> Iterator[Station]:
    """A station for one job."""
    station = open_station(settings, role)
    try:
        yield station
    finally:
        station.desk.bridge.close()


# ---------------------------------------------------------------- the trainer that is installed


def engine_info(station: Station, engine: Engine) -> EngineInfo:
    """What the installed trainer is; raises MissingPartError when there is none, or none that we know."""
    binary = station.settings.darknet or engine.name
    found = shutil.which(binary)
    if found is None:
        raise MissingPartError("engine-missing", engine=engine.name, program=binary, node=station.name)
    return engine.recognise(found, [run_briefly(command) for command in engine.probes(found)])


def run_briefly(command: Command, seconds: float = _PROBE_SECONDS) -> Output:
    """Run a short program to its end and give what it wrote; one that takes too long is stopped."""
    parts: dict[str, list[bytes]] = {"out": [], "err": []}
    code = 0
    deadline = time.monotonic() + seconds
    with Process(command.argv, env=command.env, stdin=command.stdin, dies_with_parent=True) as process:
        for message in process.messages(tick=0.2):
            if isinstance(message, Chunk):
                parts[message.stream].append(message.data)
            elif isinstance(message, Stopped):
                code = message.exit_code
            if time.monotonic() > deadline:
                process.stop(1.0)
    out, err = (b"".join(parts[s]).decode("utf-8", "replace") for s in ("out", "err"))
    return Output(out, err, code)


# ---------------------------------------------------------------- saying so


def describe(station: Station) -> Node:
    """What this node is made of. A trainer that is missing is left out: an empty engine says that it cannot train."""
    try:
        engine = station.registry.engine("darknet")
        info: dict[str, Any] = msgspec.to_builtins(engine_info(station, engine))
    except BridgeError as error:
        log.warning("engine-missing", rule=error.rule, fields=error.fields)
        info = {}
    return Node(station.name, gpus.probe().sample(), info)


def show(station: Station) -> None:
    """Leave a sign that this role is at work here: the processes of a node speak for each other."""
    sign = station.folder / "roles" / station.role
    sign.parent.mkdir(exist_ok=True)
    sign.touch()
    os.utime(sign)


def _queues(station: Station) -> tuple[str, ...]:
    since = time.time() - station.settings.heartbeat_seconds * _SILENT_BEATS
    roles: tuple[Role, ...] = ("train", "detect")
    here = [r for r in roles if r == station.role or _shown(station.folder / "roles" / r) >= since]
    return tuple(queue for role in here for queue in queues(role, station.name))


def _shown(sign: Path) -> float:
    try:
        return sign.stat().st_mtime
    except OSError:
        return 0.0


class Announcer:
    """A thread that tells the bridge every few seconds that this node is there, and hears whether it shall drain."""

    def __init__(self, station: Station, drain: Callable[[bool], None]) -> None:
        self._station, self._drain = station, drain
        self._stop = threading.Event()
        self._draining = False
        self._trouble = ""
        self._node = Node(station.name)
        self._look_again = 0.0
        self._thread = threading.Thread(target=self._run, name="announcer", daemon=True)

    def start(self) -> Announcer:
        """Begin."""
        self._thread.start()
        return self

    def stop(self) -> None:
        """End after the message at hand."""
        self._stop.set()
        self._thread.join(5.0)

    def _run(self) -> None:
        usual = self._station.settings.heartbeat_seconds
        pause = 0.0
        while not self._stop.wait(pause):
            try:
                orders = self._tell()
            except BridgeError as error:
                self._say(error)
                pause = min(max(pause * 2, 0.25), usual)  # Bridge and workers are often started together.
            else:
                self._trouble = ""
                self._obey(orders)
                pause = usual

    def _tell(self) -> Orders:
        show(self._station)
        if time.monotonic() >= self._look_again:
            self._node = describe(self._station)
            # What is installed does not change while we run, but a missing trainer may be installed at last.
            self._look_again = math.inf if self._node.engine else time.monotonic() + _MISSING_SECONDS
        free = shutil.disk_usage(self._station.folder).free
        return self._station.desk.register(replace(self._node, disk_free=free, queues=_queues(self._station)))

    def _obey(self, orders: Orders) -> None:
        if orders.draining != self._draining:
            self._draining = orders.draining
            log.info("draining" if orders.draining else "draining-over", node=self._station.name)
            self._drain(orders.draining)

    def _say(self, error: BridgeError) -> None:
        if error.rule != self._trouble:
            log.warning("bridge-not-told", rule=error.rule, fields=error.fields)
        self._trouble = error.rule
