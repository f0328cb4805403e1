"""By which rule a project's VoTT gives its assets their ids: what is added must have the id that VoTT will give it.

2.0 to 2.2 hash the encoded path, with "file:". The previews, and the builds after 2.2 where a connection is not
relative, hash the path as the system spells it; where it is, the path below the folder of the pictures. The id of a
video's frame is the hash of its encoded path everywhere. Another id makes VoTT show the picture twice.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from itertools import islice
from typing import Literal

from plugins.formats.vott2.asset import Record, asset_id, decoded, encoded
from plugins.formats.vott2.entries import Entry

# So many assets are asked; a project that was opened by two builds has both kinds.
_ASKED = 25
_WINDOWS = re.compile(r"[A-Za-z]:/|//")

How = Literal["encoded", "native", "relative"]


@dataclass(frozen=True, slots=True)
class IdRule:
    """The rule of one project; root is the folder of its pictures, with slashes forward and one at its end."""

    how: How = "encoded"
    root: str = ""

    def id_of(self, path: str) -> str:
        """The id of the picture at a path with slashes forward."""
        if self.how == "encoded":
            return asset_id(encoded(path))
        native = path.removeprefix(self.root) if self.how == "relative" else path
        return asset_id(native.replace("/", "\\") if _WINDOWS.match(path) else native)

    def applied(self, asset: Record) -> Record:
        """A new asset of a picture with the id that it gets by this rule."""
        if self.how == "encoded":
            return asset
        return asset | {"id": self.id_of(decoded(str(asset["path"])))}


def rule_of(entries: tuple[Entry, ...], root: str) -> IdRule:
    """The rule that most of a project's pictures follow; that of 2.0 to 2.2 where none does."""
    rules = [IdRule(how, root) for how in ("encoded", "native", "relative")]
    fits: Counter[int] = Counter()
    for entry in islice((entry for entry in entries if not entry.is_frame), _ASKED):
        fits.update(n for n, rule in enumerate(rules) if rule.id_of(entry.path) == entry.id)
    return rules[max(fits, key=lambda n: (fits[n], -n))] if fits else rules[0]
