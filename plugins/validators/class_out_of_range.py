"""Class numbers in darknet label files that the list of names does not reach."""

from __future__ import annotations

import re
from collections.abc import Iterator

from bridge.model.finding import Finding, Severity
from bridge.plugin import View

# The reader of darknet labels has no name for such a number and calls it this.
_NUMBER = re.compile(r"class-(-?\d+)")


class ClassOutOfRange:
    """An error: AlexeyAB's darknet skips such a label in training and crashes on it while measuring mAP.

    Hank.ai's aborts, pjreddie's trains on memory that is not its own.
    """

    rule = "class-out-of-range"

    def check(self, view: View) -> Iterator[Finding]:
        """One finding per region and number that is not a declared label itself."""
        declared = frozenset(view.labels)
        for document in view.documents:
            for index, region in enumerate(document.regions or ()):
                for label in region.labels:
                    if label in declared or not is_number(label):
                        continue
                    fields = {
                        "box": index + 1,
                        "label": label,
                        "number": int(label.removeprefix("class-")),
                        "classes": len(view.labels),
                        "last": len(view.labels) - 1,
                    }
                    yield Finding(self.rule, Severity.ERROR, document.image.name, fields, index)


def is_number(label: str) -> bool:
    """Whether this is the stand-in for a class number without a name."""
    return label.startswith("class-") and _NUMBER.fullmatch(label) is not None
