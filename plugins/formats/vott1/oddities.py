"""What is odd about a v1 region that could be read all the same."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from bridge.model.annotation import Point, Region
from bridge.model.finding import Finding, Severity
from plugins.formats.pixels import AGREE, finite
from plugins.formats.shapes import KINDS, SHOWN
from plugins.formats.vott1.project import tags_of
from plugins.formats.vott1.scale import Placed

Corners = tuple[float, float, float, float]


def oddities(raw: dict[str, Any], region: Region, where: Placed | None, image: str, index: int) -> Iterator[Finding]:
    """A kind that nobody has heard of, tags that are none, a box that is not the one around the points."""
    type_, tags = raw.get("type"), raw.get("tags")
    if type_ is not None and not (isinstance(type_, str) and type_.lower() in KINDS):
        yield _told("unknown-kind", image, index, type=str(type_)[:SHOWN], box=index + 1)
    listed = tags if isinstance(tags, list) else [] if tags is None else [tags]
    if len(listed) != len(region.labels) and (bad := [tag for tag in listed if tag != "" and not tags_of([tag])]):
        shown = ", ".join(map(str, bad))[:SHOWN]
        yield _told("bad-tag", image, index, labels=", ".join(region.labels), tags=shown, box=index + 1)
    if where is not None and not where.turned and not where.canvas and (unlike := _unlike(raw, region, where)):
        case = "box-taken" if region.kind == "rectangle" else "box"
        yield _told("disagreement", image, index, case=case, ours=_text(unlike), theirs=_text(where.corners))


def _told(rule: str, image: str, index: int, **fields: object) -> Finding:
    return Finding(rule, Severity.WARNING, image, fields, region=index)


def _unlike(raw: dict[str, Any], region: Region, where: Placed) -> Corners | None:
    """The bounds of the points, if they are not those of the box."""
    points = region.points if region.kind != "rectangle" else _own_points(raw, where)
    if not points:
        return None
    xs, ys = [x for x, _ in points], [y for _, y in points]
    bounds = min(xs), min(ys), max(xs), max(ys)
    left, top, right, bottom = where.corners
    boxed = min(left, right), min(top, bottom), max(left, right), max(top, bottom)
    return bounds if any(abs(a - b) > AGREE for a, b in zip(bounds, boxed, strict=True)) else None


def _own_points(raw: dict[str, Any], where: Placed) -> list[Point]:
    """The four points that VoTT 1.7.2 keeps beside the box of a rectangle; none if there are not four sound ones."""
    listed = raw.get("points")
    found: list[Point] = []
    for item in listed if isinstance(listed, list) else []:
        x, y = (finite(item.get("x")), finite(item.get("y"))) if isinstance(item, dict) else (None, None)
        if x is not None and y is not None:
            found.append((x * where.scale.x, y * where.scale.y))
    return found if len(found) == 4 else []


def _text(corners: Sequence[float]) -> str:
    return ", ".join(f"{value:g}" for value in corners)
