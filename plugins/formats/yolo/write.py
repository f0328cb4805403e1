"""Labels → a folder that every darknet can train on: pictures under safe names, each with its label file beside it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from bridge.errors import InputError, RefusedError, write_rule
from bridge.model.annotation import BOXED, Document, State
from bridge.model.dataset import Dataset
from bridge.model.finding import Finding, Severity
from bridge.model.rectangles import labels_of
from bridge.plugin import View, WriteOptions
from plugins.formats.yolo.entries import is_ours
from plugins.formats.yolo.layout import FOLDER, Labelled, Layout, layout_of, put
from plugins.formats.yolo.lines import render_lines
from plugins.formats.yolo.read import KEY
from plugins.validators.class_out_of_range import ClassOutOfRange
from plugins.validators.outside import Outside
from plugins.validators.undeclared_label import UndeclaredLabel
from plugins.validators.untagged import Untagged
from plugins.validators.zero_area import ZeroArea

_RULES = (Outside(), ZeroArea(), Untagged(), UndeclaredLabel(), ClassOutOfRange())
# The first bytes of a file tell its format; its extension does not (VoTT v1 writes JPEG under any name).
_MAGIC = ((b"\xff\xd8\xff", ".jpg"), (b"\x89PNG\r\n\x1a\n", ".png"), (b"BM", ".bmp"))
_FORMATS = {"JPEG": ".jpg", "PNG": ".png"}
_BY_NAME = {".jpg": ".jpg", ".jpeg": ".jpg", ".png": ".png", ".bmp": ".bmp"}


def write(dataset: Dataset, out: Path, options: WriteOptions) -> list[Finding]:
    """Write the folder out; raises RefusedError where something that is not ours is there, or InputError."""
    out = out.absolute()
    if out.exists() and not is_ours(out):
        raise RefusedError("folder-not-ours", path=str(out))
    gathering = _Gathering(dataset, options.pictures)
    pictures = list(gathering.labelled())
    other = dataset.extra.get(KEY)
    layout = layout_of(pictures, tuple(gathering.numbers), other if isinstance(other, dict) else {})
    try:
        gone = put(layout, out, "copy" if options.pictures == "copy" else "link", options.progress)
    except OSError as error:
        raise InputError(write_rule(error), path=str(out), reason=error.strerror or str(error)) from error
    return [*gathering.findings, *_summary(layout, gathering.unknown, gone)]


def _summary(layout: Layout, unknown: int, gone: list[str]) -> Iterator[Finding]:
    for path in gone:
        yield Finding("missing-image", Severity.WARNING, layout.names[path], {"case": "cut"})
    renamed = sum(1 for path, name in layout.names.items() if path != f"{FOLDER}/{name}")
    if renamed:
        yield Finding("renamed", Severity.INFO, None, {"count": renamed})
    if unknown:
        yield Finding("unreviewed", Severity.INFO, None, {"case": "cut", "unknown": unknown})


@dataclass(slots=True)
class _Gathering:
    """Goes through a dataset once and decides what of it is written; numbers are the classes so far."""

    dataset: Dataset
    how: Literal["link", "copy", "none"]
    numbers: dict[str, int] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)
    unknown: int = 0

    def __post_init__(self) -> None:
        self.numbers = {label: number for number, label in enumerate(dict.fromkeys(self.dataset.labels))}

    def labelled(self) -> Iterator[Labelled]:
        """All pictures that darknet can learn from, as an example or as one without objects."""
        for document in self.dataset.documents:
            if document.state is State.UNKNOWN:
                self.unknown += 1
                continue
            extension = self._extension(document)
            text = self._text(document) if extension else None
            if extension and text is not None:
                image = document.image
                source = Path(image.file.path) if image.file and self.how != "none" else None
                yield Labelled(image.name, source, extension, text, self._is_held_out(document))

    def _text(self, document: Document) -> str | None:
        """The label file; None for a picture whose regions darknet can be given none of: it is not an empty one."""
        image, regions = document.image, document.regions or ()
        sized = image.width > 0 and image.height > 0
        for label in set(labels_of(regions)) - self.numbers.keys() and dict.fromkeys(labels_of(regions)):
            self.numbers.setdefault(label, len(self.numbers))
        lines, whole = render_lines(regions, self.numbers, image.width, image.height) if sized else ([], not regions)
        if not whole or len(self.numbers) > len(self.dataset.labels):
            view = View(self.dataset.labels, (document,))
            self.findings += [finding for rule in _RULES for finding in rule.check(view)]
        if image.orientation != 1:
            self._say(document, "exif", Severity.WARNING, case="stored", orientation=image.orientation)
        if regions and not lines:
            self._say(document, "no-box", Severity.WARNING, case="cut", count=len(regions))
            return None
        if not whole and any(region.kind in BOXED and not region.labels for region in regions):
            # The object that nobody has named yet would be trained as background.
            self._say(document, "untagged", Severity.ERROR, case="cut")
            return None
        return "\n".join([*lines, ""])

    def _extension(self, document: Document) -> str | None:
        """The extension that fits the picture's content; None where it cannot be written."""
        image = document.image
        if image.format in _FORMATS:
            return _FORMATS[image.format]
        extension: str | None = _by_name(image.name) if self.how == "none" else None
        if image.file is not None:
            with suppress(OSError):
                extension = _extension_of(image.file.path)
        if extension is None:
            self._say(document, "missing-image", Severity.WARNING, case="cut")
        elif not extension:
            self._say(document, "picture-format", Severity.WARNING)
        elif extension == ".bmp":
            self._say(document, "picture-bmp", Severity.INFO)
        return extension or None

    def _say(self, document: Document, rule: str, severity: Severity, **fields: object) -> None:
        self.findings.append(Finding(rule, severity, document.image.name, fields))

    def _is_held_out(self, document: Document) -> bool:
        """The split that was asked for, else the one that the pictures came with."""
        held_out = self.dataset.held_out
        return document.image.name in held_out if held_out else document.held_out is True


def _extension_of(path: str) -> str:
    handle = os.open(path, os.O_RDONLY | getattr(os, "O_BINARY", 0))
    try:
        head = os.read(handle, 8)
    finally:
        os.close(handle)
    return next((extension for magic, extension in _MAGIC if head.startswith(magic)), "")


def _by_name(name: str) -> str:
    return _BY_NAME.get(Path(name).suffix.lower(), "")
