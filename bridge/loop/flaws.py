"""What is wrong with boxes and labels as a tool holds them, for the report of an import; nothing is changed by it.

A check of the project says the same of its boxes, so that these findings are told and not kept.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from bridge.loop.split import boxed_labels
from bridge.model.annotation import LEAST_SIDE, Document, Image, Region
from bridge.model.finding import Finding, Severity
from bridge.model.rectangles import Rectangles
from bridge.plugin import View
from bridge.registry import Registry

# The validators that look at one region at a time.
_RULES = frozenset({"outside", "swapped", "zero-area", "untagged", "duplicate-box"})


def flaws(registry: Registry, document: Document, image: Image) -> Iterator[Finding]:
    """What a check would say of a document's regions and reading them did not; the image has its true size."""
    if not document.regions or _is_plain(document.regions, image):
        return
    count = len(document.regions)
    document = replace(document, image=image)
    told = {(finding.rule, finding.region) for finding in document.findings}
    for plugin in registry.known("validator"):
        if plugin.name in _RULES and plugin.origin == "built-in":
            found: Iterable[Finding] = registry.find("validator", plugin.name).check(View((), (document,)))
            yield from (finding for finding in found if (finding.rule, finding.region) not in told)
    if ("no-box", None) not in told and document.image.width and not boxed_labels(document):
        yield Finding("no-box", Severity.WARNING, document.image.name, {"count": count})


def _is_plain(regions: Sequence[Region], image: Image) -> bool:
    """Whether all are labelled rectangles inside the picture, each once: nearly all are, of perhaps a million."""
    width, height = image.width, image.height
    if isinstance(regions, Rectangles):
        places = set(zip(regions.left, regions.top, regions.right, regions.bottom, strict=True))
        return len(places) == len(regions) and () not in regions.labels and regions.lie_inside(width, height)
    points = set()
    for region in regions:
        if region.kind != "rectangle" or not region.labels or len(region.points) != 2:
            return False
        (left, top), (right, bottom) = region.points
        is_inside = left >= 0 and top >= 0 and right <= width and bottom <= height
        if not is_inside or right - left < LEAST_SIDE or bottom - top < LEAST_SIDE:
            return False
        points.add(region.points)
    return len(points) == len(regions)


def lookalikes(labels: Iterable[str]) -> Iterator[Finding]:
    """Labels that a person takes for one: they differ in case, width (Ａ and A) or outer blanks only."""
    first: dict[str, str] = {}
    for label in labels:
        other = first.setdefault(unicodedata.normalize("NFKC", label).casefold().strip(), label)
        if other != label:
            yield Finding("label-typo", Severity.WARNING, None, {"label": label, "other": other})
