"""Which of our pictures an item of a tool shows: by what we noted there, by its id, by name where that is safe."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Set
from dataclasses import dataclass, field, replace
from pathlib import Path

from bridge import picture
from bridge.errors import BridgeError
from bridge.loop.sighting import like_sized
from bridge.model.annotation import Document, Image, fold_name
from bridge.model.finding import Finding, Severity
from bridge.store.images import Item


@dataclass(slots=True)
class Joining:
    """The pictures of a project as one source knows them; present are the ids of its items now (None: not known)."""

    known: Mapping[str, Image]
    items: Mapping[int, Item]
    present: Set[str] | None = None
    findings: list[Finding] = field(default_factory=list)
    seen: set[str] = field(default_factory=set)
    _by_id: dict[int, Image] = field(default_factory=dict)
    _by_item: dict[str, str] = field(default_factory=dict)
    _holders: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._by_id = {image.id: image for image in self.known.values() if image.id is not None}
        for item in self.items.values():
            image = self._by_id.get(item.image_id)
            if image is not None and item.item is not None and self._there(item):
                self._by_item[item.item] = image.name
                self._holders[fold_name(image.name)] = item.item

    def documents(self, told: Iterable[Document]) -> Iterator[Document]:
        """The documents under the names that the project has for their pictures; second tasks of one are left out."""
        for document in told:
            joined = self._joined(document) if document.image.item is not None else document
            if joined is not None:
                self.seen.add(fold_name(joined.image.name))
                yield joined

    def _there(self, item: Item) -> bool:
        return item.item in self.present if self.present is not None else not item.gone

    def _joined(self, document: Document) -> Document | None:
        told, item = document.image, str(document.image.item)
        ours = self._by_id.get(told.id) if told.id is not None else None
        name = self._by_item.get(item) or (ours.name if ours else None)
        if name is None:
            name = told.name if self._free(told, item) else f"{item}/{told.name}"
        holder = self._holders.setdefault(fold_name(name), item)
        if holder != item:
            self.findings.append(_second(name, item, holder))
            return None
        self._by_item[item] = name
        return _renamed(document, self._bare(replace(told, name=name, id=None)))

    def _free(self, told: Image, item: str) -> bool:
        """Whether this picture may have its plain name: nobody else's, or the same picture's from another source."""
        folded = fold_name(told.name)
        if self._holders.get(folded, item) != item:
            return False
        image = self.known.get(folded)
        return image is None or _same_picture(image, told)

    def _bare(self, told: Image) -> Image:
        """Without the file that was fetched, where the picture's own file is here and equal."""
        image = self.known.get(fold_name(told.name))
        if image is not None and image.file is not None and told.file is not None and _equal(image, told):
            return replace(told, file=None)
        return told


def _same_picture(image: Image, told: Image) -> bool:
    if told.file is not None and image.sha256 is not None:
        return _equal(image, told)
    return like_sized(image, told)


def _equal(image: Image, told: Image) -> bool:
    try:
        return told.file is not None and picture.sha256(Path(told.file.path)) == image.sha256
    except BridgeError:
        return False


def _second(name: str, item: str, holder: str) -> Finding:
    fields = {"case": "second-item", "item": item, "first": holder, "count": 2}
    return Finding("duplicate-asset", Severity.WARNING, name, fields)


def _renamed(document: Document, image: Image) -> Document:
    before = document.image.name
    findings = tuple(replace(f, image=image.name) if f.image == before else f for f in document.findings)
    return replace(document, image=image, findings=findings)
