"""A document → its annotation file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bridge.model.annotation import Document
from plugins.formats.voc.annotation import OURS, Corners
from plugins.formats.voc.elements import bare_of, has_objects, objects_of
from plugins.formats.voc.markup import Record, element_of, render
from plugins.formats.voc.objects import KEY

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element


def annotation_text(document: Document, file: str, folder: str, corners: Corners) -> bytes:
    """The annotation file of a picture that lies under a file name in JPEGImages."""
    root = _root(document.extra.get(KEY), folder)
    _set(root, "filename", file)
    _set_size(root, document)
    regions = document.regions or ()
    for index, region in enumerate(regions):
        root.extend(objects_of(region, index, corners) if has_objects(region) else ())
    # What we write says how its numbers are meant, and what the picture is called.
    own = _made([OURS, {}, "", [["corners", {}, corners, []], ["name", {}, document.image.name, []]]])
    own.extend(bare_of(region) for region in regions if not has_objects(region))
    root.append(own)
    return render(root)


def _root(kept: Any, folder: str) -> Element:
    """What the annotation said before, else what VOC wants to be there."""
    annotation = kept.get("annotation") if isinstance(kept, dict) else None
    there = element_of(annotation) if annotation else None
    if there is not None and there.tag == "annotation":
        return there
    children: list[Record] = [
        ["folder", {}, folder, []],
        ["filename", {}, "", []],
        ["source", {}, "", [["database", {}, "Unknown", []]]],
        ["size", {}, "", [[tag, {}, text, []] for tag, text in (("width", "0"), ("height", "0"), ("depth", "3"))]],
        ["segmented", {}, "0", []],
    ]
    return _made(["annotation", {}, "", children])


def _set_size(root: Element, document: Document) -> None:
    size = root.find("size")
    if size is None:
        size = _made(["size", {}, "", []])
        root.append(size)
    _set(size, "width", str(document.image.width))
    _set(size, "height", str(document.image.height))


def _set(element: Element, tag: str, text: str) -> None:
    made = _made([tag, {}, text, []])
    there = element.find(tag)
    if there is None:
        element.append(made)
    else:
        there.text = made.text


def _made(record: Record) -> Element:
    made = element_of(record)
    assert made is not None
    return made
