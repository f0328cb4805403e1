"""One raw v1 region → a Region, or what could be kept of it, and the findings that tell the difference."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from bridge.model.annotation import Image, Kind, Point, Region
from bridge.model.finding import Finding, Severity
from plugins.formats.exif import to_stored, upright
from plugins.formats.marked import unmarked
from plugins.formats.pixels import finite
from plugins.formats.shapes import KINDS, shape_findings
from plugins.formats.vott1.oddities import oddities
from plugins.formats.vott1.project import tags_of
from plugins.formats.vott1.scale import Placed, placed

# The name under which documents and regions keep what only VoTT v1 says.
EXTRA = "vott-v1"

_FEWEST: dict[Kind, int] = {"polygon": 3, "polyline": 2, "point": 1}


@dataclass(frozen=True, slots=True)
class Frame:
    """The raw regions of one picture, read; others are items that are no region, with their place in the list."""

    regions: tuple[Region, ...]
    predictions: tuple[Region, ...]
    others: tuple[tuple[int, Any], ...]
    findings: tuple[Finding, ...]


def read_frame(raws: list[Any], image: Image) -> Frame:
    """Read the regions of a picture. [{}] is how older versions wrote an explicitly empty frame."""
    regions: list[Region] = []
    predictions: list[Region] = []
    others: list[tuple[int, Any]] = []
    findings: list[Finding] = []
    placing: dict[str, Finding] = {}
    odd: dict[str, Finding] = {}
    for at, raw in enumerate(raws):
        if not isinstance(raw, dict) or not raw:
            others.append((at, raw))
            findings += [_no_region(image, at)] if raw != {} else []
            continue
        region, where = read_region(raw, image, at)
        checkpoint = unmarked(region.region_id or "", region)
        if checkpoint is None:
            placing = {finding.rule: finding for finding in _placing(region, image, where)} | placing
            odd = {finding.rule: finding for finding in oddities(raw, region, where, image.name, len(regions))} | odd
            regions.append(region)
        else:
            predictions.append(replace(region, author=f"checkpoint:{checkpoint}", score=finite(raw.get("score"))))
    findings += [*placing.values(), *odd.values(), *shape_findings(image.name, regions)]
    return Frame(tuple(regions), tuple(predictions), tuple(others), tuple(findings))


def read_region(raw: dict[str, Any], image: Image, at: int) -> tuple[Region, Placed | None]:
    """One region and how it was placed; extra keeps the raw region and its place in the frame."""
    kind, points, where = _shape(raw, image)
    uid = raw.get("UID")
    labels = tags_of(raw.get("tags"))
    extra = {EXTRA: {"raw": raw, "at": at}}
    return Region(kind, points, labels, uid if isinstance(uid, str) and uid else None, extra=extra), where


def in_source_pixels(raw: dict[str, Any], image: Image) -> bool:
    """Whether a raw region already says all in pixels of this picture, as versions from 1.6.0 on write them."""
    where = placed(raw, image)
    return raw.get("box") is not None and where is not None and not where.canvas and where.scale.note == ""


def _shape(raw: dict[str, Any], image: Image) -> tuple[Kind, tuple[Point, ...], Placed | None]:
    kind = _kind(raw.get("type"))
    where = placed(raw, image)
    if kind != "rectangle":
        points = _points(raw, kind, where)
        return (kind, _stored(points, image, where), where) if points else ("damaged", (), where)
    if where is None:
        return "damaged", (), None
    left, top, right, bottom = where.corners
    corners = ((left, top), (right, bottom))
    orientation = image.orientation if where.turned else 1
    return "rectangle", upright(corners, _stored(corners, image, where), orientation), where


def _kind(type_: object) -> Kind:
    """Rectangle, Square, rect or anything unheard of is a box."""
    return KINDS.get(type_.lower() if isinstance(type_, str) else "", "rectangle")


def _points(raw: dict[str, Any], kind: Kind, where: Placed | None) -> tuple[Point, ...]:
    """The region's own points in pixels of the picture; none if one is no number or too few are there."""
    listed = raw.get("points")
    if kind == "point" and not listed:
        listed = [{"x": raw.get("x1"), "y": raw.get("y1")}]  # A point of v1.0.0 has null for x2 and y2.
    points: list[Point] = []
    for item in listed if isinstance(listed, list) else []:
        x, y = (finite(item.get("x")), finite(item.get("y"))) if isinstance(item, dict) else (None, None)
        if x is None or y is None:
            return ()
        points.append((x * where.scale.x, y * where.scale.y) if where else (x, y))
    return tuple(points) if len(points) >= _FEWEST[kind] else ()


def _stored(points: tuple[Point, ...], image: Image, where: Placed | None) -> tuple[Point, ...]:
    turned = where is not None and where.turned
    return to_stored(points, image.width, image.height, image.orientation) if turned else points


def _placing(region: Region, image: Image, where: Placed | None) -> list[Finding]:
    """What had to be assumed to place a region; said once for a picture."""
    if where is None:
        return []
    found = [Finding("exif", Severity.INFO, image.name, {"orientation": image.orientation})] if where.turned else []
    if where.scale.note:
        found.append(_scaled(where, region, image))
    elif where.canvas and not image.width:
        found.append(Finding("size-unknown", Severity.WARNING, image.name))
    return found


def _scaled(where: Placed, region: Region, image: Image) -> Finding:
    severity = Severity.WARNING if where.scale.note == "aspect" else Severity.INFO
    raw = region.extra[EXTRA]["raw"]
    fields = {"recorded": f"{raw.get('width')}x{raw.get('height')}", "size": f"{image.width}x{image.height}"}
    return Finding(where.scale.note, severity, image.name, fields)


def _no_region(image: Image, at: int) -> Finding:
    return Finding("damaged-region", Severity.ERROR, image.name, {"at": at + 1})
