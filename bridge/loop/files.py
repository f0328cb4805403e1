"""What works on bare files, without a store: scoring COCO files, explaining a log."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

from bridge.collector import paused
from bridge.errors import UsageError
from bridge.model.finding import Finding
from bridge.model.scores import Scores
from bridge.plugin import BoxFiles, Evaluator, ScoreOptions
from bridge.registry import Registry
from bridge.settings import Settings


def score_files(
    settings: Settings, truth: Path, detections: Path, protocols: Sequence[str], options: ScoreOptions
) -> tuple[list[Scores], list[Finding]]:
    """Score a COCO results file against a COCO file; bad entries are findings and the rest is scored.

    Gives the scores under each protocol. Raises UsageError plugin-missing, or InputError for a file that is none.
    """
    registry = Registry(settings.data / "plugins")
    known = registry.names("evaluator")
    for protocol in protocols:
        if protocol not in known:
            raise UsageError("plugin-missing", kind="evaluator", plugin=protocol, reason="", known=", ".join(known))
    with paused():
        files = cast(BoxFiles, registry.find("boxes", "coco"))
        evaluators = [cast(Evaluator, registry.find("evaluator", protocol)) for protocol in protocols]
        wanted, found, notes = files.read(truth, detections)
    return [evaluator.score(wanted, found, options) for evaluator in evaluators], notes


def explain(settings: Settings, log: Path, language: str = "en") -> dict[str, Any]:
    """What happened in a run, from its saved output; raises NotFoundError."""
    return Registry(settings.data / "plugins").engine("darknet").explain(log, language)
