"""A darknet folder → labels and documents, read picture by picture as they are asked for."""

from __future__ import annotations

import errno
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from bridge.document import decode_text
from bridge.model.annotation import Document, Image, Region
from bridge.model.dataset import Reading
from bridge.model.finding import Finding, Severity
from bridge.plugin import ReadOptions
from plugins.formats.halves import whole
from plugins.formats.yolo.entries import Entry, Seeker, entries_of
from plugins.formats.yolo.folder import DarknetFolder, open_folder
from plugins.formats.yolo.lines import Line, parse_lines, to_box

KEY = "yolo"
# The last folder of one of these names in a path.
_FOLDERS = re.compile(r"/(images|JPEGImages|raw)/(?!.*/(?:images|JPEGImages|raw)/)")


def read(path: Path, options: ReadOptions) -> Reading:
    """The folder or data file at a path; raises as open_folder."""
    folder = open_folder(path, options.max_file_megabytes)
    if options.images is not None:
        folder = replace(folder, bases=(options.images.absolute(), *folder.bases))
    entries, findings = entries_of(folder, Seeker(folder, options.max_megapixels))
    return Reading(
        labels=folder.names,
        documents=Documents(folder, entries, options),
        total=len(entries),
        title=folder.root.name,
        declared=folder.declared,
        findings=(*folder.findings, *findings),
        extra={KEY: folder.other} if folder.other else {},
    )


@dataclass(frozen=True, slots=True)
class Documents:
    """The documents of a folder; each is read when it is asked for, and again every time."""

    folder: DarknetFolder
    entries: tuple[Entry, ...]
    options: ReadOptions

    def __iter__(self) -> Iterator[Document]:
        seeker = Seeker(self.folder, self.options.max_megapixels)
        for entry in self.entries:
            yield self._document(entry, seeker)

    def _document(self, entry: Entry, seeker: Seeker) -> Document:
        image, findings = self._missing(entry) if entry.file is None else _image(entry.name, entry.file, seeker)
        text, flaws = self._text(entry)
        if text is None:
            return Document(image, None, (*findings, *flaws), held_out=entry.held_out)
        lines = parse_lines(text)
        regions = tuple(_region(line, image, self.folder.names) for line in lines)
        for index, (line, region) in enumerate(zip(lines, regions, strict=True)):
            flaws += _flaws(entry, line, region, index, self.folder.names)
        return Document(image, regions, (*findings, *flaws), held_out=entry.held_out)

    def _missing(self, entry: Entry) -> tuple[Image, tuple[Finding, ...]]:
        fields = {"name": entry.text, "folder": str(self.folder.bases[0])}
        return Image(entry.name), (Finding("missing-image", Severity.WARNING, entry.name, fields),)

    def _text(self, entry: Entry) -> tuple[str | None, list[Finding]]:
        """The text of the label file; None if there is none, so that nobody has looked at the picture."""
        data, flaws = self.label_file(entry)
        if data is None:
            return None, flaws
        if data.startswith((b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff")):
            path = next(label_paths(self._place(entry)))
            flaws.append(Finding("label-bom", Severity.ERROR, entry.name, {"path": whole(Path(path).name)}))
        return one_newline(decode_text(data)), flaws

    def label_file(self, entry: Entry) -> tuple[bytes | None, list[Finding]]:
        """The bytes of the label file of a picture, None without one; a finding where it cannot be read."""
        for path in label_paths(self._place(entry)):
            try:
                with open(path, "rb", buffering=0) as file:  # noqa: PTH123 - called for every picture
                    if os.fstat(file.fileno()).st_size > self.options.max_file_megabytes * 1_000_000:
                        raise OSError(errno.EFBIG, os.strerror(errno.EFBIG))
                    return file.read(), []
            except (FileNotFoundError, NotADirectoryError):
                continue
            except OSError as error:
                fields = {"case": "label", "path": whole(Path(path).name), "reason": error.strerror or str(error)}
                return None, [Finding("damaged", Severity.ERROR, entry.name, fields)]
        return None, []

    def _place(self, entry: Entry) -> str:
        """Where the picture is, or would be."""
        return entry.file or str(self.folder.bases[0] / entry.text.replace("\\", "/"))


def one_newline(text: str) -> str:
    """The text with lines that end as on this machine."""
    return text.replace("\r\n", "\n").replace("\r", "\n")


def label_paths(picture: str) -> Iterator[str]:
    """Where the labels of a picture may be: beside it, or under labels/ instead of images/ as darknet has it."""
    stem, dot, _ = picture.rpartition(".")
    path = (stem if dot else picture) + ".txt"
    yield path
    if _FOLDERS.search(path):
        yield _FOLDERS.sub("/labels/", path)


def _image(name: str, file: str, seeker: Seeker) -> tuple[Image, tuple[Finding, ...]]:
    folder, _, base = file.rpartition("/")
    image, findings = seeker.folder(folder).image(base)
    found = [replace(finding, image=name) for finding in findings]
    if image.orientation != 1:
        fields = {"case": "stored", "orientation": image.orientation}
        found.append(Finding("exif", Severity.WARNING, name, fields))
    return replace(image, name=name), tuple(found)


def _region(line: Line, image: Image, names: tuple[str, ...]) -> Region:
    """A box, or what cannot be one: a line that is no label, or one whose picture's size nobody knows."""
    label = (label_of(line.class_id, names),) if line.fractions else ()
    extra = {KEY: {"line": line.text}}
    if line.fractions is None or not image.width:
        return Region("damaged", (), label, extra=extra)
    box = to_box(line.fractions, image.width, image.height)
    points = ((box.left, box.top), (box.right, box.bottom))
    return Region("rectangle", points, label, extra=extra if line.flaw else {})


def label_of(number: int, names: tuple[str, ...]) -> str:
    """The name of a class, also of one that no names file has."""
    return names[number] if 0 <= number < len(names) else f"class-{number}"


def _flaws(entry: Entry, line: Line, region: Region, index: int, names: tuple[str, ...]) -> list[Finding]:
    found = []
    if line.flaw:
        fields: dict[str, Any] = {
            "line": line.number,
            "text": line.text.strip()[:200],
            "labels": ", ".join(region.labels),
        }
        case = {"case": "line"} if line.flaw == "bad-number" else {}
        found.append(Finding(line.flaw, Severity.ERROR, entry.name, fields | case, index))
    if line.fractions is not None and not 0 <= line.class_id < len(names):
        fields = {
            "box": index + 1,
            "label": region.labels[0],
            "number": line.class_id,
            "classes": len(names),
            "last": len(names) - 1,
        }
        found.append(Finding("class-out-of-range", Severity.ERROR, entry.name, fields, index))
    return found
