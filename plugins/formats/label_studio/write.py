"""Documents → a file of tasks that Label Studio imports, and a labeling config beside it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import quote

from bridge.errors import InputError
from bridge.model.annotation import Document, Kind, Region
from bridge.model.dataset import Dataset
from bridge.model.finding import Finding, Severity
from plugins.formats.json_text import json_line, json_name
from plugins.formats.label_studio.config import LabelConfig, default_config, parse_config
from plugins.formats.label_studio.read import CONFIG, own_config
from plugins.formats.label_studio.region import EXTRA
from plugins.formats.label_studio.result import result_items
from plugins.formats.replacing import replace_file

_SHAPES: dict[Kind, str] = {
    "rectangle": "rectangle",
    "rotated": "rectangle",
    "polygon": "polygon",
    "polyline": "polygon",
    "point": "keypoint",
    "ellipse": "ellipse",
    "brush": "brush",
}


def write(dataset: Dataset, out: Path, is_ours: Callable[[Path], bool]) -> list[Finding]:
    """Write out (a .json file, or a folder in which <name>.json is made) and its labeling config; no pictures.

    is_ours tells whether a file that stands there is one of this format; raises RefusedError file-not-ours if not.
    """
    path = out if out.suffix == ".json" or out.is_file() else out / json_name(dataset.name)
    stood = path.exists()
    config, findings = _config(dataset)
    tasks = [_task(document, config) for document in dataset.documents]
    path.parent.mkdir(parents=True, exist_ok=True)
    findings += replace_file(path, json_line(tasks) + b"\n", is_ours)
    return findings + _put_config(path, config.xml, stood)


def _put_config(path: Path, xml: str, stood: bool) -> list[Finding]:
    """Write the config beside the tasks; under a name of its own where another export's or a person's stands."""
    own, shared = own_config(path), path.parent / CONFIG
    foreign = not stood and shared.is_file() and shared.read_text("utf-8", "replace") != xml
    if not own.exists() and not foreign:
        return replace_file(shared, xml, lambda _: True)
    said = [] if own.exists() else [Finding("label-config-own", Severity.INFO, None, {"path": own.name})]
    return said + replace_file(own, xml, lambda _: True)


def _config(dataset: Dataset) -> tuple[LabelConfig, list[Finding]]:
    """The labeling config the dataset came with if it still fits, else a plain one for its labels and shapes."""
    regions = [
        region for document in dataset.documents for region in (*(document.regions or ()), *document.predictions)
    ]
    labels = list(dict.fromkeys((*dataset.labels, *(label for region in regions for label in region.labels))))
    used = dict.fromkeys(_SHAPES[region.kind] for region in regions if region.kind in _SHAPES)
    shapes = [shape for shape in dict.fromkeys(_SHAPES.values()) if shape in used] or ["rectangle"]
    old = dataset.extra.get(EXTRA, {}).get("config")
    known = _parsed(old) if isinstance(old, str) else None
    new = {_SHAPES[region.kind] for region in regions if region.kind in _SHAPES and EXTRA not in region.extra}
    if known is not None and list(known.labels) == labels and all(map(known.draws, new)):
        return known, []
    fresh = parse_config(default_config(labels, dataset.colors, shapes))
    return fresh, [Finding("label-config-new", Severity.INFO, None, {"labels": ", ".join(labels)})] if known else []


def _parsed(xml: str) -> LabelConfig | None:
    try:
        return parse_config(xml)
    except InputError:
        return None


def _task(document: Document, config: LabelConfig) -> dict[str, Any]:
    """One task: what Label Studio said of it before, with the labels of now."""
    image, kept = document.image, document.extra.get(EXTRA, {})
    old = kept.get("task", {})
    data = old.get("data") or {
        config.image_key: f"/data/local-files/?d={quote(image.name, errors='replace')}",
        "labelbridge_name": image.name,
    }
    if data.get("labelbridge_name", image.name) != image.name:  # It has another name in the project by now.
        data = {**data, "labelbridge_name": image.name}
    noted = {"name": image.name, "width": image.width, "height": image.height, "orientation": image.orientation}
    meta = old.get("meta")
    return {
        **old,
        "data": data,
        "meta": {**(meta if isinstance(meta, dict) else {}), "labelbridge": noted},
        "annotations": _annotations(document, config),
        "predictions": _predictions(document, config),
    }


def _annotations(document: Document, config: LabelConfig) -> list[dict[str, Any]]:
    """The annotations as they stood, the chosen one with the labels of now; a new one where there was none."""
    kept = document.extra.get(EXTRA, {})
    annotations = list(kept.get("annotations", ()))
    if document.regions is None:
        return annotations
    drawn = _items(document, [replace(r, author=None) if r.author else r for r in document.regions], config)
    if document.regions and not drawn:
        return annotations  # Nothing of it can be written: that is not the same as empty.
    chosen, result = kept.get("chosen"), [*drawn, *kept.get("rest", ())]
    if isinstance(chosen, int) and chosen < len(annotations):
        annotations[chosen] = {**annotations[chosen], "result": result}
        return annotations
    return [*annotations, {"result": result, "was_cancelled": False, "ground_truth": False}]


def _predictions(document: Document, config: LabelConfig) -> list[dict[str, Any]]:
    """Predictions as they stood, and one for every checkpoint whose boxes are new."""
    old = document.extra.get(EXTRA, {}).get("task", {}).get("predictions")
    predictions = [prediction for prediction in old if isinstance(prediction, dict)] if isinstance(old, list) else []
    there = {str(prediction.get("model_version")) for prediction in predictions}
    versions = dict.fromkeys((region.author or "").removeprefix("checkpoint:") for region in document.predictions)
    for version in [version for version in versions if version not in there]:
        regions = [r for r in document.predictions if (r.author or "").removeprefix("checkpoint:") == version]
        scores = [region.score for region in regions if region.score is not None]
        score = {"score": sum(scores) / len(scores)} if scores else {}
        result = _items(document, regions, config)
        predictions.append({"model_version": version or "undefined", **score, "result": result})
    return predictions


def _items(document: Document, regions: Iterable[Region], config: LabelConfig) -> list[dict[str, Any]]:
    image = document.image
    return result_items(regions, (image.width, image.height), config, image.orientation)
