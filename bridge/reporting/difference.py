"""The sentences that say why darknet's number and COCO's differ on this data."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bridge.model.difference import Step, difference
from bridge.model.scores import Scores
from bridge.texts import render

# In points of percent: less is not to be seen in a number with one decimal.
_SEEN = 0.0005


def why_different(darknet: Scores, coco: Scores, language: str = "en") -> str:
    """Both numbers, what each rule that differs does to them here, and which rules do nothing; "" without any truth."""
    steps = difference(darknet, coco)
    if not steps:
        return ""
    known = {**coco.options, **darknet.options, "classes": len(darknet.classes)}
    acting = sorted((s for s in steps if abs(s.change) >= _SEEN), key=lambda s: -abs(s.change))
    idle = [s for s in steps if abs(s.change) < _SEEN]

    def say(key: str, **fields: Any) -> str:
        return render("scores", key, fields, language)

    told = [_both(darknet, coco, language)]
    if acting:
        told.append(say("acting", steps=say("join").join(_acting(s, known, language) for s in acting)))
    if idle:
        told.append(say("idle", steps=say("join").join(say(f"idle.{s.cause}") for s in idle)))
    return say("space").join(told)


def _both(darknet: Scores, coco: Scores, language: str) -> str:
    numbers = {"darknet": _percent(darknet.map), "coco": _percent(coco.map), "iou": darknet.options.get("iou", 0.5)}
    return render("scores", "both", {**numbers, "change": _points(coco.map - darknet.map)}, language)


def _acting(step: Step, known: Mapping[str, Any], language: str) -> str:
    empty = known.get("classes_without_truth", [])
    area = "area" if not known.get("points") else "some"
    fields = {**known, "empty": len(empty), "case": area}
    fields |= {"before": _percent(step.mean - step.change), "change": _points(step.change)}
    return render("scores", f"step.{step.cause}", fields, language)


def _percent(fraction: float) -> str:
    return f"{100 * fraction:.1f}"


def _points(fraction: float) -> str:
    """A change with its sign; the minus is a minus."""
    return f"{100 * fraction:+.1f}".replace("-", "\u2212")
