"""A worker process of a node: `python -m workers.main train` or `… detect`."""

from __future__ import annotations

import logging
import multiprocessing
import os
import sys
from contextlib import closing
from typing import Any, cast

import structlog

from bridge import queue, texts
from bridge.errors import BridgeError
from bridge.queue import Role
from bridge.settings import Settings

log = structlog.get_logger()


def main(arguments: list[str] | None = None) -> int:
    """Work until told to end; a sentence and 1 when that cannot begin."""
    words = sys.argv[1:] if arguments is None else arguments
    if words not in (["train"], ["detect"]):
        print("python -m workers.main train|detect", file=sys.stderr)
        return 2
    try:
        settings = Settings.from_env()
        work(settings, cast(Role, words[0]))
    except BridgeError as error:
        print(texts.render("errors", error.rule, error.fields, texts.language_of()), file=sys.stderr)
        return error.exit_code
    return 0


def work(settings: Settings, role: Role) -> None:
    """Run a worker process of a role; raises MissingPartError when broker or bridge are not named."""
    from workers import node, tasks

    # SIGTERM then waits for the running task, which hears that it is to end and does so in seconds. Celery's soft
    # shutdown, which this variable would choose, always sleeps through all of its time.
    os.environ.pop("REMAP_SIGTERM", None)
    level = logging.getLevelNamesMapping().get(settings.log_level.upper(), logging.INFO)
    logging.basicConfig(level=level, format="%(asctime)s %(name)s %(message)s")
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(level))
    # Made before the pool forks, so that the signal handler here is heard in the child that works.
    stopping = multiprocessing.Event()
    app = queue.create_app(settings)
    station = node.open_station(settings, role)
    tasks.register(app, settings, role, stopping.is_set)
    if role == "train":
        _clear_up(station)
    announcer = node.Announcer(station, lambda draining: _drain(app, station, draining))
    _connect(announcer, stopping)
    app.worker_main(queue.worker_argv(role, station.name, logging.getLevelName(level)))


def _clear_up(station: Any) -> None:
    """Whatever a worker that was killed left running must end now, not when the next training comes."""
    from workers import orphan
    from workers.outbox import Outbox

    try:
        with orphan.alone(station), closing(Outbox(station.folder / "outbox.sqlite3")) as outbox:
            orphan.clear(station, outbox)
    except BridgeError as error:
        log.warning("not-cleared", rule=error.rule, fields=error.fields)


def _connect(announcer: Any, stopping: Any) -> None:
    """Celery's signals: announce once the worker listens, and let the work know when it is to end."""
    from celery import signals

    signals.worker_ready.connect(lambda **_: announcer.start(), weak=False)
    signals.worker_shutting_down.connect(lambda **_: stopping.set(), weak=False)
    signals.worker_shutdown.connect(lambda **_: announcer.stop(), weak=False)


def _drain(app: Any, station: Any, draining: bool) -> None:
    """A node that drains takes no more trainings; what it does it ends."""
    if station.role == "train":
        turn = app.control.cancel_consumer if draining else app.control.add_consumer
        for name in queue.queues(station.role, station.name):
            turn(name, destination=[f"{station.role}@{station.name}"])


if __name__ == "__main__":
    sys.exit(main())
