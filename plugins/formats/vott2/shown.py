"""Between the pixels that a project's numbers count (the picture as VoTT showed it) and those that the file stores."""

from __future__ import annotations

from dataclasses import replace

from bridge.model.annotation import Image, Region
from bridge.model.finding import Finding, Severity
from plugins.formats.exif import to_shown, upright
from plugins.formats.grid import Grid, grid_for
from plugins.formats.vott2.asset import Record, size_of


def grid_of(asset: Record, image: Image) -> Grid:
    """The grid of a picture's asset: the recorded size against that of the file."""
    width, height = size_of(asset)
    return grid_for((width, height) if width else None, image)


def grid_findings(grid: Grid) -> list[Finding]:
    """What a person should know of it; an EXIF turn also where the boxes do lie on the stored pixels."""
    orientation = grid.image.orientation
    found = [_to_ask(finding) if finding.rule == "resized" else finding for finding in grid.findings()]
    if orientation == 1 or grid.turned:
        return found
    fields = {"case": "stored", "orientation": orientation}
    return [*found, Finding("exif", Severity.WARNING, grid.image.name, fields)]


def _to_ask(finding: Finding) -> Finding:
    """VoTT 2 counts the picture's own pixels, so that another size means another file: a person should look."""
    return replace(finding, severity=Severity.WARNING, fields=finding.fields | {"case": "replaced"})


def stored(region: Region, grid: Grid) -> Region:
    """A region of the project in pixels of the file."""
    if _is_plain(grid):
        return region
    corners = region.kind == "rectangle"
    return replace(region, points=grid.stored_corners(region.points) if corners else grid.stored(region.points))


def shown(region: Region, grid: Grid) -> Region:
    """A region of the file in pixels of the project."""
    if _is_plain(grid):
        return region
    turn = grid.image.orientation if grid.turned else 1
    points = to_shown(region.points, grid.image.width, grid.image.height, turn)
    points = tuple((x / grid.x, y / grid.y) for x, y in points)
    return replace(region, points=upright(region.points, points, turn) if region.kind == "rectangle" else points)


def _is_plain(grid: Grid) -> bool:
    return grid.x == 1 and grid.y == 1 and not grid.turned
