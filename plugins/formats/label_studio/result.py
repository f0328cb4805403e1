"""Regions → results: what Label Studio takes as the result of an annotation or a prediction."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from itertools import count
from typing import Any

from bridge.model.annotation import Image, Region, content_hash
from plugins.formats.label_studio.config import Control, LabelConfig, default_control
from plugins.formats.label_studio.geometry import Shown, original_size, shown_by, value_of
from plugins.formats.label_studio.region import EXTRA, read_region


def result_items(
    regions: Iterable[Region], size: tuple[int, int], config: LabelConfig, orientation: int = 1
) -> list[dict[str, Any]]:
    """Results in percent of the picture as shown; size and orientation are those of the stored picture.

    What was read from Label Studio and not changed since is given back as it was. A model's box is cut at the edges
    (Label Studio drops whole predictions for one number outside 0 to 100, without a word); a person's never is.
    """
    on = shown_by(Image("", *size, orientation=orientation), None)
    taken: set[str] = set()
    items: list[dict[str, Any]] = []
    for region in regions:
        found = _kept(region, on) or _changed(region, on) or _written(region, on, config)
        if found:
            own = _own_id(region.region_id, taken)
            taken.add(own)
            items += [{**_fitting(item, config), "id": own} for item in found]
    return items


def _own_id(wanted: str | None, taken: set[str]) -> str:
    """The region's own id, else one that no other region of the task has."""
    if wanted and wanted not in taken:
        return wanted
    return next(own for number in count() if (own := f"lb{number}") not in taken)


def _fitting(item: dict[str, Any], config: LabelConfig) -> dict[str, Any]:
    """A result under the name of a control that the config has."""
    if not config.controls or any(control.name == item.get("from_name") for control in config.controls):
        return item
    control = config.control(str(item.get("type")))
    return {**item, "from_name": control.name, "to_name": control.to_name} if control else item


def _results(region: Region) -> list[dict[str, Any]]:
    return list(region.extra.get(EXTRA, {}).get("results", ()))


def _kept(region: Region, on: Shown) -> list[dict[str, Any]]:
    """The results that were read, if the region still says the same."""
    results = _results(region)
    if not results:
        return []
    again = read_region(results, shown_by(on.image, original_size(results[0])))
    same = content_hash("", 0, 0, [again]) == content_hash("", 0, 0, [region])
    return results if same else []


def _changed(region: Region, on: Shown) -> list[dict[str, Any]]:
    """Results of a shape that we cannot draw, with new labels in them."""
    results = _results(region)
    if region.kind not in ("brush", "damaged") or not results:
        return []
    first, type_ = results[0], str(results[0].get("type"))
    return [{**first, "value": {**_value(first), type_: list(region.labels)}}, *results[1:]]


def _written(region: Region, on: Shown, config: LabelConfig) -> list[dict[str, Any]]:
    drawn = _inside(region, on.image) if (region.author or "").startswith("checkpoint:") else region
    if drawn is None or not drawn.points or not on.width:
        return []
    shape, value = value_of(drawn.kind, drawn.points, on)
    value = _bounded(value) if drawn is not region else value
    results = _results(region)
    preferred = results[0].get("from_name") if results else None
    controls = _controls(shape, region.labels, config, preferred)
    old = next((item for item in results if item.get("type") == controls[0].type), {})
    items = []
    for control in controls:
        labels = {control.type: list(region.labels)} if control.type.endswith("labels") else {}
        items.append(
            {
                **old,
                "from_name": control.name,
                "to_name": control.to_name,
                "type": control.type,
                "original_width": round(on.width),
                "original_height": round(on.height),
                "image_rotation": 0,
                "value": {**_value(old), **value, **labels},
                **({} if region.score is None else {"score": min(max(region.score, 0.0), 1.0)}),
            }
        )
    shown_types = {control.type for control in controls}
    return items + [item for item in results[1:] if item is not old and item.get("type") not in shown_types]


def _controls(shape: str, labels: tuple[str, ...], config: LabelConfig, preferred: object) -> list[Control]:
    """The control for a labelled shape; two where shape and labels are controls of their own."""
    if both := config.control(f"{shape}labels", labels, preferred):
        return [both]
    bare, names = config.control(shape, (), preferred), config.control("labels", labels)
    return [bare, names] if bare and names else [default_control(shape, config)]


def _inside(region: Region, image: Image) -> Region | None:
    """A model's region cut at the edges of the picture; None if nothing of it lies inside."""
    box = region.box
    if region.kind != "rectangle" or box is None:
        return replace(region)
    cut = box.clipped(image.width, image.height)
    if cut.width <= 0 or cut.height <= 0:
        return None
    return replace(region, points=((cut.left, cut.top), (cut.right, cut.bottom)))


def _bounded(value: dict[str, Any]) -> dict[str, Any]:
    """Percents without the last rounding error that would carry them over 100."""
    if "width" not in value or "height" not in value:
        return value
    x, y = min(max(value["x"], 0.0), 100.0), min(max(value["y"], 0.0), 100.0)
    return {**value, "x": x, "y": y, "width": min(value["width"], 100 - x), "height": min(value["height"], 100 - y)}


def _value(item: dict[str, Any]) -> dict[str, Any]:
    value = item.get("value")
    return value if isinstance(value, dict) else {}
