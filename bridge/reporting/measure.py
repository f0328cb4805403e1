"""How a score is called and written for people."""

from __future__ import annotations

from bridge.model.scores import Scores
from bridge.texts import catalogue, render


def measure(scores: Scores, language: str) -> str:
    """The name of the mean: mAP@0.5, or what another protocol calls its own."""
    iou = scores.options.get("iou", 0.5)
    key = f"measure.{scores.protocol}"
    known = key in catalogue("en", "report")
    return render("report", key if known else "measure.other", {"iou": iou, "protocol": scores.protocol}, language)


def percent(fraction: float) -> str:
    """A fraction as percent with one decimal; a dash where the protocol gives none (COCO's -1, or not a number)."""
    return f"{100 * fraction:.1f}" if 0 <= fraction <= 1 else "–"
