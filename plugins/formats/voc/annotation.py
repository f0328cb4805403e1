"""One annotation file: what it says of its picture, who wrote it, and the numbers of its boxes as they stand there."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from bridge.document import read_bytes
from bridge.errors import InputError
from bridge.model.annotation import Point
from plugins.formats.halves import whole
from plugins.formats.pixels import number
from plugins.formats.voc.markup import MEGABYTES, parse, text_of

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

# The element that only we write: how numbers are meant, the picture's own name, and what VOC has no word for.
OURS = "labelbridge"
SIDES = ("xmin", "ymin", "xmax", "ymax")

Flavour = Literal["ours", "vott-v1", "vott-v2", "other"]
Corners = Literal["pixels", "voc"]

_VOTT2_PATH = re.compile(r"PascalVOC-export/Annotations/[^/]*$")
_VOTT1_PATH = re.compile(r"[/\\]JPEGImages[/\\]([^/\\]+)$")


@dataclass(frozen=True, slots=True)
class Annotation:
    """A parsed annotation file; mended tells that it was no valid XML."""

    path: Path
    root: Element
    mended: bool = False

    @property
    def filename(self) -> str:
        """The picture's file as it is spelled here."""
        return whole(text_of(self.root, "filename")).replace("\\", "/")

    @property
    def stem(self) -> str:
        """The name of the file without its extension, by which lists and other programs know the picture."""
        return whole(self.path.stem)

    @property
    def ours(self) -> Element | None:
        """What we wrote beside the rest; None in anybody else's file."""
        return self.root.find(OURS)

    @property
    def flavour(self) -> Flavour:
        """Who wrote this: VoTT leaves a path that only it writes."""
        if self.ours is not None:
            return "ours"
        if text_of(self.root, "folder") == "Annotation":
            path = text_of(self.root, "path")
            if _VOTT2_PATH.search(path):
                return "vott-v2"
            if _VOTT1_PATH.search(path):
                return "vott-v1"
        return "other"

    @property
    def uncut(self) -> str | None:
        """The file name that VoTT 1 cut four characters and a dot from: its path still has all of it."""
        found = _VOTT1_PATH.search(text_of(self.root, "path"))
        if found is None:
            return None
        cut = found[1][:-4]
        return whole(found[1]) if self.filename in (cut, cut.replace(".", "", 1)) else None

    @property
    def corners(self) -> Corners | None:
        """How the numbers of boxes are meant, where the file says so."""
        told = text_of(self.ours, "corners")
        return "voc" if told == "voc" else "pixels" if told == "pixels" else None

    @property
    def size(self) -> Point | None:
        """The size of the picture as recorded."""
        found = self.root.find("size")
        width, height = number(text_of(found, "width")), number(text_of(found, "height"))
        return (width, height) if width and height and width > 0 and height > 0 else None

    @property
    def objects(self) -> list[Element]:
        """The marked things."""
        return self.root.findall("object")


def read_annotation(path: Path, max_megabytes: int) -> Annotation:
    """The annotation file at a path; raises NotFoundError or InputError where it cannot be used."""
    markup = parse(read_bytes(path, min(max_megabytes, MEGABYTES)), str(path))
    if markup.root.tag != "annotation":
        raise InputError("xml-unusable", path=str(path), reason=f"<{markup.root.tag[:40]}>, not <annotation>")
    return Annotation(path, markup.root, markup.mended)


def label_of(element: Element) -> str:
    """The label of an object; ours keeps its blanks."""
    text = element.findtext("name") or ""
    return text if element.find(OURS) is not None else text.strip()


def numbers_of(element: Element) -> tuple[float, float, float, float] | None:
    """xmin, ymin, xmax, ymax of an object as they stand there; None where one is missing or no number."""
    box = element.find("bndbox")
    left, top, right, bottom = (number(text_of(box, side)) for side in SIDES)
    if left is None or top is None or right is None or bottom is None:
        return None
    return left, top, right, bottom
