"""A training: what was asked for, what happened, and the weights that came out."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

from bridge.model.job import JobState

Stream = Literal["out", "err"]
CheckpointKind = Literal["numbered", "last", "best", "final"]


@dataclass(frozen=True, slots=True)
class Recipe:
    """Everything that decides a training besides the data; cfg is the complete text darknet gets.

    weights is the blob (SHA-256) to start from, None for random ones; clear restarts the iteration count.
    """

    engine: str
    cfg: str
    width: int
    height: int
    batch: int
    subdivisions: int
    max_batches: int
    classes: tuple[str, ...]
    gpus: tuple[int, ...] = ()
    weights: str | None = None
    clear: bool = True


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a run ended badly: class is one of the words of `explain`, cause and action are text keys with fields."""

    kind: str
    cause: str
    action: str
    fields: dict[str, Any] = field(default_factory=dict)
    tail: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class RunEvent:
    """One thing that happened in a run; seq orders the events of one attempt.

    kinds and their fields: iteration {iteration, loss, avg_loss, rate, seconds, images, hours_left};
    saved {path}; loaded {seconds}; map {map, iteration}; class-ap {id, name, ap}; resized {width, height};
    message {text}; nan {iteration}. The worker adds engine {fork, version, capabilities, …}, state {state, node,
    iteration} at the start of each attempt and resumed {why, cause, iteration} when it goes on after a failure.
    """

    kind: str
    fields: dict[str, Any]
    seq: int = 0
    at: float = 0.0
    attempt: int = 1


@dataclass(frozen=True, slots=True)
class Run:
    """A Recipe on a DatasetVersion; its state is its job's."""

    id: str
    project: str
    version: str
    recipe: Recipe
    job_id: str
    created: str
    state: JobState = JobState.QUEUED
    node: str | None = None
    failure: Failure | None = None
    iteration: int = 0
    started: str | None = None
    ended: str | None = None


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """Weights that a run saved; blob is their SHA-256."""

    id: str
    run_id: str
    iteration: int
    kind: CheckpointKind
    blob: str
    size: int
    created: str = ""
