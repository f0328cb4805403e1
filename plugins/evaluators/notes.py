"""What is told of a file that is scored: a finding for each entry, as far as anybody would read them."""

from __future__ import annotations

from collections import Counter
from typing import Any

from bridge.model.finding import Finding, Severity

# Of each rule and list; a file may hold a hundred thousand entries with the same fault.
_MOST = 1000


class Notes:
    """Findings as they come; what goes beyond a thousand of one kind is counted."""

    def __init__(self) -> None:
        self._found: list[Finding] = []
        self._seen: Counter[tuple[str, Any]] = Counter()

    def add(self, rule: str, severity: Severity = Severity.WARNING, **fields: Any) -> None:
        """Tell something."""
        kind = (rule, fields.get("part"))
        self._seen[kind] += 1
        if self._seen[kind] <= _MOST:
            self._found.append(Finding(rule, severity, fields=fields))

    def all(self) -> list[Finding]:
        """All that was told, and how much more there is."""
        more = {kind: count - _MOST for kind, count in self._seen.items() if count > _MOST}
        rest = [
            Finding("score-more", Severity.WARNING, fields={"about": rule, "part": part, "entries": count})
            for (rule, part), count in more.items()
        ]
        return [*self._found, *rest]
