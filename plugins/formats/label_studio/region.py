"""Results of a task → regions: all results of one id are one region."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from bridge.model.annotation import Kind, Point, Region
from bridge.model.finding import Finding, Severity
from plugins.formats.label_studio.config import SHAPES
from plugins.formats.label_studio.geometry import Shown, shape_of

# The name under which documents and regions keep what only Label Studio says.
EXTRA = "label-studio"

# Drawn, but in no way that we read; kept with their labels.
_UNREAD = ("vector", "bitmask", "cuboid", "magicwand")


def split(results: Sequence[Any], image_name: str | None) -> tuple[list[list[dict[str, Any]]], list[Any]]:
    """Results by region, the one with the shape first; and those that belong to the picture or another object."""
    groups: dict[str, list[dict[str, Any]]] = {}
    rest: list[Any] = []
    for at, item in enumerate(results):
        if not isinstance(item, dict) or (image_name and item.get("to_name", image_name) != image_name):
            rest.append(item)
        else:
            own = item.get("id")
            groups.setdefault(own if isinstance(own, str) else f"\0{at}", []).append(item)
    regions = []
    for group in groups.values():
        shaped = [item for item in group if _shape_name(item)]
        if shaped:
            regions.append([shaped[0], *(item for item in group if item is not shaped[0])])
        else:
            rest += group
    return regions, rest


def read_region(items: Sequence[dict[str, Any]], on: Shown) -> Region:
    """The region of these results; extra keeps them as they are."""
    kind, points = _kind_and_points(items[0], on)
    own = items[0].get("id")
    labels = dict.fromkeys(label for item in items for label in labels_of(item))
    extra = {EXTRA: {"results": list(items)}}
    return Region(kind, points, tuple(labels), own if isinstance(own, str) else None, extra=extra)


def _kind_and_points(item: dict[str, Any], on: Shown) -> tuple[Kind, tuple[Point, ...]]:
    shape, value = _shape_name(item), item.get("value")
    if shape == "brush":
        return "brush", ()
    if shape not in SHAPES or not isinstance(value, dict) or _view_turned(item):
        return "damaged", ()
    return shape_of(shape, value, on)


def labels_of(item: dict[str, Any]) -> list[str]:
    """The labels of one result: they stand under the name of its type, or as labels beside a bare shape."""
    value, type_ = item.get("value"), item.get("type")
    if not isinstance(value, dict) or not isinstance(type_, str):
        return []
    listed = value.get(type_) if type_.endswith("labels") else value.get("labels")
    return [label for label in listed if isinstance(label, str)] if isinstance(listed, list) else []


def region_findings(name: str, index: int, items: Sequence[dict[str, Any]]) -> list[Finding]:
    """What is said of a region beside its shape: a turned view, a shape that we cannot read."""
    item = items[0]
    labels = ", ".join(dict.fromkeys(label for each in items for label in labels_of(each)))
    if _view_turned(item):
        fields = {"degrees": item.get("image_rotation"), "labels": labels}
        return [Finding("image-rotation", Severity.ERROR, name, fields, region=index)]
    if _shape_name(item) in _UNREAD:
        fields = {"type": str(item.get("type")), "labels": labels}
        return [Finding("unread-shape", Severity.WARNING, name, fields, region=index)]
    return []


def _shape_name(item: dict[str, Any]) -> str:
    """rectangle, polygon, … from a result's type; empty for one that draws nothing (choices, text, labels)."""
    type_ = item.get("type")
    shape = type_.removesuffix("labels") if isinstance(type_, str) else ""
    return shape if shape in (*SHAPES, *_UNREAD) else ""


def _view_turned(item: dict[str, Any]) -> bool:
    """Whether the annotator had turned the view: in which frame its numbers are then, nobody knows for sure."""
    return item.get("image_rotation") not in (None, 0, 0.0, 360)
