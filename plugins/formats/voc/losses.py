"""What VOC has no word for, region by region; most of it stands beside, where only we read it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from bridge.model.annotation import Document, Region
from bridge.model.finding import Finding, Severity
from plugins.formats.voc.elements import has_objects
from plugins.formats.voc.markup import writable


def losses(documents: Iterable[Document]) -> list[Finding]:
    """A warning for what is gone after the way there and back, info for what other programs do not see."""
    return [finding for document in documents for finding in _of_picture(document)]


def _of_picture(document: Document) -> Iterator[Finding]:
    for index, region in enumerate(document.regions or ()):
        labels = ", ".join(region.labels)
        fields = {"kind": region.kind, "labels": labels}
        unfit = [label for label in region.labels if writable(label) != label]
        if unfit:
            unwritable = {"case": "xml", "label": writable(unfit[0])}
            yield Finding("label-unwritable", Severity.WARNING, document.image.name, unwritable, index)
        case = _case(region)
        if case is not None:
            lost = case == "shapeless"
            told = fields | ({"case": case} if case else {})
            severity = Severity.WARNING if lost else Severity.INFO
            yield Finding("box-only", severity, document.image.name, told, index)
        if len(region.labels) > 1 and has_objects(region):
            several = {"labels": labels, "count": len(region.labels)}
            yield Finding("several-labels", Severity.INFO, document.image.name, several, index)


def _case(region: Region) -> str | None:
    """Which sentence fits the region; "" for a shape of which others see the box, None for a labelled rectangle."""
    if has_objects(region):
        return None if region.kind in ("rectangle", "damaged") else ""
    if region.kind in ("brush", "damaged"):
        return "shapeless"
    return "none" if region.box is None else "untagged"
