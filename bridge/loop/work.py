"""What nodes tell us while they work: leases, heartbeats, events, checkpoints, ends. Each is one short transaction."""

from __future__ import annotations

import re
import time
from collections.abc import Sequence
from dataclasses import asdict
from urllib.parse import urlsplit

from sqlalchemy import Connection

from bridge.errors import ConflictError, MissingPartError, NotFoundError
from bridge.listeners import tell
from bridge.model.job import ENDED, Job, JobState, Node
from bridge.model.training import Checkpoint, Run, RunEvent
from bridge.model.work import NODE_KINDS, Beat, End, Events, Grant, NewCheckpoint, Orders, RunToDo, WeightsToUse
from bridge.plugin import DetectorOptions
from bridge.settings import Settings
from bridge.store import jobs, nodes, runs
from bridge.store.database import now
from bridge.workspace import Workspace

# Boxes shown to annotators: darknet's own threshold for showing, and no floods of them.
_SHOW_THRESHOLD = 0.25
_SHOW_PER_CLASS = 1000
_LETTER_BOX = re.compile(r"^\s*letter_box\s*=\s*1\s*(?:$|[#;])", re.MULTILINE)


def register(ws: Workspace, node: Node) -> Orders:
    """A node says that it is there and what it has."""
    with ws.db.write() as tx:
        nodes.put(tx, node)
        draining = nodes.find(tx, node.name).draining
    return Orders(draining, ws.settings.lease_seconds, ws.settings.heartbeat_seconds)


def broker_url(settings: Settings, host: str) -> str:
    """The broker for a node that found us under this host name; raises MissingPartError broker-not-shared."""
    url = urlsplit(settings.node_redis_url or settings.redis_url)
    if url.scheme not in ("redis", "rediss"):
        raise MissingPartError("broker-not-shared")
    if url.hostname in ("0.0.0.0", "::"):
        before, _, _ = url.netloc.rpartition("@")
        name = f"[{host}]" if ":" in host else host
        url = url._replace(netloc=f"{before}@{name}:{url.port}")
    return url.geturl()


def lease(ws: Workspace, job_id: str, holder: str) -> Grant:
    """Give a due job to a holder ("node/role"); raises StaleLeaseError when it is held or ended.

    Raises ConflictError node-draining for a training on a node that takes no more.
    """
    with ws.db.write() as tx:
        job = jobs.find(tx, job_id)
        if job.kind not in NODE_KINDS:
            raise NotFoundError("job-missing", job=job_id)
        if job.kind == "train":
            _refuse_draining(tx, holder.partition("/")[0])
        job = jobs.lease(tx, job_id, holder, time.time(), ws.settings.lease_seconds)
        if job.kind == "train":
            run = runs.of_job(tx, job_id)
            runs.change(tx, run.id, node=holder.partition("/")[0], started=run.started or now(), ended=None)
        grant = _grant(tx, job, ws.settings.lease_seconds)
    if job.kind == "train":
        tell(ws.registry, "run_changed", run_id=job.payload["run"], state=JobState.RUNNING.value)
    return grant


def _refuse_draining(tx: Connection, name: str) -> None:
    if any(node.name == name and node.draining for node in nodes.listing(tx)):
        raise ConflictError("node-draining", node=name)


def _grant(tx: Connection, job: Job, seconds: float) -> Grant:
    assert job.lease is not None
    assert job.project is not None
    if job.kind == "train":
        run, checkpoint = runs.of_job(tx, job.id), None
        known = runs.checkpoints(tx, run.id)
        resume = _weights(known[-1]) if known else None
    else:
        checkpoint = runs.find_checkpoint(tx, str(job.payload["checkpoint"]))
        run, resume = runs.find(tx, checkpoint.run_id), None
    return Grant(
        job.kind,
        job.lease.number,
        seconds,
        job.attempts,
        job.project,
        job.payload,
        RunToDo(run.id, run.version, run.recipe),
        resume,
        _weights(checkpoint) if checkpoint else None,
        asdict(detector_options(tx, run, job.kind)) if checkpoint else {},
    )


def _weights(checkpoint: Checkpoint) -> WeightsToUse:
    return WeightsToUse(checkpoint.id, checkpoint.blob, checkpoint.iteration, checkpoint.run_id)


def detector_options(tx: Connection, run: Run, kind: str) -> DetectorOptions:
    """How the fork that trained a run looks at pictures: only so do its own scores come out again.

    pjreddie's keeps a picture's shape (grey bars beside it) and, on the CPU, adds its epsilon after the root; builds
    with OpenCV resize by half pixels; AlexeyAB's and hank-ai's stretch unless the cfg says letter_box=1.
    """
    told = runs.last_event(tx, run.id, "engine")
    fork = told.fields.get("fork", "") if told else ""
    can = set(told.fields.get("capabilities", ())) if told else set()
    pjreddie = fork == "pjreddie"
    shown = kind == "predict"
    return DetectorOptions(
        threshold=_SHOW_THRESHOLD if shown else DetectorOptions().threshold,
        resize="half-pixel" if "opencv" in can and not pjreddie else "darknet",
        letterbox=pjreddie or bool(_LETTER_BOX.search(run.recipe.cfg)),
        epsilon="pjreddie" if pjreddie and "gpu" not in can else "alexeyab",
        max_per_class=_SHOW_PER_CLASS if shown else None,
    )


def heartbeat(ws: Workspace, job_id: str, beat: Beat) -> bool:
    """Prolong a lease; whether the job should be cancelled. Raises StaleLeaseError."""
    with ws.db.write() as tx:
        job = jobs.renew(tx, job_id, beat.number, time.time(), ws.settings.lease_seconds, beat.progress)
    return job.cancel_wanted


def events(ws: Workspace, job_id: str, said: Events) -> int:
    """Keep what happened; how much of it was new."""
    with ws.db.write() as tx:
        jobs.require(tx, job_id, said.number)
        run = runs.of_job(tx, job_id)
        new = runs.add_events(tx, run.id, said.events)
        reached = _reached(said.events)
        if reached is not None:
            # Not the largest one ever: an attempt that begins again at an older checkpoint is shown where it is.
            runs.change(tx, run.id, iteration=reached)
    return new


def _reached(said: Sequence[RunEvent]) -> int | None:
    found = [e.fields.get("iteration") for e in said if e.kind == "iteration"]
    return int(found[-1]) if found and found[-1] is not None else None


def checkpoint(ws: Workspace, job_id: str, said: NewCheckpoint) -> tuple[Checkpoint, bool]:
    """Keep weights whose bytes are in the blobs, and make their scoring due; False when they were known."""
    size = ws.blobs.path(said.blob).stat().st_size
    with ws.db.write() as tx:
        jobs.require(tx, job_id, said.number)
        run = runs.of_job(tx, job_id)
        fresh = Checkpoint(jobs.new_id(), run.id, said.iteration, said.kind, said.blob, size, now())
        kept, new = runs.put_checkpoint(tx, fresh)
        if new:
            jobs.put(tx, "detect", "detect", {"checkpoint": kept.id}, run.project, cause=cause_of(kept.id))
    return kept, new


def cause_of(checkpoint_id: str) -> str:
    """The cause of every job that scores this checkpoint."""
    return f"checkpoint:{checkpoint_id}"


def finish(ws: Workspace, job_id: str, end: End) -> None:
    """End a job or take it back; an ended training is reported once all its checkpoints are scored."""
    state = JobState(end.state)
    with ws.db.write() as tx:
        if state is JobState.QUEUED and jobs.require(tx, job_id, end.number).cancel_wanted:
            state = JobState.CANCELLED  # Nobody shall begin again what was to be stopped.
        jobs.finish(tx, job_id, end.number, state, end.failure)
        job = jobs.find(tx, job_id)
        if job.kind == "train":
            run = runs.of_job(tx, job_id)
            if end.transcript is not None:
                runs.change(tx, run.id, transcript=end.transcript)
            if state in ENDED:
                runs.change(tx, run.id, ended=now())
        else:
            run = runs.find(tx, runs.find_checkpoint(tx, str(job.payload["checkpoint"])).run_id)
        report_if_complete(tx, run)
    if job.kind == "train":
        tell(ws.registry, "run_changed", run_id=run.id, state=state.value)


def report_if_complete(tx: Connection, run: Run) -> None:
    """Make the report of an ended run due, also when the scoring of a checkpoint has failed for good."""
    waiting = [c for c in runs.checkpoints(tx, run.id) if _being_scored(tx, c)]
    if not waiting and runs.scores(tx, run.id) and runs.find(tx, run.id).state in ENDED:
        jobs.put_once(tx, "report", "bridge", {"run": run.id}, run.project, cause=f"report:{run.id}")


def _being_scored(tx: Connection, known: Checkpoint) -> bool:
    return any(jobs.open_count(tx, kind, cause_of(known.id)) for kind in ("detect", "evaluate"))
