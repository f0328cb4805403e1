"""Label Studio over one data folder, as a child of ours."""

from __future__ import annotations

import json
import os
import re
import socket
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

from bridge.errors import MissingPartError
from bridge.process import Chunk, Process, Stopped

START_SECONDS = 90.0
# Who may log in, beside the data.
ACCESS = "access.json"
# It takes settings from variables without a prefix too (HOST, DEBUG, DATABASE_NAME, …): only these are passed on.
_PASSED_ON = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE")
# The environment comes by standard input: on the command line everybody could read its password.
_LAUNCH = "import json, os, sys; os.execve(sys.argv[1], sys.argv[1:], json.load(sys.stdin))"
_LISTENS = re.compile(r"Starting development server at http://\S+?:(\d+)/")


@dataclass(frozen=True, slots=True)
class Access:
    """Who may log in: a person by user and password, a program by the legacy token."""

    user: str
    password: str
    token: str


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
        start_seconds: float = START_SECONDS,
        guarded: bool = False,
    ) -> None:
        self.folder, self._guarded = folder, guarded
        self.access = Access(**json.loads((folder / ACCESS).read_text()))
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
