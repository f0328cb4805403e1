"""Due Jobs → queue: a sender beside the web server sends what is due and takes back what fell silent; it never dies."""

from __future__ import annotations

import time
from collections.abc import Callable, Set

import structlog
from sqlalchemy import Connection
from sqlalchemy.exc import SQLAlchemyError

from bridge.errors import BridgeError, MissingPartError
from bridge.listeners import tell
from bridge.loop.beside import Beside
from bridge.model.job import Job, JobState
from bridge.queue import Bell
from bridge.store import jobs, runs
from bridge.store.database import now as written_now
from bridge.workspace import Workspace

log = structlog.get_logger()

# Longest pause between two tries while the broker or the store is away.
_LONGEST_PAUSE = 5.0
# So often may a short job be lost with its worker before it is given up.
_MOST_ATTEMPTS = 5

Send = Callable[[Job], None]
Waiting = Callable[[str], Set[str]]


def nothing_waits(queue: str) -> Set[str]:
    """For a broker that cannot be asked: whatever was sent long ago is sent again."""
    return frozenset()


def sweep(ws: Workspace, send: Send, now: float, waiting: Waiting = nothing_waits) -> int:
    """Send jobs that are due; gives how many.

    What was sent long ago and is still not taken is sent again only if it is not waiting in its queue (behind a
    training of two days, say): then the broker has lost it.
    """
    with ws.db.read() as tx:
        due = jobs.to_send(tx, now, ws.settings.resend_seconds)
    held = {queue: waiting(queue) for queue in {job.queue for job in due}}
    for job in due:
        if job.id not in held[job.queue]:
            send(job)
        with ws.db.write() as tx:
            jobs.mark_sent(tx, job.id, now)
    return len(due)


def expire(ws: Workspace, now: float) -> list[str]:
    """Take back jobs whose holder fell silent; gives their ids."""
    with ws.db.read() as tx:  # Mostly there is nothing, and then nobody has to wait for a write.
        running = jobs.listing(tx, state=JobState.RUNNING, limit=10_000)
    if not any(job.lease and job.lease.until < now for job in running):
        return []
    with ws.db.write() as tx:
        lost = [jobs.find(tx, job_id) for job_id in jobs.expire(tx, now)]
        for job in lost:
            _settle(tx, job, now)
    for job in lost:
        log.warning("job-taken-back", job=job.id)
        if job.kind == "train":
            tell(ws.registry, "run_changed", run_id=job.payload["run"], state=job.state.value)
    return [job.id for job in lost]


def _settle(tx: Connection, job: Job, now: float) -> None:
    """End what was asked to end, and what makes every worker vanish (one that crashes its program, say)."""
    if job.kind == "train":
        if job.state is JobState.CANCELLED:
            runs.change(tx, runs.of_job(tx, job.id).id, ended=written_now())
        # A training of days may lose its node many times and go on from its checkpoints each time.
        return
    if job.state is JobState.QUEUED and job.attempts >= _MOST_ATTEMPTS:
        held = jobs.lease(tx, job.id, "bridge", now, 0.0)
        assert held.lease is not None
        failure = {"rule": "work-lost", "fields": {"attempts": job.attempts}}
        jobs.finish(tx, job.id, held.lease.number, JobState.FAILED, failure)


class Sender(Beside):
    """A thread that sweeps; web requests never wait for it, nor for the broker behind it."""

    def __init__(self, ws: Workspace, send: Send, waiting: Waiting = nothing_waits) -> None:
        super().__init__(ws, "sender")
        self._send, self._waiting = send, waiting
        self._trouble = ""
        # Holders could not reach us while we were away: they get one lease's time to speak before any is given up.
        self._patient_until = time.time() + ws.settings.lease_seconds

    def _run(self) -> None:
        pause = self._ws.settings.sweep_seconds
        while not self._stop.wait(pause):
            fine = self._round()
            pause = self._ws.settings.sweep_seconds if fine else min(max(pause, 0.25) * 2, _LONGEST_PAUSE)

    def _round(self) -> bool:
        try:
            if time.time() >= self._patient_until:
                expire(self._ws, time.time())
            sweep(self._ws, self._send, time.time(), self._waiting)
        except (BridgeError, SQLAlchemyError, OSError) as error:
            self._say(error)
            return False
        except Exception:  # Listeners are anybody's code, and without this thread nothing would ever be done again.
            log.exception("sender-stumbled")
            return False
        if self._trouble:
            log.info("sender-recovered", after=self._trouble)
            self._trouble = ""
        return True

    def _say(self, error: Exception) -> None:
        """Once for each trouble, not once a second."""
        rule = error.rule if isinstance(error, BridgeError) else type(error).__name__
        if rule != self._trouble:
            log.error("sender-held-up", rule=rule, reason=str(error))
        self._trouble = rule


def start_sender(ws: Workspace) -> Sender | None:
    """The sender of this process, over the broker of the settings; without a broker jobs wait, and the log says so."""
    try:
        bell = Bell(ws.settings)
    except MissingPartError as error:
        log.error(error.rule)
        return None
    return Sender(ws, bell.ring, bell.waiting).start()
