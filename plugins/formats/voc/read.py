"""A VOC folder → labels and documents; annotation files are looked at once all together, then read one by one."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from bridge.errors import BridgeError, InputError, RefusedError
from bridge.model.annotation import Document, Image, Region, fold_name
from bridge.model.dataset import Reading
from bridge.model.finding import Finding, Severity
from bridge.picture import EXTENSIONS
from bridge.plugin import ReadOptions
from plugins.formats.grid import grid_for
from plugins.formats.halves import whole
from plugins.formats.pictures import PictureFolder
from plugins.formats.rivals import merged_twins
from plugins.formats.shapes import shape_findings
from plugins.formats.voc.annotation import OURS, Annotation, read_annotation
from plugins.formats.voc.folder import VocFolder, find_folders
from plugins.formats.voc.label_map import read_label_map
from plugins.formats.voc.layout import other_names
from plugins.formats.voc.markup import Record, record_of
from plugins.formats.voc.naming import Entry, entry_of
from plugins.formats.voc.objects import KEY, Reader
from plugins.formats.voc.sets import Split, read_split
from plugins.formats.voc.survey import Survey
from plugins.formats.vott2.asset import frame_time


def read(path: Path, options: ReadOptions) -> Reading:
    """Read a folder or one file; raises RefusedError (several years of a VOCdevkit) or InputError."""
    folder = _folder(path)
    survey = Survey.of(folder.annotations, options.max_file_megabytes)
    pictures = PictureFolder(options.images, *folder.picture_folders, max_megapixels=options.max_megapixels)
    groups: dict[str, list[Entry]] = {}
    for seen in survey.seen:
        entry = entry_of(seen, pictures)
        groups.setdefault(fold_name(entry.name), []).append(entry)
    others = () if folder.alone else tuple(_unannotated(groups, pictures))
    declared = read_label_map(folder.root, options.max_file_megabytes)
    labels = tuple(dict.fromkeys(map(whole, declared if declared is not None else survey.labels)))
    order = Finding("label-order", Severity.WARNING, None, {"path": folder.root.name, "labels": ", ".join(labels)})
    split = read_split(folder.root, options.max_file_megabytes)
    return Reading(
        labels,
        Documents(tuple(map(tuple, groups.values())), others, survey, pictures, split, options),
        len(groups) + len(others),
        title=whole(folder.root.absolute().name),
        declared=declared is not None,
        findings=(*(() if declared is not None else (order,)), *survey.findings(), *split.findings()),
        extra={KEY: {"corners": "voc"}} if survey.counts_from_one else {},
    )


def _folder(path: Path) -> VocFolder:
    found = find_folders(path)
    if len(found) > 1:
        raise RefusedError("voc-several", path=str(path), found=", ".join(folder.root.name for folder in found))
    if not found:
        raise InputError("not-voc", path=str(path))
    return found[0]


def _unannotated(groups: dict[str, list[Entry]], pictures: PictureFolder) -> Iterator[str]:
    """Pictures without an annotation file, as spelled in their folder: nobody knows what they show."""
    taken = {entry.path for group in groups.values() for entry in group}
    for name, is_folder in sorted(pictures.names()):
        is_picture = not is_folder and Path(name).suffix.lower() in EXTENSIONS and not name.startswith(".")
        if is_picture and str(pictures.find(name).path) not in taken and fold_name(name) not in groups:
            yield name


@dataclass(frozen=True, slots=True)
class Documents:
    """The documents of a folder; each is read when it is asked for, and again every time."""

    groups: tuple[tuple[Entry, ...], ...]
    others: tuple[str, ...]
    survey: Survey
    pictures: PictureFolder
    split: Split
    options: ReadOptions

    def __iter__(self) -> Iterator[Document]:
        for group in self.groups:
            yield merged_twins([self._document(entry) for entry in group])
        names = other_names(self.pictures.roots) if self.others else {}
        for name in self.others:
            image, findings = self._image(names.get(name, name), name, name)
            yield Document(image, None, findings, held_out=self.split.held_out(name, Path(name).stem))

    def _image(self, name: str, file: str, item: str) -> tuple[Image, tuple[Finding, ...]]:
        image, findings = self.pictures.image(file, item)
        return replace(image, name=whole(name)), tuple(replace(finding, image=whole(name)) for finding in findings)

    def _document(self, entry: Entry) -> Document:
        image, findings = self._image(entry.name, entry.file, entry.seen.stem)
        if frame_time(entry.name) and image.file is None:
            findings = ()  # A frame is no file unless somebody took it out of its video.
        held_out = self.split.held_out(entry.seen.stem, entry.seen.filename, entry.name)
        findings = (*findings, *entry.findings)
        try:
            annotation = read_annotation(entry.seen.path, self.options.max_file_megabytes)
        except BridgeError as error:
            reason = str(error.fields.get("reason", error.rule))
            return Document(image, None, (*findings, self._damaged(entry, "annotation", reason=reason)))
        grid = grid_for(annotation.size, image)
        if not image.width and annotation.size:
            image = replace(image, width=round(annotation.size[0]), height=round(annotation.size[1]))
        extra = {KEY: {"annotation": _kept(annotation)}} if self.options.extras else {}
        if self.survey.hides_labels(annotation):
            return Document(image, None, (*findings, *grid.findings()), extra, held_out)
        heightless, tagged = annotation.corners is None and self.survey.heightless, annotation.flavour == "vott-v2"
        reader = Reader(annotation.corners or self.survey.corners, grid, heightless, tagged, self.options.extras)
        regions = reader.regions(annotation.root)
        said = (*findings, *grid.findings(), *self._told(entry, regions, heightless, tagged))
        return Document(image, regions, said, extra, held_out)

    def _told(self, entry: Entry, regions: tuple[Region, ...], heightless: bool, tagged: bool) -> Iterator[Finding]:
        shapes = shape_findings(whole(entry.name), regions)
        lost = sum(region.kind == "damaged" for region in regions)
        if lost and heightless:
            yield self._damaged(entry, "height", count=lost)
            shapes = [finding for finding in shapes if finding.rule != "bad-number"]
        yield from shapes
        for index, region in enumerate(regions):
            if tagged and len(region.labels) > 1:
                labels = {"labels": ", ".join(region.labels)}
                yield Finding("same-box", Severity.INFO, whole(entry.name), labels, index)
            if not region.labels and region.points:
                (x, y), *_ = region.points
                fields = {"box": index + 1, "kind": region.kind, "x": round(x, 1), "y": round(y, 1)}
                yield Finding("untagged", Severity.ERROR, whole(entry.name), fields, index)

    def _damaged(self, entry: Entry, case: str, **fields: object) -> Finding:
        told = {"case": case, "path": whole(entry.seen.path.name), **fields}
        return Finding("damaged", Severity.ERROR, whole(entry.name), told)


def _kept(annotation: Annotation) -> Record:
    """What an annotation says of its picture, without its objects and what we wrote."""
    tag, attributes, text, children = record_of(annotation.root)
    return [tag, attributes, text, [child for child in children if child[0] not in ("object", OURS)]]
