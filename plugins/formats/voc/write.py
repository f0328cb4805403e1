"""Labels → a VOC folder: Annotations, JPEGImages, ImageSets/Main and the list of labels."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from bridge.errors import InputError, RefusedError, write_rule
from bridge.model.annotation import Document
from bridge.model.dataset import Dataset
from bridge.model.finding import Finding, Severity
from bridge.plugin import WriteOptions
from plugins.formats.voc.annotation import Corners
from plugins.formats.voc.folder import ANNOTATIONS, PICTURES
from plugins.formats.voc.label_map import FILE as LABEL_MAP
from plugins.formats.voc.label_map import render
from plugins.formats.voc.layout import Target, is_ours
from plugins.formats.voc.naming import file_names
from plugins.formats.voc.objects import KEY
from plugins.formats.voc.render import annotation_text
from plugins.formats.voc.sets import FOLDER as SETS
from plugins.formats.vott2.asset import frame_time


def write(dataset: Dataset, out: Path, options: WriteOptions) -> list[Finding]:
    """Write the folder out; raises RefusedError where something that is not ours is there, or InputError."""
    out = out.absolute()
    if out.exists() and not is_ours(out):
        raise RefusedError("folder-not-ours", path=str(out))
    try:
        target = Target.open(out)
        try:
            writing = _Writing(dataset, options, target)
            writing.write()
        except BaseException:
            target.give_up()
            raise
    except OSError as error:
        raise InputError(write_rule(error), path=str(out), reason=error.strerror or str(error)) from error
    return [*writing.findings, *writing.summary()]


@dataclass(slots=True)
class _Writing:
    """One folder being written; files are the names of pictures in it, members the stems of both parts of the split."""

    dataset: Dataset
    options: WriteOptions
    target: Target
    files: dict[str, str] = field(default_factory=dict)
    members: dict[bool | None, list[str]] = field(default_factory=lambda: {True: [], False: [], None: []})
    labels: dict[str, None] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)
    unannotated: dict[str, str] = field(default_factory=dict)
    unknown: int = 0

    def write(self) -> None:
        """Write all of it."""
        extensions = {d.image.name: _extension(d) for d in self.dataset.documents}
        self.files = file_names(extensions, extensions)
        self.labels = dict.fromkeys(self.dataset.labels)
        for done, document in enumerate(self.dataset.documents, 1):
            self._put(document)
            self.options.progress(done, len(self.files))
        self._write_sets()
        self.target.write(LABEL_MAP, render(self.labels).encode("utf-8", "replace"))
        self.target.finish(self.unannotated)

    def _put(self, document: Document) -> None:
        name, file = document.image.name, self.files[document.image.name]
        there = self._place(document, f"{PICTURES}/{file}")
        if document.regions is None:
            self.unknown += not there
            if there and name != file:
                self.unannotated[file] = name
            return
        stem = file.rpartition(".")[0]
        text = annotation_text(document, file, self.target.out.name, self._corners())
        self.target.write(f"{ANNOTATIONS}/{stem}.xml", text)
        self.members[self._held_out(document)].append(stem)
        self.labels.update(dict.fromkeys(label for region in document.regions for label in region.labels))

    def _corners(self) -> Corners:
        """Numbers go out as they came: counted from 1 where the labels came from a folder that does so."""
        kept = self.dataset.extra.get(KEY)
        return "voc" if isinstance(kept, dict) and kept.get("corners") == "voc" else "pixels"

    def _held_out(self, document: Document) -> bool | None:
        """The split that was asked for, else the one that the pictures came with."""
        return document.image.name in self.dataset.held_out if self.dataset.held_out else document.held_out

    def _place(self, document: Document, path: str) -> bool:
        """Put the picture there, if pictures are wanted; False where there is none."""
        how, image = self.options.pictures, document.image
        if how == "none":
            return False
        if image.file is not None and self.target.place(path, Path(image.file.path), how):
            return True
        if document.regions is not None and not frame_time(image.name):
            fields = {"name": image.name, "folder": str(self.target.out / PICTURES)}
            self.findings.append(Finding("missing-image", Severity.WARNING, image.name, fields))
        return False

    def _write_sets(self) -> None:
        """All pictures with an annotation, and both parts of the split where there is one."""
        lists = {"trainval": [stem for stems in self.members.values() for stem in stems]}
        if self.members[True]:
            lists |= {"train": self.members[False] + self.members[None], "val": self.members[True]}
        for part, stems in lists.items():
            text = "".join(f"{stem}\n" for stem in sorted(stems))
            self.target.write(f"{SETS}/{part}.txt", text.encode("utf-8", "surrogatepass"))

    def summary(self) -> Iterator[Finding]:
        """What was renamed or left out."""
        renamed = sum(name != file for name, file in self.files.items())
        if renamed:
            yield Finding("renamed", Severity.INFO, None, {"case": "flat", "count": renamed})
        if self.unknown:
            yield Finding("unreviewed", Severity.INFO, None, {"case": "cut", "unknown": self.unknown})


def _extension(document: Document) -> str:
    """The extension of the picture's file, for a name that has none."""
    return Path(document.image.file.path).suffix or ".jpg" if document.image.file else ".jpg"
