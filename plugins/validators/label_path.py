"""Label files that a fork of darknet does not find, since each looks for them by rules of its own."""

from __future__ import annotations

from collections.abc import Iterator

from bridge.model.finding import Finding, Severity
from bridge.plugin import View
from plugins.validators.darknet_paths import FORKS, placed

_SEVERITY = {"AlexeyAB": Severity.ERROR, "hank-ai": Severity.ERROR, "pjreddie": Severity.WARNING}


class LabelPath:
    """An error: AlexeyAB's darknet trains on such a picture as one without objects, hank-ai's stops.

    A warning where only pjreddie's, which ends, does not find them.
    """

    rule = "label-path"

    def check(self, view: View) -> Iterator[Finding]:
        """One finding per fork, for all pictures of a darknet folder whose labels it looks for elsewhere."""
        count = dict.fromkeys(FORKS, 0)
        example: dict[str, tuple[str, str]] = {}
        for picture in placed(view):
            for fork, label_of in FORKS.items() if picture.document.regions is not None else ():
                wanted = label_of(picture.path)
                if not picture.has(wanted):
                    count[fork] += 1
                    example.setdefault(fork, (picture.document.image.name, wanted.lstrip("/")))
        for fork, (name, wanted) in example.items():
            fields = {"case": fork.lower(), "fork": fork, "count": count[fork], "name": name, "wanted": wanted}
            yield Finding(self.rule, _SEVERITY[fork], None, fields)
