"""A VoTT project in a folder that annotators share: read whole, written only where a model has something to add."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from bridge.errors import BridgeError
from bridge.model.annotation import Document, fold_name
from bridge.model.dataset import Dataset
from bridge.model.delivery import BY_ORDER
from bridge.model.finding import Finding, Severity
from bridge.model.project import Source
from bridge.plugin import Changes, Format, PushItem, PushOutcome, ReadOptions, WriteOptions
from plugins.formats.vott1 import VottV1
from plugins.formats.vott2 import VottV2


class VottV2Folder:
    """Opens VoTT 2 projects."""

    kind = "vott-v2"

    def open(self, source: Source, secret: str | None) -> VottFolder:
        """The project in the folder source.place; there are no credentials."""
        return VottFolder(self.kind, VottV2(), source)


class VottV1Folder:
    """Opens VoTT 1 projects: the JSON file beside its picture folder."""

    kind = "vott-v1"

    def open(self, source: Source, secret: str | None) -> VottFolder:
        """The project file source.place; there are no credentials."""
        return VottFolder(self.kind, VottV1(), source)


@dataclass(frozen=True, slots=True)
class VottFolder:
    """One VoTT project; options["images"] names its picture folder where the project does not."""

    kind: str
    format: Format
    source: Source

    def pull(self, cursor: str | None) -> Changes:
        """The whole project, when any of its files changed since the cursor; else nothing."""
        now = self._state()
        if now == cursor:
            return Changes((), (), now)
        reading = self.format.read(self._place(), self._options())
        return Changes(reading.labels, reading.documents, now, (), reading.findings, whole=True)

    def push(self, version: str, items: Sequence[PushItem], replaces: Sequence[str]) -> PushOutcome:
        """Write predictions as marked regions, only on pictures on which no person has drawn or decided anything.

        Those of older versions on such pictures are replaced, unless he has looked at them: what he left standing and
        what he took away is his answer. What the folder holds is read right before.
        """
        reading = self.format.read(self._place(), self._options())
        wanted = {fold_name(item.prediction.image): item for item in items}
        taken: list[Document] = []
        refused: list[Finding] = []
        for document in reading.documents:
            item = wanted.pop(fold_name(document.image.name), None)
            if item is not None and document.predictions and document.looked:
                refused.append(Finding("push-looked-at", Severity.INFO, document.image.name))
            elif item is not None and document.regions is None:
                taken.append(replace(document, predictions=item.prediction.regions))
            elif item is not None:
                refused.append(Finding("push-labelled", Severity.INFO, document.image.name))
        refused += [Finding("push-unlisted", Severity.WARNING, name) for name in wanted]
        dataset = Dataset(reading.title, reading.labels, taken, colors=reading.colors, extra=reading.extra)
        notes = self.format.write(dataset, self._place(), WriteOptions("none")) if taken else []
        return PushOutcome(len(items), len(taken), (*refused, *notes))

    def health(self) -> list[Finding]:
        """Whether the project is there and can be read."""
        try:
            self.format.read(self._place(), self._options())
        except BridgeError as error:
            fields = {"place": self.source.place, "reason": error.rule}
            if error.rule in BY_ORDER:  # It is there, but a person must say first how it is to be read.
                return [Finding("source-undecided", Severity.WARNING, None, fields)]
            return [Finding("source-unhealthy", Severity.ERROR, None, fields)]
        return []

    def _place(self) -> Path:
        return Path(self.source.place)

    def _options(self) -> ReadOptions:
        options = self.source.options
        images = options.get("images")
        return ReadOptions(Path(images) if images else None, options.get("order", "auto"))

    def _state(self) -> str:
        """A digest of name, size and time of the project's files."""
        digest = hashlib.sha256()
        for path in sorted(self._files()):
            found = path.stat()
            digest.update(f"{path.name}\t{found.st_size}\t{found.st_mtime_ns}\n".encode("utf-8", "surrogatepass"))
        return digest.hexdigest()

    def _files(self) -> Iterator[Path]:
        place = self._place()
        if place.is_file():
            yield place
        elif place.is_dir():
            yield from (p for p in place.iterdir() if p.suffix in (".vott", ".json"))
