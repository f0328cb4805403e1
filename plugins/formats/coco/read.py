"""A COCO file → categories and one document per picture."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from bridge.errors import InputError
from bridge.model.annotation import Document, Region, State, fold_name
from bridge.model.dataset import Reading
from bridge.model.finding import Finding, Severity
from bridge.plugin import ReadOptions
from plugins.formats.coco.shape import EXTRA, OURS, bare_region, region_of
from plugins.formats.grid import Grid, grid_for
from plugins.formats.halves import read_whole
from plugins.formats.pictures import PictureFolder
from plugins.formats.pixels import finite
from plugins.formats.rivals import merged_twins
from plugins.formats.shapes import shape_findings

_IMAGE_KNOWN = frozenset({"file_name", "width", "height", "state", OURS})
_PARTS = ("images", "annotations", "categories")


@dataclass(slots=True)
class _File:
    """The parts of a file that can be used, what could not, and the annotations by picture."""

    names: dict[Any, str] = field(default_factory=dict)
    colors: dict[str, str] = field(default_factory=dict)
    pictures: list[dict[str, Any]] = field(default_factory=list)
    annotations: dict[Any, list[dict[str, Any]]] = field(default_factory=dict)
    orphans: list[Any] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)

    def damaged(self, part: str, row: int, reason: str) -> None:
        """Note an item that cannot be used."""
        self.findings.append(
            Finding("damaged-item", Severity.ERROR, None, {"part": part, "row": row, "reason": reason})
        )


def read(path: Path, options: ReadOptions) -> Reading:
    """Read a COCO file; pictures lie beside it or in images/, and are looked at as documents are asked for."""
    raw, halved = read_whole(path, options.max_file_megabytes)
    if not isinstance(raw, dict) or not isinstance(raw.get("images"), list):
        raise InputError("not-coco", path=str(path), files="")
    file = _sorted_out(raw)
    folder = path.absolute().parent
    pictures = PictureFolder(options.images, folder, folder / "images", max_megapixels=options.max_megapixels)
    groups: dict[str, list[dict[str, Any]]] = {}
    for picture in file.pictures:
        groups.setdefault(fold_name(picture["file_name"]), []).append(picture)
    rest = {key: value for key, value in raw.items() if key not in ("images", "annotations")}
    return Reading(
        tuple(dict.fromkeys(file.names.values())),
        _documents(list(groups.values()), file, pictures),
        len(groups),
        title=path.stem,
        declared=bool(file.names),
        findings=(*halved, *file.findings, *_unlooked(file)),
        colors=file.colors,
        extra={EXTRA: rest | ({"orphans": file.orphans} if file.orphans else {})},
    )


# ------------------------------------------------------------ the parts of the file


def _sorted_out(raw: dict[str, Any]) -> _File:
    file = _File()
    parts: dict[str, list[Any]] = {part: raw[part] if isinstance(raw.get(part), list) else [] for part in _PARTS}
    for row, category in enumerate(parts["categories"]):
        _take_category(file, row, category)
    ids = set()
    for row, picture in enumerate(parts["images"]):
        name = picture.get("file_name") if isinstance(picture, dict) else None
        if not isinstance(name, str) or not name or not isinstance(picture.get("id"), (int, str)):
            file.damaged("images", row, "id, file_name")
            continue
        ids.add(picture["id"])
        # Where the state stands too we wrote the name, and it is exact.
        plain = name if "state" in picture else name.replace("\\", "/").removeprefix("./")
        file.pictures.append({**picture, "file_name": plain})
    for row, annotation in enumerate(parts["annotations"]):
        if not isinstance(annotation, dict):
            file.damaged("annotations", row, type(annotation).__name__)
        elif not isinstance(annotation.get("image_id"), (int, str)) or annotation["image_id"] not in ids:
            file.orphans.append(annotation)
            fields = {"id": annotation.get("id"), "image_id": annotation.get("image_id")}
            file.findings.append(Finding("orphan-annotation", Severity.ERROR, None, fields))
        else:
            file.annotations.setdefault(annotation["image_id"], []).append(annotation)
    return file


def _take_category(file: _File, row: int, category: Any) -> None:
    if not isinstance(category, dict) or not isinstance(category.get("id"), (int, str)):
        file.damaged("categories", row, "id")
        return
    name = category["name"] if isinstance(category.get("name"), str) else str(category["id"])
    if name in file.names.values():
        file.findings.append(Finding("doubled-label", Severity.WARNING, None, {"label": name}))
    file.names[category["id"]] = name
    if isinstance(category.get("color"), str):
        file.colors[name] = category["color"]


def _unlooked(file: _File) -> list[Finding]:
    """Pictures without annotations in a file that does not say whether anybody has looked at them."""
    count = sum(p["id"] not in file.annotations and "state" not in p for p in file.pictures)
    return [Finding("unlooked", Severity.INFO, None, {"count": count})] if count else []


# ------------------------------------------------------------ one picture


def _documents(groups: list[list[dict[str, Any]]], file: _File, pictures: PictureFolder) -> Iterator[Document]:
    for group in groups:
        yield merged_twins([_document(picture, file, pictures) for picture in group])


def _document(picture: dict[str, Any], file: _File, pictures: PictureFolder) -> Document:
    image, findings = pictures.image(picture["file_name"])
    width, height = finite(picture.get("width")), finite(picture.get("height"))
    recorded = (width, height) if width and height and width > 0 and height > 0 else None
    grid = grid_for(recorded, image)
    if not image.width and recorded:
        image = replace(image, width=round(recorded[0]), height=round(recorded[1]))
    found: list[Finding] = []
    regions = _regions(picture, file, grid, found)
    state = picture.get("state")
    if not regions and state == State.LABELLED:
        found.append(Finding("state-contradicts", Severity.ERROR, image.name))
    looked = bool(regions) or state == State.REVIEWED_EMPTY
    return Document(
        image,
        tuple(regions) if looked else None,
        (*findings, *grid.findings(), *found, *shape_findings(image.name, regions)),
        {EXTRA: {key: value for key, value in picture.items() if key not in _IMAGE_KNOWN}},
    )


def _regions(picture: dict[str, Any], file: _File, grid: Grid, found: list[Finding]) -> list[Region]:
    """All regions of a picture, in the order in which we wrote them if we did."""
    placed: list[tuple[int, Region]] = []
    for index, group in enumerate(_grouped(file.annotations.get(picture["id"], []))):
        labels = dict.fromkeys(file.names[a["category_id"]] for a in group if _known(a, file))
        region = region_of(group, tuple(labels), grid)
        placed.append((_number_of(group[0], index), region))
        found += _annotation_findings(picture["file_name"], index, group, region, file)
    bare = picture.get(OURS)
    for index, raw in enumerate(bare if isinstance(bare, list) else []):
        found_region = bare_region(raw) if isinstance(raw, dict) else None
        if found_region is None:
            found.append(Finding("damaged-region", Severity.ERROR, picture["file_name"], {"at": index}))
        else:
            placed.append((_number_of({OURS: raw}, index), found_region))
    return [region for _, region in sorted(placed, key=lambda pair: pair[0])]


def _grouped(annotations: list[dict[str, Any]]) -> list[list[dict[str, Any]]]:
    """Annotations that we wrote for one region, one per label; every other one is a region of its own."""
    groups: dict[Any, list[dict[str, Any]]] = {}
    for index, annotation in enumerate(annotations):
        ours = annotation.get(OURS)
        number = ours.get("region") if isinstance(ours, dict) else None
        key = (number, str(annotation.get("bbox"))) if isinstance(number, int) else (index, None)
        groups.setdefault(key, []).append(annotation)
    return list(groups.values())


def _number_of(annotation: dict[str, Any], index: int) -> int:
    ours = annotation.get(OURS)
    number = ours.get("region") if isinstance(ours, dict) else None
    return number if isinstance(number, int) else index


def _known(annotation: dict[str, Any], file: _File) -> bool:
    category = annotation.get("category_id")
    return isinstance(category, (int, str)) and category in file.names


def _annotation_findings(
    name: str, index: int, group: list[dict[str, Any]], region: Region, file: _File
) -> Iterator[Finding]:
    first, label = group[0], ", ".join(region.labels)
    for annotation in group:
        if not _known(annotation, file):
            fields = {"id": annotation.get("id"), "category": annotation.get("category_id")}
            yield Finding("unknown-category", Severity.ERROR, name, fields, region=index)
    if region.kind == "rectangle" and any((finite(v) or 0) < 0 for v in first["bbox"][2:]):
        yield Finding("swapped", Severity.WARNING, name, {"box": index, "label": label}, region=index)
    if first.get("iscrowd") in (1, True):
        yield Finding("crowd", Severity.WARNING, name, {"label": label}, region=index)
    if first.get("segmentation") and region.kind == "rectangle" and not _is_box_again(first):
        yield Finding("mask", Severity.INFO, name, {"label": label}, region=index)


def _is_box_again(annotation: dict[str, Any]) -> bool:
    segmentation = annotation.get("segmentation")
    return isinstance(segmentation, list) and len(segmentation) == 1
