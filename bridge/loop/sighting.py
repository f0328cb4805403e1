"""Looking at the pictures a tool names: known or new, same bytes or changed; nothing is written here."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

from bridge import picture
from bridge.errors import BridgeError, NotFoundError
from bridge.model.annotation import Image, fold_name
from bridge.model.finding import Finding, Severity
from bridge.store.images import Item


@dataclass(slots=True)
class Sighting:
    """The pictures of one project as one source sees them.

    known is by folded name, items by image id. joins allows a picture to be known again by its bytes alone.
    lasting_ids tells that the tool's own id stays with a picture whatever its name: VoTT 2 names pictures from their
    common folder, so that all are called otherwise once one from another folder is added. (COCO numbers anew.)
    renamed are the new names, by image id, of pictures that were recognised by their bytes.
    """

    known: dict[str, Image]
    items: dict[int, Item]
    joins: bool
    max_megapixels: int
    findings: list[Finding] = field(default_factory=list)
    lasting_ids: bool = False
    qualifier: str = "other"
    renamed: dict[int, str] = field(default_factory=dict)
    _by_item: dict[str, Image] = field(default_factory=dict)
    _by_bytes: dict[str, list[Image]] = field(default_factory=dict)
    _vanished: dict[str, list[Image]] | None = None
    _given: set[int] = field(default_factory=set)

    def __post_init__(self) -> None:
        if self.lasting_ids:
            by_id = {image.id: image for image in self.known.values()}
            self._by_item = {i.item: by_id[i.image_id] for i in self.items.values() if i.item and i.image_id in by_id}
        if self.joins:
            for image in self.known.values():
                if image.sha256 is not None and image.id not in self.items:
                    self._by_bytes.setdefault(image.sha256, []).append(image)

    def look(self, told: Image) -> Image:
        """The picture as it is now; its bytes are read again only when place, size or time differ.

        A name that another source uses too is the same picture only when the bytes are equal: else labels of one
        would come to lie on the other. A new name for the bytes of a file that is gone is a picture that was renamed.
        """
        found = self._look(told)
        if found.id is not None:
            self._given.add(found.id)
        return found

    def _look(self, told: Image) -> Image:
        ours = self._ours(told)
        there = ours or self.known.get(fold_name(told.name))
        if there is not None and told.file is not None and told.file == there.file and there.sha256 is not None:
            return replace(there, item=told.item)
        if told.file is None:
            return self._without_bytes(told, ours, there)
        try:
            fresh = self._read(
                told, told.file.path if told.file.path[:1] == "/" else str(Path(told.file.path).absolute())
            )
        except BridgeError as error:
            self.findings.append(_unreadable(told.name, error))
            return replace(ours, item=told.item) if ours else self._apart(told) if there else told
        if ours is None and there is not None:
            ours = there if there.sha256 == fresh.sha256 else None
            fresh = fresh if ours else self._apart(fresh)
        # The files of a tool's numbered items were fetched by us: that one is gone says nothing.
        told_by_name = not self.joins or told.item in (None, told.name)
        if ours is None and there is None and told_by_name and (renamed := self._renamed(fresh)) is not None:
            return renamed
        return self._brought_up(ours or self._same_bytes(fresh), fresh)

    def _brought_up(self, known: Image | None, fresh: Image) -> Image:
        if known is None:
            return fresh
        if known.sha256 not in (None, fresh.sha256):
            fields = {"before": str(known.sha256)[:12], "now": str(fresh.sha256)[:12]}
            self.findings.append(Finding("newer-image", Severity.WARNING, known.name, fields))
        return replace(fresh, name=known.name, id=known.id)

    def _ours(self, told: Image) -> Image | None:
        """The picture that this source means: by its name here, or by the tool's lasting id."""
        if self.joins:  # Which picture a tool's item shows was settled before.
            return self.known.get(fold_name(told.name)) or self._by_item.get(told.item or "")
        for name in (told.name, self._qualified(told)):
            image = self.known.get(fold_name(name))
            if image is not None and image.id in self.items:
                return image
        return self._by_item.get(told.item or "")

    def _without_bytes(self, told: Image, ours: Image | None, there: Image | None) -> Image:
        if there is not None and (ours is not None or like_sized(there, told)):
            return replace(there, item=told.item)
        return self._apart(told) if there is not None else told

    def _apart(self, told: Image) -> Image:
        """Another picture than the one that has its name: it gets the name of its source before its own."""
        apart = replace(told, name=self._qualified(told), id=None)
        fields = {"other": told.name, "name": apart.name}
        self.findings.append(Finding("same-name", Severity.WARNING, apart.name, fields))
        taken = self.known.get(fold_name(apart.name))
        return replace(apart, name=f"{told.sha256 or 'other'}/{told.name}"[:200]) if taken else apart

    def _qualified(self, told: Image) -> str:
        return f"{self.qualifier}/{told.name}"

    def remember(self, image: Image) -> None:
        """A picture has been put into the store."""
        self.known[fold_name(image.name)] = image if image.item is None else replace(image, item=None)

    def changed(self, image: Image) -> bool:
        """Whether the store holds other facts of this picture."""
        return replace(image, item=None) != self.known.get(fold_name(image.name))

    def _read(self, told: Image, path: str) -> Image:
        path = path if path[:1] == "/" else str(Path(path).absolute())
        stamp, look = picture.stamped_look(path, self.max_megapixels)
        if told.width and (told.width, told.height) != (look.width, look.height):
            self.findings.append(_size_differs(told, look))
        digest = picture.sha256(path)
        return Image(
            told.name, look.width, look.height, digest, look.orientation, stamp, told.item, told.id, look.format
        )

    def _renamed(self, fresh: Image) -> Image | None:
        """The one picture of this source with these bytes whose file is gone; its labels are those of the new name."""
        if self._vanished is None:
            self._vanished = {}
            for image in self.known.values():
                if image.id in self.items and image.sha256 and image.file and not Path(image.file.path).exists():
                    self._vanished.setdefault(image.sha256, []).append(image)
        same = [image for image in self._vanished.get(fresh.sha256 or "", ()) if image.id not in self._given]
        if len(same) != 1 or same[0].id is None:
            return None
        old = self.known.pop(fold_name(same[0].name))
        self.known[fold_name(fresh.name)] = replace(old, name=fresh.name)
        self.renamed[same[0].id] = fresh.name
        self.findings.append(Finding("renamed", Severity.INFO, fresh.name, {"case": "picture", "old": old.name}))
        return replace(fresh, id=old.id)

    def _same_bytes(self, fresh: Image) -> Image | None:
        """The one picture with these bytes that this source does not know yet: the same picture in another tool."""
        same = self._by_bytes.get(fresh.sha256 or "", [])
        return same[0] if len(same) == 1 else None


def like_sized(image: Image, told: Image) -> bool:
    """Whether both may be one picture by their sizes: equal, turned, or not known."""
    sizes = {(image.width, image.height), (image.height, image.width)}
    return not told.width or not image.width or (told.width, told.height) in sizes


def _unreadable(name: str, error: BridgeError) -> Finding:
    rule = "missing-image" if isinstance(error, NotFoundError) else "unreadable"
    severity = Severity.WARNING if rule == "missing-image" else Severity.ERROR
    return Finding(rule, severity, name, {"case": "import", "reason": error.rule, **error.fields})


def _size_differs(told: Image, look: picture.Look) -> Finding:
    fields = {
        "case": "size",
        "told": f"{told.width}x{told.height}",
        "found": f"{look.width}x{look.height}",
        "orientation": look.orientation,
    }
    if (told.width, told.height) == (look.height, look.width) and look.orientation >= 5:
        return Finding("exif", Severity.WARNING, told.name, fields)
    return Finding("aspect", Severity.ERROR, told.name, fields)


def equal_bytes(known: Iterable[Image]) -> Iterator[Finding]:
    """Pictures that hold the same bytes under two names; where the file of one is gone, it was probably renamed."""
    first: dict[str, Image] = {}
    for image in known:
        other = first.setdefault(image.sha256, image) if image.sha256 is not None else image
        if other is image:
            continue
        if _is_gone(other) != _is_gone(image):
            old, new = (other, image) if _is_gone(other) else (image, other)
            yield Finding("renamed", Severity.WARNING, old.name, {"case": "proposed", "new": new.name})
        else:
            yield Finding("near-duplicate", Severity.WARNING, image.name, {"other": other.name, "case": "bytes"})


def _is_gone(image: Image) -> bool:
    return image.file is not None and not Path(image.file.path).exists()
