"""What a project needs next, decided from what is known of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from bridge.model.job import ENDED, JobState


@dataclass(frozen=True, slots=True)
class Standing:
    """How far a project is; counts are pictures, errors and fixable are findings."""

    images: int = 0
    labelled: int = 0
    unknown: int = 0
    conflicts: int = 0
    errors: int = 0
    fixable: int = 0
    checked: bool = False
    version: str | None = None
    changed: bool = False
    run: str | None = None
    run_state: JobState | None = None
    measured: int = 0
    predicted: int = 0
    tools: int = 0


@dataclass(frozen=True, slots=True)
class Step:
    """One thing to do: key of its words, and the place it leads to (with the id that it takes)."""

    key: str
    place: str
    target: str | None = None
    fields: tuple[tuple[str, Any], ...] = ()


def next_steps(s: Standing) -> list[Step]:
    """What to do, most urgent first; never empty."""
    found = [*_labels(s), *_training(s), *_afterwards(s)]
    return found or [Step("rest", "project")]


def _labels(s: Standing) -> list[Step]:
    if s.images == 0:
        return [Step("import", "import")]
    steps = []
    if s.conflicts:
        steps.append(Step("conflicts", "conflicts", None, (("n", s.conflicts),)))
    if s.errors:
        steps.append(Step("errors", "findings", None, (("n", s.errors), ("fixable", s.fixable))))
    elif not s.checked:
        steps.append(Step("check", "check"))
    if s.labelled == 0:
        steps.append(Step("label", "pictures", None, (("n", s.unknown),)))
    return steps


def _training(s: Standing) -> list[Step]:
    if s.run is not None and s.run_state not in ENDED:
        return [Step("watch", "run", s.run)]
    if s.labelled == 0:
        return []
    if s.run_state is JobState.FAILED:
        return [Step("failed", "run", s.run)]
    if s.version is None:
        return [Step("cut", "cut")]
    if s.run is None:
        return [Step("train", "train")]
    return [Step("cut-again", "cut")] if s.changed else []


def _afterwards(s: Standing) -> list[Step]:
    if s.run_state is not JobState.DONE:
        return []
    if s.measured == 0:
        return [Step("measuring", "run", s.run)]
    steps = [Step("report", "report", s.run)]
    if s.predicted == 0:
        steps.append(Step("predict", "predict"))
    elif s.tools:
        steps.append(Step("push", "push", None, (("n", s.predicted),)))
    if s.unknown:
        steps.append(Step("label-rest", "pictures", None, (("n", s.unknown),)))
    return steps
