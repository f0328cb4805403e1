"""Classes with few pictures to learn from."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from bridge.model.finding import Finding, Severity
from bridge.plugin import View

# What AlexeyAB's README asks for: at least so many different pictures of each class.
_WANTED = 2000
_NAMED = 6


class FewExamples:
    """Nothing is lost by it: darknet's own guide wants 2,000 pictures of each class, and fewer cost accuracy."""

    rule = "few-examples"

    def check(self, view: View) -> Iterator[Finding]:
        """One finding for the project, the class with the fewest pictures first."""
        count: Counter[str] = Counter(dict.fromkeys(view.labels, 0))
        for document in view.documents:
            count.update({label for region in document.regions or () for label in region.labels})
        few = sorted((n, label) for label, n in count.items() if n < _WANTED)
        if few:
            named = ", ".join(f"{label} {n}" for n, label in few[:_NAMED])
            fields = {"count": len(few), "classes": len(count), "wanted": _WANTED, "named": named}
            yield Finding(self.rule, Severity.INFO, None, fields | {"more": " …" if len(few) > _NAMED else ""})
