"""Whether there are pictures that show what is no object."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from bridge.model.annotation import State
from bridge.model.finding import Finding, Severity
from bridge.plugin import View


class FewNegatives:
    """Nothing is lost by it: darknet's own guide wants as many pictures without objects as with them."""

    rule = "few-negatives"

    def check(self, view: View) -> Iterator[Finding]:
        """One finding for the project."""
        count = Counter(document.state for document in view.documents)
        empty, labelled = count[State.REVIEWED_EMPTY], count[State.LABELLED]
        if labelled and empty < labelled:
            yield Finding(self.rule, Severity.INFO, None, {"empty": empty, "labelled": labelled})
