"""Documents → a COCO file."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from itertools import count
from pathlib import Path
from typing import Any

from bridge.model.annotation import Document
from bridge.model.dataset import Dataset
from bridge.model.finding import Finding
from plugins.formats.coco.shape import EXTRA, OURS, annotations_of, bare_of
from plugins.formats.json_text import json_line, json_name
from plugins.formats.replacing import replace_file


def write(dataset: Dataset, out: Path, is_ours: Callable[[Path], bool]) -> list[Finding]:
    """Write every picture with its state and one annotation per (box, label); predictions are no labels.

    is_ours tells whether a file that stands there is one of this format; raises RefusedError file-not-ours if not.
    """
    path = out / json_name(dataset.name) if out.is_dir() else out
    kept = dataset.extra.get(EXTRA, {})
    categories = {label: number for number, label in enumerate(_labels(dataset), 1)}
    images: list[dict[str, Any]] = []
    annotations: list[dict[str, Any]] = list(kept.get("orphans", ()))
    for image_id, document in _numbered(dataset):
        images.append(_image(document, image_id))
        annotations += _annotations(document, image_id, categories)
    top = {
        "info": {"description": dataset.name},
        **{key: value for key, value in kept.items() if key not in ("categories", "orphans")},
        "images": images,
        "annotations": [{**annotation, "id": number} for number, annotation in enumerate(annotations, 1)],
        "categories": _categories(categories, dataset, kept),
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    return replace_file(path, json_line(top) + b"\n", is_ours)


def _labels(dataset: Dataset) -> list[str]:
    """All declared labels in class order, then those that only stand on regions."""
    used = (label for document in dataset.documents for region in document.regions or () for label in region.labels)
    return list(dict.fromkeys((*dataset.labels, *used)))


def _numbered(dataset: Dataset) -> Iterator[tuple[int, Document]]:
    """Documents with the number they had in the COCO file they came from, else the next free one."""
    kept = {number for document in dataset.documents if (number := _kept_id(document)) is not None}
    free = (number for number in count(1) if number not in kept)
    taken: set[int] = set()
    for document in dataset.documents:
        number = _kept_id(document)
        if number is None or number in taken:
            number = next(free)
        taken.add(number)
        yield number, document


def _kept_id(document: Document) -> int | None:
    number = document.extra.get(EXTRA, {}).get("id")
    return number if isinstance(number, int) else None


def _image(document: Document, image_id: int) -> dict[str, Any]:
    image = document.image
    bare = [bare_of(r, i) for i, r in enumerate(document.regions or ()) if r.box is None or not r.labels]
    return {
        **document.extra.get(EXTRA, {}),
        "id": image_id,
        "file_name": image.name,
        "width": image.width,
        "height": image.height,
        "state": str(document.state),
        **({OURS: bare} if bare else {}),
    }


def _annotations(document: Document, image_id: int, categories: Mapping[str, int]) -> Iterator[dict[str, Any]]:
    for index, region in enumerate(document.regions or ()):
        for label, annotation in zip(region.labels, annotations_of(region, index), strict=False):
            yield {"id": 0, "image_id": image_id, "category_id": categories[label], **annotation}


def _categories(categories: Mapping[str, int], dataset: Dataset, kept: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The class list; what a category said beside its name (a supercategory) stays with the name."""
    listed = kept.get("categories")
    kept_categories = [c for c in (listed if isinstance(listed, list) else []) if isinstance(c, dict)]
    said = {c["name"]: c for c in reversed(kept_categories) if isinstance(c.get("name"), str)}
    colors = {label: {"color": color} for label, color in dataset.colors.items()}
    return [{**said.get(name, {}), **colors.get(name, {}), "id": n, "name": name} for name, n in categories.items()]
