"""Trainings: recipe, events, checkpoints, detections and scores."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, cast

import msgspec
from sqlalchemy import Connection, func, insert, select, update

from bridge.errors import ConflictError, NotFoundError
from bridge.model.job import JobState
from bridge.model.scores import Scores
from bridge.model.training import Checkpoint, CheckpointKind, Failure, Recipe, Run, RunEvent
from bridge.store import tables as t
from bridge.store.database import now


def put(tx: Connection, run: Run) -> None:
    """Keep a new run; its job must be there."""
    tx.execute(
        insert(t.run).values(
            id=run.id,
            project=run.project,
            version=run.version,
            job_id=run.job_id,
            recipe=msgspec.to_builtins(run.recipe),
            created=run.created,
            iteration=run.iteration,
        )
    )


def find(tx: Connection, wanted: str) -> Run:
    """A run by id or the beginning of it; raises NotFoundError, ConflictError for two such."""
    rows = tx.execute(_runs().where(t.run.c.id.startswith(wanted, autoescape=True)).limit(2)).all()
    if not rows:
        raise NotFoundError("run-missing", run=wanted)
    if len(rows) > 1:
        raise ConflictError("run-ambiguous", run=wanted)
    return _run(rows[0])


def of_job(tx: Connection, job_id: str) -> Run:
    """The run that a job trains; raises NotFoundError."""
    row = tx.execute(_runs().where(t.run.c.job_id == job_id)).first()
    if row is None:
        raise NotFoundError("run-missing", run=job_id)
    return _run(row)


def listing(tx: Connection, project: str | None = None, limit: int = 100, before: str | None = None) -> list[Run]:
    """Runs, newest first; before is the time of creation of the last one that was seen."""
    query = _runs().order_by(t.run.c.created.desc()).limit(limit)
    query = query.where(t.run.c.created < before) if before is not None else query
    return [_run(row) for row in tx.execute(query.where(t.run.c.project == project) if project else query)]


def change(tx: Connection, run_id: str, **values: Any) -> None:
    """Set node, started, ended, iteration, transcript or report of a run."""
    tx.execute(update(t.run).where(t.run.c.id == run_id).values(**values))


def blobs(tx: Connection, run_id: str) -> tuple[str | None, str | None]:
    """The blobs of a run's transcript and of its report."""
    row = tx.execute(select(t.run.c.transcript, t.run.c.report).where(t.run.c.id == run_id)).one()
    return row.transcript, row.report


def _runs() -> Any:
    return select(t.run, t.job.c.state, t.job.c.failure).join(t.job, t.job.c.id == t.run.c.job_id)


def _run(row: Any) -> Run:
    recipe = msgspec.convert(row.recipe, Recipe)
    failure = _failure(row.failure) if row.failure else None
    return Run(
        row.id,
        row.project,
        row.version,
        recipe,
        row.job_id,
        row.created,
        JobState(row.state),
        row.node,
        failure,
        row.iteration,
        row.started,
        row.ended,
    )


def _failure(kept: Mapping[str, Any]) -> Failure:
    """The trainer's failure, or the named error that kept the work from beginning (its sentence is in errors.toml)."""
    if "kind" in kept:
        return msgspec.convert(kept, Failure)
    return Failure(
        "environment", str(kept.get("rule", "unexpected-here")), "action-then-resume", kept.get("fields", {})
    )


# ---------------------------------------------------------------- events


def add_events(tx: Connection, run_id: str, events: Sequence[RunEvent]) -> int:
    """Append events; those that came before (same attempt and number) are left out. Gives how many were new."""
    if not events:
        return 0
    c = t.event.c
    attempts = {e.attempt for e in events}
    low, high = min(e.seq for e in events), max(e.seq for e in events)
    query = select(c.attempt, c.seq).where(c.run_id == run_id, c.attempt.in_(attempts), c.seq.between(low, high))
    known = {(row.attempt, row.seq) for row in tx.execute(query)}
    rows = [
        {"run_id": run_id, "attempt": e.attempt, "seq": e.seq, "at": e.at, "kind": e.kind, "fields": e.fields}
        for e in {(e.attempt, e.seq): e for e in events}.values()
        if (e.attempt, e.seq) not in known
    ]
    if rows:
        tx.execute(insert(t.event), rows)
    return len(rows)


def events(
    tx: Connection,
    run_id: str,
    kinds: Sequence[str] | None = None,
    after: tuple[int, int] = (0, -1),
    limit: int = 100_000,
) -> list[RunEvent]:
    """Events in order, after (attempt, number)."""
    c = t.event.c
    later = (c.attempt > after[0]) | ((c.attempt == after[0]) & (c.seq > after[1]))
    query = select(t.event).where(c.run_id == run_id, later).order_by(c.attempt, c.seq).limit(limit)
    if kinds is not None:
        query = query.where(c.kind.in_(kinds))
    return [RunEvent(row.kind, row.fields, row.seq, row.at, row.attempt) for row in tx.execute(query)]


def last_event(tx: Connection, run_id: str, kind: str) -> RunEvent | None:
    """The newest event of a kind."""
    c = t.event.c
    query = select(t.event).where(c.run_id == run_id, c.kind == kind).order_by(c.attempt.desc(), c.seq.desc()).limit(1)
    row = tx.execute(query).first()
    return RunEvent(row.kind, row.fields, row.seq, row.at, row.attempt) if row else None


def thinned(tx: Connection, run_id: str, kind: str, points: int) -> list[RunEvent]:
    """Events of a kind spread evenly, about as many as points: enough for a curve, whatever the length of the run."""
    c = t.event.c
    where = (c.run_id == run_id) & (c.kind == kind)
    step = max(1, (tx.scalar(select(func.count()).select_from(t.event).where(where)) or 0) // points)
    query = select(t.event).where(where, c.seq % step == 0).order_by(c.attempt, c.seq)
    return [RunEvent(row.kind, row.fields, row.seq, row.at, row.attempt) for row in tx.execute(query)]


def latest(tx: Connection, run_id: str, limit: int, kinds: Sequence[str] | None = None) -> list[RunEvent]:
    """The newest events, oldest of them first."""
    c = t.event.c
    query = select(t.event).where(c.run_id == run_id).order_by(c.attempt.desc(), c.seq.desc()).limit(limit)
    rows = tx.execute(query.where(c.kind.in_(kinds)) if kinds is not None else query).all()
    return [RunEvent(row.kind, row.fields, row.seq, row.at, row.attempt) for row in reversed(rows)]


# ---------------------------------------------------------------- checkpoints and scores


def put_checkpoint(tx: Connection, checkpoint: Checkpoint) -> tuple[Checkpoint, bool]:
    """Keep a checkpoint; equal weights of the same run are one (then False)."""
    c = t.checkpoint.c
    row = tx.execute(select(t.checkpoint).where(c.run_id == checkpoint.run_id, c.blob == checkpoint.blob)).first()
    if row is not None:
        return _checkpoint(row), False
    tx.execute(
        insert(t.checkpoint).values(
            id=checkpoint.id,
            run_id=checkpoint.run_id,
            iteration=checkpoint.iteration,
            kind=checkpoint.kind,
            blob=checkpoint.blob,
            size=checkpoint.size,
            created=checkpoint.created or now(),
        )
    )
    return checkpoint, True


def find_checkpoint(tx: Connection, wanted: str) -> Checkpoint:
    """A checkpoint by id or the beginning of it; raises NotFoundError, ConflictError for two such."""
    rows = tx.execute(select(t.checkpoint).where(t.checkpoint.c.id.startswith(wanted, autoescape=True)).limit(2)).all()
    if not rows:
        raise NotFoundError("checkpoint-missing", checkpoint=wanted)
    if len(rows) > 1:
        raise ConflictError("checkpoint-ambiguous", checkpoint=wanted)
    return _checkpoint(rows[0])


def checkpoints(tx: Connection, run_id: str) -> list[Checkpoint]:
    """The checkpoints of a run by iteration."""
    c = t.checkpoint.c
    query = select(t.checkpoint).where(c.run_id == run_id).order_by(c.iteration, c.created)
    return [_checkpoint(row) for row in tx.execute(query)]


def _checkpoint(row: Any) -> Checkpoint:
    return Checkpoint(
        row.id, row.run_id, row.iteration, cast(CheckpointKind, row.kind), row.blob, row.size, row.created
    )


def put_detections(tx: Connection, checkpoint_id: str, blob: str, detector: Mapping[str, Any]) -> None:
    """Remember where a checkpoint's detections on the held-out part lie, and how they were made."""
    values = {"detections": blob, "detector": dict(detector)}
    tx.execute(update(t.checkpoint).where(t.checkpoint.c.id == checkpoint_id).values(**values))


def detections(tx: Connection, checkpoint_id: str) -> tuple[str, dict[str, Any]] | None:
    """The blob of a checkpoint's detections and how they were made."""
    c = t.checkpoint.c
    row = tx.execute(select(c.detections, c.detector).where(c.id == checkpoint_id)).first()
    return (row.detections, row.detector) if row and row.detections else None


def put_scores(tx: Connection, scores: Scores) -> None:
    """Keep the scores of a checkpoint under a protocol, in place of earlier ones."""
    c = t.scores.c
    where = (c.checkpoint_id == scores.checkpoint_id) & (c.protocol == scores.protocol)
    tx.execute(t.scores.delete().where(where))
    values = {"checkpoint_id": scores.checkpoint_id, "protocol": scores.protocol, "map": scores.map}
    tx.execute(insert(t.scores).values(doc=msgspec.to_builtins(scores), **values))


def scores(tx: Connection, run_id: str, protocol: str = "darknet") -> dict[str, Scores]:
    """Scores of a run's checkpoints under a protocol, by checkpoint id."""
    query = (
        select(t.scores.c.doc)
        .join(t.checkpoint, t.checkpoint.c.id == t.scores.c.checkpoint_id)
        .where(t.checkpoint.c.run_id == run_id, t.scores.c.protocol == protocol)
    )
    found = [msgspec.convert(doc, Scores) for doc in tx.scalars(query)]
    return {str(s.checkpoint_id): s for s in found}


def best_checkpoint(tx: Connection, project: str) -> Checkpoint | None:
    """The checkpoint of a project with the highest mAP under darknet's rule; the earliest of equals."""
    query = (
        select(t.checkpoint)
        .join(t.scores, t.scores.c.checkpoint_id == t.checkpoint.c.id)
        .join(t.run, t.run.c.id == t.checkpoint.c.run_id)
        .where(t.run.c.project == project, t.scores.c.protocol == "darknet")
        .order_by(t.scores.c.map.desc(), t.checkpoint.c.iteration)
        .limit(1)
    )
    row = tx.execute(query).first()
    return _checkpoint(row) if row else None


def last_checkpoint(tx: Connection, project: str) -> Checkpoint | None:
    """The checkpoint that came in last."""
    query = select(t.checkpoint).join(t.run, t.run.c.id == t.checkpoint.c.run_id).where(t.run.c.project == project)
    row = tx.execute(query.order_by(t.checkpoint.c.created.desc()).limit(1)).first()
    return _checkpoint(row) if row else None


def unscored(tx: Connection, run_id: str) -> int:
    """How many checkpoints of a run have no scores under darknet's rule yet."""
    scored = select(t.scores.c.checkpoint_id).where(t.scores.c.protocol == "darknet")
    c = t.checkpoint.c
    return tx.scalar(select(func.count()).select_from(t.checkpoint).where(c.run_id == run_id, c.id.not_in(scored))) or 0
