"""The jobs of queue `bridge`: done beside the store, `python -m bridge.background`.

Each is leased and ended in the store directly, and kept alive by a thread meanwhile, since a report or a push may take
longer than a lease lasts.
"""

from __future__ import annotations

import logging
import os
import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import fields
from importlib import import_module
from typing import Any

import msgspec
import structlog
from sqlalchemy import Connection

from bridge import queue, texts
from bridge.errors import BridgeError, StaleLeaseError, UnreachableError
from bridge.loop import work
from bridge.model.job import Job, JobState
from bridge.settings import Settings
from bridge.store import jobs, runs
from bridge.workspace import Workspace, open_workspace

log = structlog.get_logger()

# A tool that does not answer is tried again after these seconds, doubled each time; then a person must look.
_AGAIN_SECONDS = 5.0
_MOST_TRIES = 8

# Where the work of each kind lies, and what of the payload it is given; loaded when the first such job comes.
ACTS: dict[str, tuple[str, str, tuple[str, ...]]] = {
    "evaluate": ("bridge.loop.evaluate", "score", ("checkpoint",)),
    "report": ("bridge.loop.report", "keep", ("run",)),
    "push": ("bridge.loop.push", "push", ("project", "source")),
    "pull": ("bridge.loop.reconcile", "pull", ("project", "source")),
    "webhook": ("bridge.loop.reconcile", "work_off", ("project",)),
}

# Kinds whose outcome somebody may be waiting for, and how many findings of it are told.
_TOLD = frozenset({"push", "pull"})
_FINDINGS = 200


def do(ws: Workspace, job_id: str) -> None:
    """Do a job that we were woken for, if nobody else has it."""
    try:
        with ws.db.write() as tx:
            job = jobs.lease(tx, job_id, f"bridge/{os.getpid()}", time.time(), ws.settings.lease_seconds)
    except BridgeError as error:
        log.info("job-not-taken", job=job_id, rule=error.rule)
        return
    assert job.lease is not None
    with Keeper(ws, job_id, job.lease.number):
        failure = _act(ws, job)
    try:
        with ws.db.write() as tx:
            _end(tx, job, failure)
    except StaleLeaseError:
        log.warning("lease-lost", job=job_id)  # Somebody did it again meanwhile; every act can bear that.


def _act(ws: Workspace, job: Job) -> BridgeError | None:
    """Do it; gives what went wrong."""
    try:
        module, function, wanted = ACTS[job.kind]
        done = getattr(import_module(module), function)(ws, *(job.payload.get(name) for name in wanted))
        if job.kind in _TOLD:
            _tell(ws, job, done)
    except BridgeError as error:
        log.warning("job-failed", job=job.id, kind=job.kind, rule=error.rule, fields=error.fields)
        return error
    except Exception as error:  # Evaluators and sources may be anybody's code.
        log.exception("work-broken", job=job.id, kind=job.kind)
        return BridgeError("work-broken", reason=repr(error))
    return None


def _tell(ws: Workspace, job: Job, done: Sequence[Any]) -> None:
    """Keep with the job what it did, for who asked for it; all findings of it are kept with the project."""
    assert job.lease is not None
    told = {"outcome": [{f.name: _told(getattr(one, f.name)) for f in fields(one)} for one in done]}
    with ws.db.write() as tx:
        jobs.renew(tx, job.id, job.lease.number, time.time(), ws.settings.lease_seconds, told)


def _told(value: Any) -> Any:
    return msgspec.to_builtins(value[:_FINDINGS] if isinstance(value, tuple) else value)


def _end(tx: Connection, job: Job, failure: BridgeError | None) -> None:
    assert job.lease is not None
    if isinstance(failure, UnreachableError) and job.attempts < _MOST_TRIES:
        jobs.finish(tx, job.id, job.lease.number, JobState.QUEUED)
        jobs.requeue(tx, job.id, due=time.time() + _AGAIN_SECONDS * 2 ** (job.attempts - 1))
        return
    state = JobState.FAILED if failure else JobState.DONE
    told = {"rule": failure.rule, "fields": _plain(failure.fields)} if failure else None
    jobs.finish(tx, job.id, job.lease.number, state, told)
    if job.kind == "evaluate":
        checkpoint = runs.find_checkpoint(tx, job.payload["checkpoint"])
        work.report_if_complete(tx, runs.find(tx, checkpoint.run_id))


def _plain(fields: dict[str, Any]) -> dict[str, Any]:
    return {
        name: value if isinstance(value, str | int | float | bool) else str(value) for name, value in fields.items()
    }


class Keeper:
    """A thread that prolongs a lease in the store."""

    def __init__(self, ws: Workspace, job_id: str, number: int) -> None:
        self._ws, self._job, self._number = ws, job_id, number
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="keeper", daemon=True)

    def __enter__(self) -> Keeper:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        seconds = self._ws.settings.lease_seconds
        while not self._stop.wait(min(self._ws.settings.heartbeat_seconds, seconds / 3)):
            try:
                with self._ws.db.write() as tx:
                    jobs.renew(tx, self._job, self._number, time.time(), seconds)
            except StaleLeaseError:
                return
            except BridgeError as error:
                log.warning("lease-not-renewed", job=self._job, rule=error.rule)


def register(app: Any, settings: Settings) -> None:
    """Give the app the tasks of queue bridge."""
    opened: list[Workspace] = []

    def workspace() -> Workspace:
        if not opened:  # In the child that works: connections do not outlive a fork.
            opened.append(open_workspace(settings))
        return opened[0]

    def act(job_id: str) -> None:
        """Do a job."""
        do(workspace(), job_id)

    for kind in ACTS:
        app.task(name=queue.task_name(kind))(act)


def main() -> int:
    """Work until told to end; a sentence and 1 when that cannot begin."""
    # SIGTERM lets the job at hand end; whoever cannot wait kills us, and the job is due again.
    os.environ.pop("REMAP_SIGTERM", None)
    try:
        settings = Settings.from_env()
        logging.basicConfig(level=settings.log_level.upper(), format="%(asctime)s %(name)s %(message)s")
        open_workspace(settings).close()
        app = queue.create_app(settings)
        register(app, settings)
    except BridgeError as error:
        print(texts.render("errors", error.rule, error.fields, texts.language_of()), file=sys.stderr)
        return error.exit_code
    app.worker_main(queue.worker_argv("bridge", queue.node_name(settings), settings.log_level))
    return 0


if __name__ == "__main__":
    sys.exit(main())
