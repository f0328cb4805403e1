"""File names of a darknet folder that some fork of darknet breaks on."""

from __future__ import annotations

import re
from collections.abc import Iterator

from bridge.model.finding import Finding, Severity
from bridge.plugin import View
from plugins.validators.darknet_paths import placed

# AlexeyAB's writes `echo <label path> "Wrong annotation…" >> bad_label.list` for a shell.
_SHELL = re.compile(r"[$`;&|<>()\"'\\*?\[\]{}!#~\n]")
# … into 256 bytes together with its message, and reads list lines of 255 while detecting.
_LONGEST = 180


class RiskyPath:
    """An error: what a shell understands is run by AlexeyAB's darknet when a label there is wrong.

    A warning: blanks at the end or in the name, and paths too long for its fixed buffers.
    """

    rule = "risky-path"

    def check(self, view: View) -> Iterator[Finding]:
        """One finding per picture of a darknet folder, for the worst of it."""
        for picture in placed(view):
            path = picture.path.lstrip("/")
            if found := _SHELL.search(path):
                fields = {"case": "shell", "path": path, "sign": found[0]}
                yield Finding(self.rule, Severity.ERROR, picture.document.image.name, fields)
            elif re.search(r"\s", path):
                fields = {"case": "blank", "path": path}
                yield Finding(self.rule, Severity.WARNING, picture.document.image.name, fields)
            elif (length := len(path.encode("utf-8", "surrogatepass"))) > _LONGEST:
                fields = {"case": "long", "length": str(length), "most": str(_LONGEST)}
                yield Finding(self.rule, Severity.WARNING, picture.document.image.name, fields)
