"""What a report shows of one run, ready to be drawn: every number with where it came from."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from bridge.model.annotation import Region
from bridge.model.scores import Scores


@dataclass(frozen=True, slots=True)
class Example:
    """One held-out picture with its truth and the detections of the best checkpoint; jpeg is a small preview."""

    image: str
    width: int
    height: int
    jpeg: bytes
    truth: tuple[Region, ...]
    detections: tuple[Region, ...]


@dataclass(frozen=True, slots=True)
class CheckpointRow:
    """One column of the class × checkpoint table."""

    checkpoint_id: str
    iteration: int
    kind: str
    scores: Scores


@dataclass(frozen=True, slots=True)
class Report:
    """One run: loss curve, scores of all checkpoints, the best one, examples, and the facts behind the numbers.

    losses are (iteration, loss, average loss). objects maps a class name to its (training, held-out) object counts.
    facts hold dataset version, cfg hash, engine and detector versions, thresholds, times.
    """

    project: str
    run_id: str
    created: str
    classes: tuple[str, ...]
    objects: dict[str, tuple[int, int]]
    pictures: tuple[int, int]
    losses: tuple[tuple[int, float, float], ...]
    checkpoints: tuple[CheckpointRow, ...]
    best: str | None
    examples: tuple[Example, ...] = ()
    findings: dict[str, int] = field(default_factory=dict)
    facts: dict[str, Any] = field(default_factory=dict)
