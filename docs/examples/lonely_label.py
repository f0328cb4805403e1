"""A validator: labels that never stand alone in a picture, such as a number plate without a car."""

# start lonely-label
from __future__ import annotations

from collections.abc import Iterator

from bridge.model.finding import Finding, Severity
from bridge.plugin import View

# What must be in the same picture as a label.
GOES_WITH = {"plate": "car", "ナンバー": "車"}


class LonelyLabel:
    """A warning for each picture that shows the one without the other: somebody forgot a box."""

    rule = "lonely-label"

    def check(self, view: View) -> Iterator[Finding]:
        """One finding per picture and label."""
        for document in view.documents:
            shown = {label for region in document.regions or () for label in region.labels}
            for label in sorted(shown & GOES_WITH.keys()):
                partner = GOES_WITH[label]
                if partner not in shown:
                    text = {
                        "en": f"There is a {label} here, but no {partner}. Was a box forgotten?",
                        "ja": f"「{label}」がありますが「{partner}」がありません。枠を描き忘れていませんか。",
                    }
                    fields = {"label": label, "partner": partner, "text": text}
                    yield Finding(self.rule, Severity.WARNING, document.image.name, fields)


PLUGINS = {"validator:lonely-label": LonelyLabel}
# end lonely-label
