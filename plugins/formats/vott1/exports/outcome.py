"""What became of one label in an export, and how that is told."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from bridge.model.finding import Finding, Severity
from plugins.formats.halves import whole
from plugins.formats.vott1.exports import faults
from plugins.formats.vott1.exports.faults import Cause, Size, best_screen
from plugins.formats.vott1.exports.leftout import LAST_LEFT_OUT, NEVER_VISITED, STOPPED

OTHER_CLASS = "export-other-class"
UNDEFINED_CLASS = "export-undefined-class"
PREDICTION = "export-prediction"
EXTRA_LINE = "export-extra"
SHARED = "export-shared-labels"
SHIFTED = "export-shifted"
UNTAGGED = "export-untagged"
NO_LABEL = "export-no-label"
UNREADABLE = "export-unreadable"

# What leaves a label out, or adds one of a model, may damage a training; the rest does.
_WARNINGS = frozenset({faults.OUTSIDE, LAST_LEFT_OUT, NEVER_VISITED, STOPPED, PREDICTION})


@dataclass(frozen=True, slots=True)
class Outcome:
    """One label: the cause of what the export says of it (rule "": it is right), and the fields to tell it by.

    labels is how many labels that is: a picture without a label file loses all at once.
    """

    image: str | None
    cause: Cause
    fields: dict[str, Any] = field(default_factory=dict)
    region: int | None = None
    labels: int = 1


def counted(outcomes: Iterable[Outcome]) -> tuple[int, int, dict[str, int]]:
    """How many labels there are, how many are right, and how many each fault damaged."""
    damaged: Counter[str] = Counter()
    for outcome in outcomes:
        damaged[outcome.cause.rule] += outcome.labels
    checked, right = damaged.total(), damaged.pop("", 0)
    return checked, right, dict(sorted(damaged.items()))


def told(outcomes: Sequence[Outcome], names: Mapping[Size, Sequence[str]]) -> list[Finding]:
    """A finding for every label that is not right; names are the pictures of each size."""
    screens = best_screen(outcome.cause for outcome in outcomes)
    return [_finding(outcome, screens, names) for outcome in outcomes if outcome.cause.rule]


def _finding(outcome: Outcome, screens: Mapping[Cause, Size], names: Mapping[Size, Sequence[str]]) -> Finding:
    rule, fields = outcome.cause.rule, dict(outcome.fields)
    size = screens.get(outcome.cause)
    if size is not None:
        shown = names.get(size, ())
        more = f" (+{len(shown) - 1})" if len(shown) > 1 else ""
        fields |= {"screen": whole(shown[0]) + more if shown else "?", "screen_size": f"{size[0]}x{size[1]}"}
    severity = Severity.WARNING if rule in _WARNINGS else Severity.ERROR
    return Finding(rule, severity, outcome.image, fields, outcome.region)
