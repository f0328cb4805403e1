"""What a node and the bridge tell each other while work is done; both sides read and write these."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

from bridge.model.training import CheckpointKind, Recipe, RunEvent

# Kinds of jobs that nodes do; the others are done beside the store.
NODE_KINDS = frozenset({"train", "detect", "predict"})

# class, left, top, right, bottom in pixels of the picture as stored
TruthBox = tuple[int, float, float, float, float]
# class, score, left, top, right, bottom
FoundBox = tuple[int, float, float, float, float, float]


@dataclass(frozen=True, slots=True)
class Orders:
    """What the bridge answers a node that says it is there."""

    draining: bool
    lease_seconds: float
    heartbeat_seconds: float


@dataclass(frozen=True, slots=True)
class RunToDo:
    """The training that a job is about."""

    id: str
    version: str
    recipe: Recipe


@dataclass(frozen=True, slots=True)
class WeightsToUse:
    """Weights in the bridge's blobs; id is the checkpoint's."""

    id: str
    blob: str
    iteration: int
    run: str


@dataclass(frozen=True, slots=True)
class Grant:
    """A lease and all that its holder must know; every later message carries the number.

    seconds is how long it lasts without a heartbeat, attempt counts leases of this job from 1. run is there for every
    kind, resume is the newest checkpoint of a training that was begun, checkpoint and options (of the detector) are
    for detection.
    """

    kind: str
    number: int
    seconds: float
    attempt: int
    project: str
    payload: dict[str, Any]
    run: RunToDo
    resume: WeightsToUse | None = None
    checkpoint: WeightsToUse | None = None
    options: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Picture:
    """One picture to train on or to look at, by the hash of its bytes."""

    image_id: int
    name: str
    sha256: str
    width: int
    height: int
    part: str = ""
    boxes: tuple[TruthBox, ...] = ()


@dataclass(frozen=True, slots=True)
class Manifest:
    """Labels in class order and pictures; id is the dataset version, or empty."""

    id: str
    labels: tuple[str, ...]
    members: tuple[Picture, ...]


@dataclass(frozen=True, slots=True)
class PictureFound:
    """What a detector found in one picture, best first."""

    image_id: int
    boxes: tuple[FoundBox, ...]


# ---------------------------------------------------------------- what a node says; number is the lease's


@dataclass(frozen=True, slots=True)
class Beat:
    """Still working; progress is for people, None leaves it as it is."""

    number: int
    progress: dict[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Events:
    """What happened, in order; sending them again is harmless."""

    number: int
    events: tuple[RunEvent, ...]


@dataclass(frozen=True, slots=True)
class NewCheckpoint:
    """Weights whose bytes were put before."""

    number: int
    blob: str
    iteration: int
    kind: CheckpointKind
    size: int


@dataclass(frozen=True, slots=True)
class Found:
    """Detections in some pictures; last closes the set. detector says how they were made."""

    number: int
    checkpoint: str
    detector: dict[str, Any]
    pictures: tuple[PictureFound, ...]
    last: bool = False


@dataclass(frozen=True, slots=True)
class End:
    """The work is over; "queued" gives it back unfinished, for another worker to go on with."""

    number: int
    state: Literal["done", "failed", "cancelled", "queued"]
    failure: dict[str, Any] | None = None
    transcript: str | None = None
