"""What is said of shapes that darknet cannot be given as they are."""

from __future__ import annotations

from collections.abc import Sequence

from bridge.model.annotation import Region
from bridge.model.finding import Finding, Severity

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
    """One finding for each region that is no plain rectangle, and `no-box` where the picture has nothing else."""
    found = []
    for index, region in enumerate(regions):
        if region.kind in _RULES:
            rule, severity = _RULES[region.kind]
            fields = {"labels": ", ".join(region.labels), "kind": region.kind}
            found.append(Finding(rule, severity, name, fields, region=index))
    if regions and all(region.box is None for region in regions):
        found.append(Finding("no-box", Severity.WARNING, name, {"count": len(regions)}))
    return found
