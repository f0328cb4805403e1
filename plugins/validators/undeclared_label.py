"""Labels on boxes that the project's label list does not have."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from bridge.model.annotation import Document
from bridge.model.finding import Finding, Severity
from bridge.plugin import View
from plugins.validators.class_out_of_range import is_number


class UndeclaredLabel:
    """A warning: such a label becomes one more class at the end, so cfg, names and older weights no longer fit."""

    rule = "undeclared-label"

    def check(self, view: View) -> Iterator[Finding]:
        """One finding per picture and label, at its first region."""
        declared = frozenset(view.labels)
        for document in view.documents:
            if any(not declared.issuperset(region.labels) for region in document.regions or ()):
                yield from self._strangers(document, declared)

    def _strangers(self, document: Document, declared: frozenset[str]) -> Iterator[Finding]:
        count: Counter[str] = Counter()
        first: dict[str, int] = {}
        for index, region in enumerate(document.regions or ()):
            for label in region.labels:
                if label not in declared and not is_number(label):
                    count[label] += 1
                    first.setdefault(label, index)
        for label, index in first.items():
            fields = {"label": label, "count": count[label], "box": index + 1}
            yield Finding(self.rule, Severity.WARNING, document.image.name, fields, index)
