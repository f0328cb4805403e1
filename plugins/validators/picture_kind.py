"""Kinds of pictures that not every build of darknet reads, or that are not read as they look."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from bridge.model.finding import Finding, Severity
from bridge.plugin import View
from plugins.validators.headers import headers

# Only builds with OpenCV decode these, and only those without it GIF.
_OPENCV = frozenset({"WEBP", "TIFF", "JPEG2000", "AVIF"})
_ALPHA = frozenset({"RGBA", "LA", "PA", "RGBa"})


class PictureKind:
    """An error in a darknet folder for formats that half of the builds cannot read: they crash or stop there.

    Info for what every build reads otherwise than it looks: transparency, inks instead of colours, 16 bits.
    """

    rule = "picture-kind"

    def check(self, view: View) -> Iterator[Finding]:
        """One finding per file that cannot be read, and one for all files of a kind that is read otherwise."""
        count: Counter[str] = Counter()
        first: dict[str, str] = {}
        for image, kind, mode in headers(view):
            if view.bare and (kind in _OPENCV or kind == "GIF"):
                case = "gif" if kind == "GIF" else "opencv"
                yield Finding(self.rule, Severity.ERROR, image.name, {"case": case, "format": kind})
            if case := _otherwise(mode):
                count[case] += 1
                first.setdefault(case, image.name)
        for case, name in first.items():
            yield Finding(self.rule, Severity.INFO, None, {"case": case, "count": count[case], "name": name})


def _otherwise(mode: str) -> str:
    if mode in _ALPHA:
        return "alpha"
    if mode == "CMYK":
        return "inks"
    return "deep" if mode.startswith(("I", "F")) else ""
