"""A real Label Studio server of our own, in an environment of its own: for tests and for the demo.

Label Studio brings about 160 packages that would not fit beside ours, so it is installed once into a virtual
environment in the cache folder. Its first start makes a database (some 45 s); that data folder is kept as a template,
and a copy of it starts in a few seconds.
"""

from __future__ import annotations

import json
import os
import re
import secrets
import shutil
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from types import TracebackType

from filelock import FileLock

from bridge.errors import MissingPartError
from bridge.process import Chunk, Process, Stopped

VERSION = "1.23.2"
# What it takes on disk, and how long pip takes on a small machine.
MEGABYTES = 995
MINUTES = 2
_FIRST_START_SECONDS = 240.0
_START_SECONDS = 90.0
_COMPLETE = ".complete"
_ACCESS = "access.json"
# It takes settings from variables without a prefix too (HOST, DEBUG, DATABASE_NAME, …): only these are passed on.
_PASSED_ON = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE")
# The environment comes by standard input: on the command line everybody could read its password.
_LAUNCH = "import json, os, sys; os.execve(sys.argv[1], sys.argv[1:], json.load(sys.stdin))"
_LISTENS = re.compile(r"Starting development server at http://\S+?:(\d+)/")

# Says a key of the catalogue cli with its fields.
Say = Callable[..., None]


def silent(key: str, **fields: object) -> None:
    """Say nothing."""


@dataclass(frozen=True, slots=True)
class Access:
    """Who may log in: a person by user and password, a program by the legacy token."""

    user: str
    password: str
    token: str


def cache_folder(environ: Mapping[str, str] | None = None) -> Path:
    """Where what is made once lies: LABELBRIDGE_CACHE, else ~/.cache/labelbridge."""
    environ = os.environ if environ is None else environ
    told = environ.get("LABELBRIDGE_CACHE")
    return Path(told) if told else Path.home() / ".cache" / "labelbridge"


def program(cache: Path, say: Say = silent) -> Path:
    """The program label-studio: the one that LABELBRIDGE_LABEL_STUDIO names, else ours, installed on first use."""
    told = os.environ.get("LABELBRIDGE_LABEL_STUDIO")
    if not told:
        return install(cache, say)
    if not Path(told).is_file():
        raise MissingPartError("label-studio-program-missing", path=told)
    return Path(told)


# ---------------------------------------------------------------- once: install, and make a template


def installed(cache: Path) -> Path | None:
    """The program, if it was installed here wholly."""
    folder = cache / f"label-studio-{VERSION}"
    return folder / "bin" / "label-studio" if (folder / _COMPLETE).is_file() else None


def install(cache: Path, say: Say = silent) -> Path:
    """Install it unless it is there; gives the program. Raises MissingPartError with what pip said."""
    cache.mkdir(parents=True, exist_ok=True)
    folder = cache / f"label-studio-{VERSION}"
    with FileLock(f"{folder}.lock"):
        found = installed(cache)
        if found is not None:
            return found
        shutil.rmtree(folder, ignore_errors=True)  # What was interrupted.
        say("label-studio-installing", version=VERSION, path=folder, megabytes=MEGABYTES, minutes=MINUTES)
        began = time.monotonic()
        for argv in _install_commands(folder):
            _must(argv)
        # A virtual environment cannot be moved, so a marker instead of a rename says that it is whole.
        (folder / _COMPLETE).write_text(VERSION)
        say("label-studio-installed", seconds=round(time.monotonic() - began), megabytes=_megabytes(folder))
    return folder / "bin" / "label-studio"


def _install_commands(folder: Path) -> list[list[str]]:
    wanted, python = f"label-studio=={VERSION}", str(folder / "bin" / "python")
    uv = shutil.which("uv") or shutil.which("uv", path=str(Path(sys.executable).parent))
    if uv:
        return [
            [uv, "venv", "--quiet", "--python", sys.executable, str(folder)],
            [uv, "pip", "install", "--quiet", "--python", python, wanted],
        ]
    return [
        [sys.executable, "-m", "venv", str(folder)],
        [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", wanted],
    ]


def _must(argv: list[str]) -> None:
    try:
        done = subprocess.run(argv, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    except OSError as error:
        raise MissingPartError("label-studio-not-installed", version=VERSION, reason=str(error)) from None
    if done.returncode != 0:
        reason = " ".join((done.stderr or done.stdout).strip().splitlines()[-4:])
        raise MissingPartError("label-studio-not-installed", version=VERSION, reason=reason)


def _megabytes(folder: Path) -> int:
    return sum(p.stat().st_size for p in folder.rglob("*") if p.is_file() and not p.is_symlink()) // 1_000_000


def template(cache: Path, program: Path, say: Say = silent) -> Path:
    """A data folder with an empty database and one user, made by a first start unless it is there."""
    cache.mkdir(parents=True, exist_ok=True)
    folder = cache / f"label-studio-data-{VERSION}"
    with FileLock(f"{folder}.lock"):
        if (folder / _COMPLETE).is_file():
            return folder
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(mode=0o700)
        say("label-studio-first-start", seconds=45)
        access = Access("admin@example.com", secrets.token_urlsafe(12), secrets.token_hex(20))
        path = folder / _ACCESS
        path.touch(mode=0o600)
        path.write_text(json.dumps(asdict(access)))
        with Server(program, folder, start_seconds=_FIRST_START_SECONDS):
            pass
        (folder / _COMPLETE).write_text(VERSION)
    return folder


def fresh_server(folder: Path, say: Say = silent, port: int = 0, guarded: bool = False) -> Server:
    """A server over a data folder (a copy of the template when it is not there yet); all that it needs is made."""
    cache = cache_folder()
    found = program(cache, say)
    if not folder.exists():
        shutil.copytree(template(cache, found, say), folder, ignore=shutil.ignore_patterns(_COMPLETE))
    return Server(found, folder, port, guarded=guarded)


# ---------------------------------------------------------------- the server


class Server:
    """Label Studio over one data folder on 127.0.0.1, from start() to stop(); it ends with us.

    It may call webhooks and ML backends on private addresses, or it could reach nothing on this machine; guarded: it
    may not, as it comes. Raises MissingPartError when it does not come up.
    """

    def __init__(
        self,
        program: Path,
        folder: Path,
        port: int = 0,
        start_seconds: float = _START_SECONDS,
        guarded: bool = False,
    ) -> None:
        self.folder, self._guarded = folder, guarded
        self.access = Access(**json.loads((folder / _ACCESS).read_text()))
        self.url = ""
        self._program, self._port, self._seconds = program, port, start_seconds
        self._process: Process | None = None
        self._reader: threading.Thread | None = None
        self._lines: list[str] = []
        self._ended = threading.Event()

    def start(self) -> Server:
        """Start it and wait until it answers."""
        for _ in range(5):
            port = self._port or _free_port()
            self._launch(port)
            taken = self._await_port()
            if taken == port:
                break
            # Somebody was quicker: it silently listens on the next free port, which no link would fit.
            self.stop()
            if self._port or taken is None:
                raise self._not_up()
        else:
            raise self._not_up()
        self.url = f"http://127.0.0.1:{port}"
        self._await_health()
        return self

    def stop(self) -> None:
        """End it politely; it needs about two seconds."""
        if self._process is None or self._reader is None:
            return
        self._process.stop(grace=10.0)
        self._reader.join(10.0)
        self._process.__exit__(None, None, None)
        self._process = self._reader = None

    def log(self) -> str:
        """What it wrote lately."""
        return "".join(self._lines)

    def __enter__(self) -> Server:
        return self.start()

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.stop()

    def _launch(self, port: int) -> None:
        argv = [str(self._program), "start", "--no-browser", "--internal-host", "127.0.0.1"]
        argv += ["--port", str(port), "--data-dir", str(self.folder)]
        python = sys.executable
        environ = json.dumps(environment(self.access, self.folder, port, self._guarded)).encode()
        self._lines, self._ended = [], threading.Event()
        self._process = Process([python, "-c", _LAUNCH, *argv], stdin=environ, dies_with_parent=True)
        self._reader = threading.Thread(target=self._read, args=(self._process,), daemon=True)
        self._reader.start()

    def _read(self, process: Process) -> None:
        for message in process.messages():
            if isinstance(message, Chunk):
                self._lines.append(message.data.decode("utf-8", "replace"))
                del self._lines[:-400]
            elif isinstance(message, Stopped):
                self._ended.set()

    def _await_port(self) -> int | None:
        """The port that it says it listens on; None when it ended or said nothing in time."""
        deadline = time.monotonic() + self._seconds
        while time.monotonic() < deadline and not self._ended.wait(0.1):
            found = _LISTENS.search(self.log())
            if found:
                return int(found.group(1))
        return None

    def _await_health(self) -> None:
        import requests

        deadline = time.monotonic() + self._seconds
        while time.monotonic() < deadline and not self._ended.wait(0.1):
            try:
                if requests.get(f"{self.url}/health", timeout=2).status_code == 200:
                    return
            except requests.RequestException:
                continue
        self.stop()
        raise self._not_up()

    def _not_up(self) -> MissingPartError:
        return MissingPartError("label-studio-not-up", program=str(self._program), log=self.log()[-2000:])


def environment(access: Access, folder: Path, port: int, guarded: bool = False) -> dict[str, str]:
    """All variables that it runs with: no telemetry, no version check, no sign-up, no stray settings of ours."""
    told = {
        "USERNAME": access.user,
        "PASSWORD": access.password,
        "USER_TOKEN": access.token,
        "ENABLE_LEGACY_API_TOKEN": "true",
        "BASE_DATA_DIR": str(folder),
        "HOST": f"http://127.0.0.1:{port}",
        "PORT": str(port),
        "LATEST_VERSION_CHECK": "false",
        "COLLECT_ANALYTICS": "false",
        "DISABLE_SIGNUP_WITHOUT_LINK": "true",
        "SSRF_PROTECTION_ENABLED": str(guarded).lower(),
        "ML_BLOCK_LOCAL_IP": str(guarded).lower(),
    }
    passed = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
    return {
        **passed,
        "PYTHONUNBUFFERED": "1",
        "SENTRY_DSN": "",
        "FRONTEND_SENTRY_DSN": "",
        **{f"LABEL_STUDIO_{k}": v for k, v in told.items()},
    }


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
