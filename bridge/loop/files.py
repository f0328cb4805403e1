"""What works on bare files, without a store: scoring COCO files, explaining a log."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

from bridge.errors import UsageError
from bridge.model.finding import Finding
from bridge.model.scores import Scores
from bridge.plugin import BoxFiles, Evaluator, ScoreOptions
from bridge.registry import Registry
from bridge.settings import Settings


def score_files(
    settings: Settings, truth: Path, detections: Path, protocol: str, options: ScoreOptions
) -> tuple[Scores, list[Finding]]:
    """Score a COCO results file against a COCO file; bad entries are findings and the rest is scored."""
    registry = Registry(settings.data / "plugins")
    if protocol not in registry.names("evaluator"):
        known = ", ".join(registry.names("evaluator"))
        raise UsageError("plugin-missing", kind="evaluator", plugin=protocol, reason="", known=known)
    files = cast(BoxFiles, registry.find("boxes", "coco"))
    wanted, found, notes = files.read(truth, detections)
    evaluator = cast(Evaluator, registry.find("evaluator", protocol))
    return evaluator.score(wanted, found, options), notes


def explain(settings: Settings, log: Path, language: str = "en") -> dict[str, Any]:
    """What happened in a run, from its saved output; raises NotFoundError."""
    return Registry(settings.data / "plugins").engine("darknet").explain(log, language)
