"""Pictures that nobody has looked at yet."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from bridge.model.annotation import State
from bridge.model.finding import Finding, Severity
from bridge.plugin import View

_NAMED = 3


class Unreviewed:
    """Nothing is lost by it: they are left out of training, and told apart from pictures found to be empty.

    A picture in conflict was looked at more than once: it is none of the three, and told by another rule (conflict).
    """

    rule = "unreviewed"

    def check(self, view: View) -> Iterator[Finding]:
        """One finding for the whole project, if there is any such picture."""
        count: Counter[State] = Counter()
        named: list[str] = []
        clashing = 0
        for document in view.documents:
            if "conflict" in document.extra:
                clashing += 1
                continue
            state = document.state
            count[state] += 1
            if state == State.UNKNOWN and len(named) < _NAMED:
                named.append(document.image.name)
        if count[State.UNKNOWN]:
            fields = {
                "unknown": count[State.UNKNOWN],
                "reviewed_empty": count[State.REVIEWED_EMPTY],
                "labelled": count[State.LABELLED],
                "pictures": count.total() + clashing,
                "names": ", ".join(named) + (" …" if count[State.UNKNOWN] > len(named) else ""),
            }
            yield Finding(self.rule, Severity.INFO, None, fields)
