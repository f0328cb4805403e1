"""Where each fork of darknet looks for the labels of a picture, and which names it breaks on."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from bridge.model.annotation import Document
from bridge.plugin import View

_EXTENSIONS = r"\.(?:jpg|JPG|jpeg|JPEG|png|PNG|bmp|BMP|ppm|PPM|tiff|TIFF)"
_COCO = re.compile(r"/images/(train2014|val2014|train2017|val2017)/")
_LAST = re.compile(_EXTENSIONS + r"(?=[^/]*$)(?!.*" + _EXTENSIONS + ")")


@dataclass(frozen=True, slots=True)
class Placed:
    """A picture of a darknet folder: the folder's root, and the path below it, as a list would name it."""

    document: Document
    root: str
    path: str

    def has(self, path: str) -> bool:
        """Whether there is a file at a path below the root."""
        return Path(self.root + path).is_file()


def placed(view: View) -> Iterator[Placed]:
    """The pictures that darknet will read as they lie there; none where labelbridge writes the folder."""
    for document in view.documents if view.bare else ():
        file = document.image.file
        if file is not None:
            path = file.path.replace("\\", "/")
            below = "/" + document.image.name
            below = below if path.endswith(below) else "/" + path.rpartition("/")[2]
            yield Placed(document, path.removesuffix(below), below)


def alexeyab(path: str) -> str:
    """COCO's and VOC's folders have theirs beside; then the last extension, of those it knows, becomes .txt.

    Where it knows none it opens the picture itself as the label file, and finds no box in it.
    """
    path = _COCO.sub(r"/labels/\1/", path, count=1).replace("/JPEGImages/", "/labels/", 1)
    return _LAST.sub(".txt", path)


def hank(path: str) -> str:
    """The last extension, whatever it is, becomes .txt in the same folder."""
    stem, dot, last = path.rpartition(".")
    return (stem if dot and "/" not in last else path) + ".txt"


def pjreddie(path: str) -> str:
    """The first of each of these words, also within a name, is replaced, and the first of each extension."""
    for word in ("images", "JPEGImages", "raw"):
        path = path.replace(word, "labels", 1)
    for extension in (".jpg", ".png", ".JPG", ".JPEG"):
        path = path.replace(extension, ".txt", 1)
    return path


FORKS: dict[str, Callable[[str], str]] = {"AlexeyAB": alexeyab, "hank-ai": hank, "pjreddie": pjreddie}
