"""The web server process: `python -m bridge.web.serve`."""

from __future__ import annotations

import json
import os
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from bridge import texts
from bridge.errors import BridgeError, MissingPartError
from bridge.settings import Settings

if TYPE_CHECKING:
    from flask import Flask

# How long an open event stream may hold up the end of the process.
_STOP_SECONDS = 5


def application() -> Flask:
    """The app of one worker process, over the settings in the environment; with it due jobs are sent, files watched."""
    from bridge.loop.dispatch import start_sender
    from bridge.loop.watch import start_watcher
    from bridge.web.app import create_app
    from bridge.workspace import open_workspace

    settings = Settings.from_env()
    write_logs(settings.log_level)
    ws = open_workspace(settings)
    app = create_app(ws)
    start_sender(ws)
    start_watcher(ws)
    return app


def write_logs(level: str) -> None:
    """Log to stderr, one line an event; tracebacks without the values of variables, which may hold secrets."""
    import structlog

    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso"),
            structlog.dev.ConsoleRenderer(colors=False, exception_formatter=structlog.dev.plain_traceback),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )


def serve(settings: Settings) -> None:
    """Serve until SIGTERM; raises MissingPartError port-taken, and what open_workspace raises."""
    from granian.constants import Interfaces
    from granian.log import LogLevels
    from granian.server import Server

    from bridge.workspace import open_workspace

    open_workspace(settings).close()  # Say what is wrong with the store here, and not in a worker's traceback.
    claim(settings.host, settings.port)
    os.environ.update(settings.environment())
    server = Server(
        "bridge.web.serve:application",
        factory=True,
        address=settings.host,
        port=settings.port,
        interface=Interfaces.WSGI,
        workers=1,  # One process holds SQLite's one write lock.
        blocking_threads=settings.web_threads,
        workers_kill_timeout=_STOP_SECONDS,
        respawn_failed_workers=True,
        log_level=LogLevels.error,
    )
    with _told(settings):
        server.serve()


@contextmanager
def _told(settings: Settings) -> Iterator[None]:
    """While we run, a file beside the data says where: a terminal can then name a page."""
    here = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(settings.host, settings.host)
    place = settings.data / "web.json"
    place.write_text(json.dumps({"url": settings.url(), "here": f"http://{here}:{settings.port}"}), "utf-8")
    try:
        yield
    finally:
        place.unlink(missing_ok=True)


def claim(host: str, port: int) -> None:
    """See that the port is free; raises MissingPartError port-taken."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            reason = error.strerror or str(error)
            raise MissingPartError("port-taken", host=host, port=port, reason=reason) from None


def main() -> int:
    """Serve; a sentence and 1 when that cannot begin."""
    try:
        settings = Settings.from_env()
    except BridgeError as error:
        print(texts.render("errors", error.rule, error.fields, texts.language_of()), file=sys.stderr)
        return error.exit_code
    try:
        serve(settings)
    except BridgeError as error:
        print(texts.render("errors", error.rule, error.fields, texts.language_of(settings.lang)), file=sys.stderr)
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
