"""How good a checkpoint is, under a named protocol."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal


@dataclass(frozen=True, slots=True)
class ClassScore:
    """One class: average precision (fraction), objects to find in the held-out part and detections made."""

    id: int
    name: str
    ap: float
    truths: int
    detections: int


@dataclass(frozen=True, slots=True)
class Scores:
    """One checkpoint under one protocol; options say how it was got (iou, points, detector, resize, nms, fork).

    map is the mean AP as the protocol defines it, a fraction. stats holds what the protocol adds (COCO's twelve;
    darknet's counts above a score). steps are means on the way to the other protocol's: see model/difference.py.
    """

    protocol: str
    map: float
    classes: tuple[ClassScore, ...]
    options: dict[str, Any] = field(default_factory=dict)
    stats: dict[str, float] = field(default_factory=dict)
    checkpoint_id: str | None = None
    pictures: int = 0
    steps: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Interval:
    """A number and the bounds between which it would lie on other pictures of the same kind."""

    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Intervals:
    """Mean AP and the AP of each class (None: no objects) with bounds from resampled pictures."""

    mean: Interval
    classes: tuple[Interval | None, ...]
    level: float
    resamples: int
    seed: int


@dataclass(frozen=True, slots=True)
class Comparison:
    """How much better one model's mean AP is than another's on the same pictures, and whether that is sure.

    answer: yes (better), no (worse), cannot-tell (the interval holds 0).
    """

    gained: Interval
    answer: Literal["yes", "no", "cannot-tell"]
    level: float
    resamples: int
    seed: int
