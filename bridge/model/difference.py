"""Why two protocols give two numbers for the same detections, step by step.

Scores.steps are means on one way from darknet's number to COCO's, each with one more rule taken from COCO: darknet's
scores hold the first half of the way (by what can be changed in its own rule), COCO's the second (by what can be
changed in COCO's). Another order of the steps would share the difference out otherwise; this one is always the same.
"""

from __future__ import annotations

from dataclasses import dataclass

from bridge.model.scores import Scores


@dataclass(frozen=True, slots=True)
class Step:
    """One rule that differs: no-truth points overlap match crowd limit average, and the mean once it is COCO's."""

    cause: str
    mean: float
    change: float


def difference(darknet: Scores, coco: Scores) -> tuple[Step, ...]:
    """All steps from darknet's mean to COCO's AP; their changes add up to the difference. Empty without any truth."""
    if not (darknet.steps and coco.steps):
        return ()
    steps, last = [], darknet.map
    for cause, mean in {**darknet.steps, **coco.steps}.items():
        steps.append(Step(cause, mean, mean - last))
        last = mean
    return tuple(steps)
