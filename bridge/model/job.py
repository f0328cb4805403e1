"""Work that is due, who holds it, and the machines that do it."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


class JobState(StrEnum):
    """waiting = needs something else first (a person, another job); the last three are ends."""

    QUEUED = "queued"
    RUNNING = "running"
    WAITING = "waiting"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


ENDED: frozenset[JobState] = frozenset({JobState.DONE, JobState.FAILED, JobState.CANCELLED})


@dataclass(frozen=True, slots=True)
class Lease:
    """The right to work on a job until a time; an older number than the store's is refused (409)."""

    job_id: str
    holder: str
    number: int
    until: float


@dataclass(frozen=True, slots=True)
class Job:
    """One piece of due work; payload is JSON of ids and plain values, cause is what made it due."""

    id: str
    kind: str
    queue: str
    payload: dict[str, Any]
    state: JobState = JobState.QUEUED
    due: float = 0.0
    attempts: int = 0
    lease: Lease | None = None
    cause: str = ""
    project: str | None = None
    cancel_wanted: bool = False
    progress: dict[str, Any] = field(default_factory=dict)
    failure: dict[str, Any] | None = None
    created: str = ""


@dataclass(frozen=True, slots=True)
class Gpu:
    """One accelerator of a node; memory in MiB, None where the driver does not tell."""

    index: int
    name: str
    uuid: str | None = None
    memory_mib: int | None = None


@dataclass(frozen=True, slots=True)
class Node:
    """A machine with workers on it; seen is when it last spoke (seconds since 1970)."""

    name: str
    gpus: tuple[Gpu, ...] = ()
    engine: dict[str, Any] = field(default_factory=dict)
    disk_free: int | None = None
    queues: tuple[str, ...] = ()
    draining: bool = False
    seen: float = 0.0
