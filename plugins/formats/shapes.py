"""Shapes: how VoTT spells them, and what is said of those that darknet cannot be given as they are."""

from __future__ import annotations

from collections.abc import Sequence

from bridge.model.annotation import Kind, Region
from bridge.model.finding import Finding, Severity
from bridge.model.rectangles import Rectangles

# How VoTT spells them, in small letters: version 2 writes capitals, version 1 and other programs spell them otherwise.
KINDS: dict[str, Kind] = {
    "rectangle": "rectangle",
    "rect": "rectangle",
    "square": "rectangle",
    "polygon": "polygon",
    "polyline": "polyline",
    "point": "point",
}
# So many characters of a spelling that is none are shown.
SHOWN = 80

_RULES: dict[str, tuple[str, Severity]] = {
    "polygon": ("polygon", Severity.INFO),
    "polyline": ("polygon", Severity.INFO),
    "point": ("point", Severity.INFO),
    "ellipse": ("ellipse", Severity.INFO),
    "rotated": ("rotated", Severity.INFO),
    "brush": ("brush", Severity.WARNING),
    "damaged": ("bad-number", Severity.ERROR),
}


def shape_findings(name: str, regions: Sequence[Region]) -> list[Finding]:
    """What shapes a picture has beside plain rectangles, and `no-box` where it has nothing darknet can be given.

    What loses nothing is said once for each kind; region is then the first of its kind.
    """
    if isinstance(regions, Rectangles):
        return []
    groups: dict[object, list[int]] = {}
    for index, region in enumerate(regions):
        if region.kind in _RULES:
            alone = _RULES[region.kind][1] is not Severity.INFO
            groups.setdefault(index if alone else region.kind, []).append(index)
    found = [_finding(name, regions, group) for group in groups.values()]
    if regions and all(region.box is None for region in regions):
        found.append(Finding("no-box", Severity.WARNING, name, {"count": len(regions)}))
    return found


def _finding(name: str, regions: Sequence[Region], group: list[int]) -> Finding:
    kind = regions[group[0]].kind
    rule, severity = _RULES[kind]
    labels = dict.fromkeys(label for index in group for label in regions[index].labels)
    fields = {"labels": ", ".join(labels) or "–", "kind": kind, "count": len(group)}
    return Finding(rule, severity, name, fields, region=group[0])
