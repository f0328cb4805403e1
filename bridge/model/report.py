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
    """One column of the class × checkpoint table; coco are COCO's scores beside those of the headline."""

    checkpoint_id: str
    iteration: int
    kind: str
    scores: Scores
    coco: Scores | None = None


@dataclass(frozen=True, slots=True)
class Report:
    """One run: loss curve, scores of all checkpoints, the best one, examples, and the facts behind the numbers.

    losses are (iteration, loss, average loss), not-a-number as nan. objects maps a class name to its (training,
    held-out) object counts, pictures is the same for pictures. best is a checkpoint_id. findings count by rule.
    facts say where the numbers come from; the page knows these (all optional) and shows others by their own name:
    dataset_version seed fraction valid_is_train, engine fork engine_version cfg_hash network batch subdivisions
    max_batches gpus node start_weights attempts, detector detector_version shown_threshold, state started ended
    seconds labelbridge. What Scores.options says of a checkpoint wins over a fact of the same name.
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

    @property
    def best_row(self) -> CheckpointRow | None:
        """The best checkpoint with its scores; None while there is none."""
        return next((row for row in self.checkpoints if row.checkpoint_id == self.best), None)
