"""How good a checkpoint is, under a named protocol."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


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

    map is the mean AP as the protocol defines it, a fraction. stats holds what the protocol adds (COCO's twelve).
    """

    protocol: str
    map: float
    classes: tuple[ClassScore, ...]
    options: dict[str, Any] = field(default_factory=dict)
    stats: dict[str, float] = field(default_factory=dict)
    checkpoint_id: str | None = None
    pictures: int = 0
