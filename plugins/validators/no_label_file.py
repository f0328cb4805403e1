"""Pictures of a darknet folder that have no label file."""

from __future__ import annotations

from collections.abc import Iterator

from bridge.model.finding import Finding, Severity
from bridge.plugin import View
from plugins.validators.darknet_paths import placed


class NoLabelFile:
    """A warning: AlexeyAB's darknet learns that there is nothing on them, hank-ai's and pjreddie's end there."""

    rule = "no-label-file"

    def check(self, view: View) -> Iterator[Finding]:
        """One finding for the folder."""
        names = [picture.document.image.name for picture in placed(view) if picture.document.regions is None]
        if names:
            yield Finding(self.rule, Severity.WARNING, None, {"count": len(names), "name": names[0]})
