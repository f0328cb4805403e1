"""A first look at all annotation files: what only shows in all of them together.

VOC counts pixels from 1 and the last one is inside: the box of the whole picture is 1, 1, width, height. VoTT, CVAT and
labelImg write corners as they are on the screen, from 0. No file says which is meant, so all of them together must.

VoTT 2.0.0 and its previews wrote the left edge a second time in place of the bottom one. They also cut short what they
saved, and then took the picture for one without labels, so that an annotation of theirs without objects says nothing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bridge.errors import BridgeError
from bridge.model.finding import Finding, Severity
from plugins.formats.halves import whole
from plugins.formats.voc.annotation import OURS, Annotation, Corners, Flavour, label_of, numbers_of, read_annotation

# What VoTT, labelImg and VOC itself write in every file or object.
_USUAL = frozenset({"name", "bndbox", "pose", "truncated", "difficult", "occluded", OURS})


@dataclass(frozen=True, slots=True)
class Seen:
    """What one file says of its picture; a broken one says nothing, and broken is why."""

    path: Path
    stem: str
    filename: str = ""
    flavour: Flavour = "other"
    name: str | None = None
    uncut: str | None = None
    broken: str | None = None


@dataclass(slots=True)
class Survey:
    """What was seen in all files; labels and others count in the order of first appearance."""

    seen: list[Seen] = field(default_factory=list)
    labels: dict[str, None] = field(default_factory=dict)
    others: Counter[str] = field(default_factory=Counter)
    difficult: int = 0
    mended: list[str] = field(default_factory=list)
    databases: Counter[str] = field(default_factory=Counter)
    fraction: tuple[str, float] | None = None
    below_one: tuple[str, float] | None = None
    heightless: bool = False
    empty: int = 0
    _boxes: int = 0
    _doubled: int = 0
    _impossible: int = 0
    _vott: int = 0
    _counted: int = 0

    @classmethod
    def of(cls, paths: tuple[Path, ...], max_megabytes: int) -> Survey:
        """Look at all files once; nothing is kept of them but this."""
        survey = cls()
        for path in paths:
            try:
                annotation = read_annotation(path, max_megabytes)
            except BridgeError as error:
                reason = str(error.fields.get("reason", error.rule))
                survey.seen.append(Seen(path, whole(path.stem), broken=reason))
                continue
            survey._take(annotation)
        doubled = survey._boxes > 0 and survey._doubled == survey._boxes
        survey.heightless = doubled and bool(survey._impossible or survey._vott)
        return survey

    def _take(self, annotation: Annotation) -> None:
        flavour = annotation.flavour
        name = annotation.ours.findtext("name") if annotation.ours is not None else None
        uncut = annotation.uncut if flavour == "vott-v1" else None
        seen = Seen(annotation.path, annotation.stem, annotation.filename, flavour, name or None, uncut)
        self.seen.append(seen)
        if annotation.mended:
            self.mended.append(seen.stem)
        for element in annotation.objects:
            self.labels.update(dict.fromkeys(filter(None, (label_of(element),))))
            self.others.update({child.tag for child in element} - _USUAL)
            self.difficult += (element.findtext("difficult") or "").strip() == "1"
        self.empty += annotation.corners is None and not annotation.objects
        self._counted += annotation.corners == "voc"
        if annotation.corners is None:
            self._weigh(annotation)

    def _weigh(self, annotation: Annotation) -> None:
        """What the numbers of a file that does not say how they are meant tell about it."""
        found = [numbers for numbers in map(numbers_of, annotation.objects) if numbers is not None]
        if found:
            self.databases[(annotation.root.findtext("source/database") or "").strip()] += 1
            self._vott += annotation.flavour == "vott-v2"
        for left, top, right, bottom in found:
            self._boxes += 1
            self._doubled += left == bottom
            self._impossible += bottom < top
            for value in (left, top, right, bottom):
                if self.fraction is None and not value.is_integer():
                    self.fraction = (annotation.stem, value)
            if self.below_one is None and min(left, top) < 1:
                self.below_one = (annotation.stem, min(left, top))

    @property
    def corners(self) -> Corners:
        """How numbers are meant in files that do not say so themselves."""
        return "voc" if self._reason()[0] == "voc" else "pixels"

    def hides_labels(self, annotation: Annotation) -> bool:
        """Whether an annotation without objects may be one whose labels VoTT 2.0.0 had lost."""
        return self.heightless and annotation.corners is None and not annotation.objects

    @property
    def counts_from_one(self) -> bool:
        """Whether a file of this folder, as it says or as we found, counts its pixels from 1."""
        return self._counted > 0 or (self._boxes > 0 and self.corners == "voc")

    def _reason(self) -> tuple[str, dict[str, Any]]:
        for case, example in (("fraction", self.fraction), ("zero", self.below_one)):
            if example is not None:
                return case, {"file": example[0], "value": f"{example[1]:g}"}
        if set(self.databases) == {"Unknown"}:
            return "tool", {}
        return "voc", {}

    def findings(self) -> Iterator[Finding]:
        """What a person should know of the files together."""
        if self._boxes:
            case, fields = self._reason()
            yield Finding("box-corners", Severity.INFO, None, {"case": case, "count": self._boxes, **fields})
        if self.empty:
            cut = {"case": "cut"} if self.heightless else {}
            severity = Severity.WARNING if self.heightless else Severity.INFO
            yield Finding("no-objects", severity, None, {"count": self.empty, **cut})
        if any(seen.flavour == "vott-v1" for seen in self.seen):
            yield Finding("vott1-export", Severity.WARNING)
        if self.mended:
            fields = {"count": len(self.mended), "example": self.mended[0]}
            yield Finding("xml-mended", Severity.WARNING, None, fields)
        if self.difficult:
            yield Finding("difficult", Severity.INFO, None, {"count": self.difficult})
        if self.others:
            names = ", ".join(whole(name) for name in list(self.others)[:20])
            yield Finding("kept-elements", Severity.INFO, None, {"names": names, "count": self.others.total()})
