"""A VoTT project in a folder that annotators share: read whole, written picture by picture and never blindly."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from bridge.document import digest_of, parse_json, stamp_of
from bridge.errors import BridgeError, ConflictError, InputError, NotFoundError
from bridge.model.annotation import Document, fold_name
from bridge.model.dataset import Dataset
from bridge.model.delivery import BY_ORDER
from bridge.model.finding import Finding, Severity
from bridge.model.project import Source
from bridge.plugin import Changes, Format, Holding, PushItem, PushOutcome, ReadOptions, Stamps, WriteOptions
from plugins.formats.vott1 import VottV1
from plugins.formats.vott1.project import candidates as projects_v1
from plugins.formats.vott1.region import EXTRA
from plugins.formats.vott2 import VottV2
from plugins.formats.vott2.project import ASSET_SUFFIX
from plugins.formats.vott2.project import candidates as projects_v2

# So many pictures are written before the .vott file is: it must not be behind by many if we are killed.
_AT_ONCE = 250


class VottV2Folder:
    """Opens VoTT 2 projects."""

    kind = "vott-v2"

    def open(self, source: Source, secret: str | None) -> VottFolder:
        """The project in the folder source.place (or that .vott file); there are no credentials."""
        return VottFolder(self.kind, VottV2(), source, _files_v2)


class VottV1Folder:
    """Opens VoTT 1 projects: the JSON file beside its picture folder."""

    kind = "vott-v1"

    def open(self, source: Source, secret: str | None) -> VottFolder:
        """The project file source.place, or the one beside the picture folder source.place; no credentials."""
        return VottFolder(self.kind, VottV1(), source, _files_v1)


def _files_v1(place: Path) -> Iterator[Path]:
    beside = place.parent / f"{place.name}.json"
    if place.suffix.lower() == ".json" and place.is_file():
        yield place  # Also while VoTT writes it, and nothing in it tells yet what it is.
    else:
        yield from projects_v1(place) or filter(Path.is_file, [beside])


def _files_v2(place: Path) -> Iterator[Path]:
    found = projects_v2(place)
    yield from found
    folder = place if place.is_dir() else place.parent
    with os.scandir(folder) as entries:
        yield from (folder / entry.name for entry in entries if entry.name.endswith(ASSET_SUFFIX))


@dataclass(frozen=True, slots=True)
class VottFolder:
    """One VoTT project; options["images"] names its picture folder where the project does not."""

    kind: str
    format: Format
    source: Source
    files: Callable[[Path], Iterable[Path]]

    # ------------------------------------------------------------ reading

    def stamps(self) -> Stamps:
        """Size and time of the project's files; raises NotFoundError folder-gone when there is none (any more)."""
        try:
            found = {str(path): stamp_of(path) for path in self.files(self._place())}
        except OSError:
            found = {}
        there = {path: stamp for path, stamp in found.items() if stamp is not None}
        if not there:
            raise NotFoundError("folder-gone", place=self.source.place)
        return there

    def half_written(self, paths: Iterable[str]) -> list[str]:
        """Those of these files that are no whole JSON: VoTT writes in place."""
        return [path for path in paths if not _is_whole(Path(path))]

    def pull(self, cursor: str | None) -> Changes:
        """The whole project, when any of its files changed since the cursor; else nothing."""
        now = digest_of(self.stamps())
        if now == cursor:
            return Changes((), (), now)
        reading = self.format.read(self._place(), self._options())
        return Changes(
            reading.labels,
            reading.documents,
            now,
            (),
            reading.findings,
            reading.colors,
            reading.extra,
            whole=True,
        )

    def hold(self) -> Holding:
        """All that the project says now."""
        stamps = self.stamps()
        reading = self.format.read(self._place(), self._options())
        documents = tuple(reading.documents)
        return Holding(
            reading.labels,
            documents,
            stamps,
            reading.title,
            reading.colors,
            reading.extra,
            by_name=reading.order == "names",
            findings=reading.findings,
        )

    def health(self) -> list[Finding]:
        """Whether the project is there and can be read."""
        try:
            self.stamps()
            self.format.read(self._place(), self._options())
        except BridgeError as error:
            fields = {"place": self.source.place, "reason": error.rule}
            if error.rule in BY_ORDER:  # It is there, but a person must say first how it is to be read.
                return [Finding("source-undecided", Severity.WARNING, None, fields)]
            return [Finding("source-unhealthy", Severity.ERROR, None, fields)]
        return []

    # ------------------------------------------------------------ writing

    def push(self, version: str, items: Sequence[PushItem], replaces: Sequence[str]) -> PushOutcome:
        """Write predictions as marked regions, only on pictures on which no person has drawn or decided anything.

        Those of older versions on such pictures are replaced, unless he has looked at them: what he left standing and
        what he took away is his answer. What the folder holds is read right before.
        """
        holding = self.hold()
        if not holding.by_name:
            note = Finding("written-by-position", Severity.WARNING, None, {"source": self.source.name})
            return PushOutcome(len(items), 0, (note,))
        wanted = {fold_name(item.item): item for item in items}
        taken: list[Document] = []
        refused: list[Finding] = []
        for document in holding.documents:
            item = wanted.pop(fold_name(item_of(document)), None)
            if item is not None and document.predictions and document.looked:
                refused.append(Finding("push-looked-at", Severity.INFO, item.prediction.image))
            elif item is not None and document.regions is None:
                taken.append(replace(document, predictions=item.prediction.regions))
            elif item is not None:
                refused.append(Finding("push-labelled", Severity.INFO, item.prediction.image))
        refused += [Finding("push-unlisted", Severity.WARNING, item.prediction.image) for item in wanted.values()]
        try:
            notes = self.write(holding, taken, {}) if taken else []
        except ConflictError:  # Somebody is writing it: done again, it does the rest.
            notes = [Finding("moved-on", Severity.INFO, document.image.name) for document in taken]
        left = sum(finding.rule == "moved-on" for finding in notes)
        return PushOutcome(len(items), len(taken) - left, (*refused, *notes))

    def losses(self, holding: Holding, documents: Sequence[Document]) -> list[Finding]:
        """What would not come back as it is if these documents were written."""
        return self.format.losses(self._dataset(holding, [_seen(document) for document in documents]))

    def write(self, holding: Holding, documents: Sequence[Document], renamed: Mapping[str, str]) -> list[Finding]:
        """Write these pictures into the project, and nothing else; raises InputError, or ConflictError file-moved-on.

        A VoTT up to 1.5 knows pictures by their place in the folder; that cannot be kept, so nothing is written then.
        """
        if not holding.by_name:
            raise InputError("written-by-position", place=self.source.place)
        documents = [_seen(document) for document in documents]
        if self.kind == "vott-v1":
            return self._write(holding, documents, renamed) if documents or not _is_film(holding) else []
        notes: list[Finding] = []
        for start in range(0, max(len(documents), 1), _AT_ONCE):
            notes += self._write(holding, documents[start : start + _AT_ONCE], renamed)
        return notes

    def _write(self, holding: Holding, documents: Sequence[Document], renamed: Mapping[str, str]) -> list[Finding]:
        place = self._place() if self.kind == "vott-v2" else Path(next(iter(holding.stamps)))
        options = WriteOptions("none", expected=holding.stamps, renamed=renamed)
        return self.format.write(self._dataset(holding, documents, renamed), place, options)

    def _dataset(
        self, holding: Holding, documents: Sequence[Document], renamed: Mapping[str, str] | None = None
    ) -> Dataset:
        """Labels in the tool's own order; what is new in these documents goes to the end of its list."""
        now = renamed or {}
        used = (label for document in documents for region in document.regions or () for label in region.labels)
        labels = tuple(dict.fromkeys((*(now.get(label, label) for label in holding.labels), *used)))
        colors = {now.get(label, label): color for label, color in holding.colors.items()}
        return Dataset(holding.title, labels, documents, colors=colors, extra=holding.extra)

    # ------------------------------------------------------------ where it is

    def _place(self) -> Path:
        return Path(self.source.place)

    def _options(self) -> ReadOptions:
        options = self.source.options
        images = options.get("images")
        order, leave = options.get("order", "auto"), bool(options.get("leave_newer"))
        return ReadOptions(Path(images) if images else None, order, leave_newer=leave)


def item_of(document: Document) -> str:
    """What the tool calls a picture: its asset id in VoTT 2, its file name in VoTT 1."""
    return document.image.item or document.image.name


def _seen(document: Document) -> Document:
    """A picture that a person has labelled elsewhere counts as visited; VoTT 1 keeps a list of those."""
    kept = document.extra.get(EXTRA)
    if document.regions is None or not isinstance(kept, dict) or "visited" not in kept:
        return document
    return replace(document, extra={**document.extra, EXTRA: {k: v for k, v in kept.items() if k != "visited"}})


def _is_film(holding: Holding) -> bool:
    return any("#t=" in document.image.name for document in holding.documents)


def _is_whole(path: Path) -> bool:
    try:
        parse_json(path.read_bytes(), str(path))
    except (OSError, InputError):
        return False
    return True
