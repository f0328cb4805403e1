"""Due work: written in the transaction of its cause, held under a lease with a fencing number."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, delete, func, insert, or_, select, update

from bridge.errors import NotFoundError, StaleLeaseError
from bridge.model.job import ENDED, Job, JobState, Lease
from bridge.store import tables as t
from bridge.store.database import now

_ENDED = [state.value for state in ENDED]


def new_id() -> str:
    """A short id that sorts by nothing and guesses badly."""
    return secrets.token_hex(8)


def put(
    tx: Connection,
    kind: str,
    queue: str,
    payload: Mapping[str, Any],
    project: str | None = None,
    cause: str = "",
    due: float = 0.0,
    job_id: str | None = None,
) -> str:
    """Write a due job; the sender will give it to the broker."""
    job_id = job_id or new_id()
    tx.execute(
        insert(t.job).values(
            id=job_id,
            project=project,
            kind=kind,
            queue=queue,
            payload=dict(payload),
            state=JobState.QUEUED.value,
            due=due,
            attempts=0,
            lease_number=0,
            cause=cause,
            cancel_wanted=False,
            progress={},
            created=now(),
        )
    )
    return job_id


def put_once(
    tx: Connection, kind: str, queue: str, payload: Mapping[str, Any], project: str | None, cause: str, due: float = 0.0
) -> str:
    """The unfinished, unstarted job of this kind and cause, or a new one: many causes wake one piece of work."""
    query = select(t.job.c.id).where(
        t.job.c.kind == kind, t.job.c.cause == cause, t.job.c.project == project, t.job.c.state == JobState.QUEUED.value
    )
    return tx.scalar(query.limit(1)) or put(tx, kind, queue, payload, project, cause, due)


def find(tx: Connection, job_id: str) -> Job:
    """A job by id; raises NotFoundError."""
    row = tx.execute(select(t.job).where(t.job.c.id == job_id)).first()
    if row is None:
        raise NotFoundError("job-missing", job=job_id)
    return _job(row)


def listing(
    tx: Connection,
    project: str | None = None,
    state: JobState | None = None,
    limit: int = 200,
    kind: str | None = None,
    before: str | None = None,
) -> list[Job]:
    """Jobs, newest first; before is the time of creation of the last one that was seen."""
    query = select(t.job).order_by(t.job.c.created.desc()).limit(limit)
    if project is not None:
        query = query.where(t.job.c.project == project)
    if state is not None:
        query = query.where(t.job.c.state == state.value)
    if kind is not None:
        query = query.where(t.job.c.kind == kind)
    if before is not None:
        query = query.where(t.job.c.created < before)
    return [_job(row) for row in tx.execute(query)]


def to_send(tx: Connection, time: float, resend_seconds: float) -> list[Job]:
    """Queued jobs that are due and were not sent, or sent so long ago that the broker must have lost them."""
    c = t.job.c
    unsent = or_(c.sent.is_(None), c.sent < time - resend_seconds)
    query = select(t.job).where(c.state == JobState.QUEUED.value, c.due <= time, unsent).order_by(c.due, c.created)
    return [_job(row) for row in tx.execute(query.limit(200))]


def mark_sent(tx: Connection, job_id: str, time: float) -> None:
    """Remember that the broker has it."""
    tx.execute(update(t.job).where(t.job.c.id == job_id).values(sent=time))


def lease(tx: Connection, job_id: str, holder: str, time: float, seconds: float) -> Job:
    """Take a queued job, or one whose lease ran out; raises StaleLeaseError when it is held or ended."""
    c = t.job.c
    free = or_(c.state == JobState.QUEUED.value, (c.state == JobState.RUNNING.value) & (c.lease_until < time))
    taken = tx.execute(
        update(t.job)
        .where(c.id == job_id, free)
        .values(
            state=JobState.RUNNING.value,
            holder=holder,
            lease_number=c.lease_number + 1,
            lease_until=time + seconds,
            attempts=c.attempts + 1,
        )
    )
    job = find(tx, job_id)
    if taken.rowcount != 1:
        raise StaleLeaseError(
            "job-held", job=job_id, state=job.state.value, holder=job.lease.holder if job.lease else "-"
        )
    return job


def renew(
    tx: Connection, job_id: str, number: int, time: float, seconds: float, progress: Mapping[str, Any] | None = None
) -> Job:
    """Prolong a lease and tell how far it is; raises StaleLeaseError when the number is old or the job has ended."""
    require(tx, job_id, number)
    values: dict[str, Any] = {"lease_until": time + seconds}
    if progress is not None:
        values["progress"] = dict(progress)
    tx.execute(update(t.job).where(t.job.c.id == job_id).values(**values))
    return find(tx, job_id)


def require(tx: Connection, job_id: str, number: int) -> Job:
    """The job, if this lease number still holds it; raises StaleLeaseError."""
    job = find(tx, job_id)
    held = job.lease.number if job.lease else 0
    if job.state is not JobState.RUNNING or held != number:
        raise StaleLeaseError("lease-stale", job=job_id, number=number, held=held, state=job.state.value)
    return job


def finish(tx: Connection, job_id: str, number: int, state: JobState, failure: Mapping[str, Any] | None = None) -> None:
    """End a job (or put it back, or let it wait) under its lease; raises StaleLeaseError."""
    require(tx, job_id, number)
    values: dict[str, Any] = {"state": state.value, "failure": failure, "lease_until": None, "sent": None}
    tx.execute(update(t.job).where(t.job.c.id == job_id).values(**values))


def requeue(tx: Connection, job_id: str, due: float = 0.0, payload: Mapping[str, Any] | None = None) -> None:
    """Make an ended or waiting job due again."""
    values: dict[str, Any] = {
        "state": JobState.QUEUED.value,
        "due": due,
        "sent": None,
        "cancel_wanted": False,
        "failure": None,
        "lease_until": None,
    }
    if payload is not None:
        values["payload"] = dict(payload)
    tx.execute(update(t.job).where(t.job.c.id == job_id).values(**values))


def cancel(tx: Connection, job_id: str) -> Job:
    """Ask a running job to stop, or end one that has not begun; an ended one stays as it is."""
    job = find(tx, job_id)
    if job.state is JobState.RUNNING:
        tx.execute(update(t.job).where(t.job.c.id == job_id).values(cancel_wanted=True))
    elif job.state not in ENDED:
        tx.execute(update(t.job).where(t.job.c.id == job_id).values(state=JobState.CANCELLED.value))
    return find(tx, job_id)


def expire(tx: Connection, time: float) -> list[str]:
    """Requeue running jobs whose holder fell silent (or end them if that was asked); gives their ids."""
    c = t.job.c
    lost = list(
        tx.execute(select(c.id, c.cancel_wanted).where(c.state == JobState.RUNNING.value, c.lease_until < time))
    )
    for job_id, cancelled in lost:
        state = JobState.CANCELLED if cancelled else JobState.QUEUED
        tx.execute(update(t.job).where(c.id == job_id).values(state=state.value, sent=None, lease_until=None))
    return [job_id for job_id, _ in lost]


def forget(tx: Connection, kind: str, cause: str) -> None:
    """Remove ended jobs that come again and again, such as polls."""
    c = t.job.c
    tx.execute(delete(t.job).where(c.kind == kind, c.cause == cause, c.state.in_(_ENDED)))


def open_count(tx: Connection, kind: str, cause: str) -> int:
    """How many jobs of this kind and cause have not ended."""
    c = t.job.c
    query = select(func.count()).select_from(t.job).where(c.kind == kind, c.cause == cause, c.state.not_in(_ENDED))
    return tx.scalar(query) or 0


def _job(row: Any) -> Job:
    held = row.holder is not None and row.lease_until is not None
    lease_ = Lease(row.id, row.holder, row.lease_number, row.lease_until) if held else None
    return Job(
        row.id,
        row.kind,
        row.queue,
        row.payload,
        JobState(row.state),
        row.due,
        row.attempts,
        lease_,
        row.cause,
        row.project,
        row.cancel_wanted,
        row.progress,
        row.failure,
        row.created,
    )
