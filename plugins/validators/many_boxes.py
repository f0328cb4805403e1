"""Pictures with more boxes than darknet takes of one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from bridge.model.finding import Finding, Severity
from bridge.plugin import View
from plugins.validators.boxes import boxes

# What a cfg without max= gets: from AlexeyAB's since May 2020, and from it before that and from pjreddie's.
_MOST, _MOST_OLDER = 200, 90


class ManyBoxes:
    """A warning above 200 boxes, info above 90: darknet takes a random choice of them each time, up to max=.

    The others are background in that moment, so that it unlearns what it has just learned.
    """

    rule = "many-boxes"

    def check(self, view: View) -> Iterator[Finding]:
        """One finding per picture."""
        count: Counter[str] = Counter()
        for document, _, region, _ in boxes(view):
            count[document.image.name] += len(set(region.labels))
        for name, found in count.items():
            if found > _MOST_OLDER:
                severity = Severity.WARNING if found > _MOST else Severity.INFO
                yield Finding(self.rule, severity, name, {"count": found, "most": _MOST, "older": _MOST_OLDER})
