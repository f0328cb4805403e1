"""Picture files whose ending says another format than their content."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator

from bridge.model.finding import Finding, Severity
from bridge.plugin import View
from plugins.validators.headers import headers

_ENDINGS = {
    ".jpg": "JPEG",
    ".jpeg": "JPEG",
    ".jpe": "JPEG",
    ".jfif": "JPEG",
    ".png": "PNG",
    ".bmp": "BMP",
    ".gif": "GIF",
    ".tif": "TIFF",
    ".tiff": "TIFF",
    ".webp": "WEBP",
    ".ppm": "PPM",
}
# Cameras write several pictures into one JPEG file.
_SAME = {"MPO": "JPEG"}
# What every build of darknet decodes, whatever the name says.
_EVERYWHERE = frozenset({"JPEG", "PNG", "BMP", "PPM"})


class WrongExtension:
    """Info: darknet and labelbridge go by the content, other programs by the name.

    An error in a darknet folder where the content is a format that builds without OpenCV cannot decode.
    """

    rule = "wrong-extension"

    def check(self, view: View) -> Iterator[Finding]:
        """One finding per file."""
        for image, kind, _ in headers(view):
            ending = posixpath.splitext(image.name)[1]
            found = _SAME.get(kind, kind)
            said = _ENDINGS.get(ending.lower(), found)
            if said != found:
                is_hard = view.bare and found not in _EVERYWHERE
                fields = {"ending": ending, "said": said, "found": found} | ({"case": "hard"} if is_hard else {})
                yield Finding(self.rule, Severity.ERROR if is_hard else Severity.INFO, image.name, fields)
