"""Everything of one machine under one roof: what is started in which order, watched, and ended."""

from __future__ import annotations

import shutil
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from urllib.error import URLError
from urllib.request import ProxyHandler, build_opener

from filelock import FileLock, Timeout

import bridge
from bridge.client import Bridge
from bridge.embedded import broker
from bridge.embedded.children import Child, Family
from bridge.embedded.door import Door, door_of, opened
from bridge.errors import ConflictError, MissingPartError
from bridge.queue import SHUTDOWN_SECONDS, node_name, queues
from bridge.settings import Settings
from bridge.store import nodes, tokens
from bridge.workspace import Workspace, open_workspace

_MODULES = {"bridge": ("bridge.background",), "train": ("workers.main", "train"), "detect": ("workers.main", "detect")}
_READY_SECONDS = 120.0
_LOOK_SECONDS = 0.1
# Seconds that each part gets to end; a worker first stops its program and hands in what it has.
_WORKER_SECONDS = SHUTDOWN_SECONDS + 15.0
_WEB_SECONDS = 15.0
_BROKER_SECONDS = 10.0
# A broker that died so often at once cannot read its file.
_BROKER_DEATHS = 3


def up(settings: Settings, on_ready: Callable[[str], object], stop: threading.Event | None = None) -> None:
    """Run everything until SIGINT, SIGTERM or stop; on_ready gets a login link once pages and workers answer.

    Call it in the thread that lives as long as it shall run. Raises ConflictError up-running, MissingPartError
    port-taken, broker-program-missing, up-not-ready, and what opening the store raises.
    """
    # Here and not above: a node has workers, but no Flask.
    from bridge.web.auth import login_link
    from bridge.web.serve import claim

    stop = stop or threading.Event()
    settings = opened(replace(settings, data=settings.data.absolute()))
    with ExitStack() as stack:
        stack.enter_context(_stopped_by_signals(stop))
        ws = open_workspace(settings, create=True)
        stack.callback(ws.close)
        stack.enter_context(_only_one(settings))
        claim(settings.host, settings.port)
        door = door_of(settings)
        if door is not None:
            claim(door.address, door.port)
        token = stack.enter_context(_node_token(ws, node_name(settings)))
        settings = replace(settings, server=_own_url(settings), token=token)
        folder = stack.enter_context(_run_folder(settings))
        family = stack.enter_context(Family())
        if not settings.redis_url:
            settings = _start_broker(settings, folder, family, stop, door)
        since = time.time()
        family.start(_python("web", ("bridge.web.serve",), settings), seconds=_WEB_SECONDS)
        family.start(*_workers(settings, tuple(_MODULES)), seconds=_WORKER_SECONDS)
        if _wait(family, stop, lambda: _ready(ws, settings, since), _READY_SECONDS):
            on_ready(login_link(ws))
        _watch(family, stop)


def work(settings: Settings, roles: Sequence[str], stop: threading.Event | None = None) -> None:
    """Run the workers of these roles on this machine until SIGINT, SIGTERM or stop.

    The broker that no setting names is asked of the bridge. Raises MissingPartError broker-missing or bridge-unnamed
    when the settings do not say where to, and what the bridge answers.
    """
    stop = stop or threading.Event()
    settings = replace(settings, data=settings.data.absolute())
    if not settings.redis_url and settings.server:
        settings = replace(settings, redis_url=_told_broker(settings))
    if not settings.redis_url:
        raise MissingPartError("broker-missing")
    if not settings.server and set(roles) != {"bridge"}:
        raise MissingPartError("bridge-unnamed")
    with _stopped_by_signals(stop), Family() as family:
        family.start(*_workers(settings, roles), seconds=_WORKER_SECONDS)
        _watch(family, stop)


# ---------------------------------------------------------------- the parts


def _workers(settings: Settings, roles: Sequence[str]) -> list[Child]:
    return [_python(f"worker-{role}", _MODULES[role], settings) for role in roles]


def _python(name: str, module: Sequence[str], settings: Settings) -> Child:
    env = {**settings.environment(), "PYTHONUNBUFFERED": "1"}
    root = Path(bridge.__file__).parents[1]
    if (root / "pyproject.toml").is_file():  # A bare checkout, perhaps started from elsewhere.
        env["PYTHONPATH"] = str(root)
    return Child(name, [sys.executable, "-m", *module], env, _logs(settings))


def _logs(settings: Settings) -> Path:
    folder = settings.data / "logs"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _told_broker(settings: Settings) -> str:
    bridge_ = Bridge(settings.server, settings.token)
    try:
        return str(bridge_.get("/work/broker")["url"])
    finally:
        bridge_.close()


def _start_broker(
    settings: Settings, private: Path, family: Family, stop: threading.Event, door: Door | None
) -> Settings:
    """Start a broker of our own; gives the settings that name it."""
    folder, place = settings.data / "broker", private / "broker.sock"
    folder.mkdir(parents=True, exist_ok=True)

    def mend(deaths: int) -> None:
        if deaths == _BROKER_DEATHS:
            broker.put_aside(folder)

    child = Child("broker", broker.arguments(broker.binary(), folder, place, door), {}, _logs(settings), mend)
    family.start(child, seconds=_BROKER_SECONDS)
    _wait(family, stop, lambda: broker.answers(place, door), _READY_SECONDS)
    told = door.url() if door else settings.node_redis_url
    return replace(settings, redis_url=broker.url(place, door), node_redis_url=told)


def _own_url(settings: Settings) -> str:
    """Where the workers of this machine find the web server."""
    here = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(settings.host, settings.host)
    return f"http://[{here}]:{settings.port}" if ":" in here else f"http://{here}:{settings.port}"


@contextmanager
def _run_folder(settings: Settings) -> Iterator[Path]:
    folder = broker.run_folder(settings)
    try:
        yield folder
    finally:
        if not settings.run_dir:
            shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _node_token(ws: Workspace, node: str) -> Iterator[str]:
    """A token for the workers of this machine, good for as long as we run."""
    name = f"up on {node}"
    with ws.db.write() as tx:
        for old in tokens.listing(tx):  # One that was killed could not take its own back.
            if old.name == name and not old.revoked:
                tokens.revoke(tx, old.id)
        token, word = tokens.create(tx, name, "node")
    try:
        yield word
    finally:
        with ws.db.write() as tx:
            tokens.revoke(tx, token.id)


@contextmanager
def _only_one(settings: Settings) -> Iterator[None]:
    lock = FileLock(settings.data / "up.lock")
    try:
        lock.acquire(timeout=0)
    except Timeout:
        raise ConflictError("up-running", path=str(settings.data)) from None
    try:
        yield
    finally:
        lock.release()


# ---------------------------------------------------------------- waiting


@contextmanager
def _stopped_by_signals(stop: threading.Event) -> Iterator[None]:
    """Let SIGINT and SIGTERM set a flag; whoever watches does the rest. In other threads nothing is changed."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {n: signal.signal(n, lambda *_: stop.set()) for n in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _watch(family: Family, stop: threading.Event) -> None:
    while not stop.wait(_LOOK_SECONDS):
        family.care()


def _wait(family: Family, stop: threading.Event, ready: Callable[[], bool], seconds: float) -> bool:
    """Whether it became ready before we were stopped; raises MissingPartError up-not-ready."""
    deadline = time.monotonic() + seconds
    while not stop.wait(_LOOK_SECONDS):
        if ready():
            return True
        family.care()
        if time.monotonic() > deadline:
            raise MissingPartError("up-not-ready", seconds=int(seconds), logs=", ".join(map(str, family.logs())))
    return False


def _ready(ws: Workspace, settings: Settings, since: float) -> bool:
    name = node_name(settings)
    wanted = {*queues("train", name), *queues("detect", name)}
    with ws.db.read() as tx:
        told = any(n.name == name and n.seen >= since and wanted <= set(n.queues) for n in nodes.listing(tx))
    return told and _answers(f"{settings.server}/readyz")


def _answers(url: str) -> bool:
    try:
        # A proxy of the surroundings cannot reach this machine.
        with build_opener(ProxyHandler({})).open(url, timeout=2.0) as answer:
            return bool(answer.status == 200)
    except (URLError, OSError):
        return False
