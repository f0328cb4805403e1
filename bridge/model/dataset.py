"""What goes out of the store: a set of documents to write, and the frozen version that is trained on."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Literal

from bridge.model.annotation import Document, Label
from bridge.model.finding import Finding

Part = Literal["train", "valid"]


@dataclass(frozen=True, slots=True)
class Reading:
    """What a format found at a path; documents are read as they are asked for, once.

    labels are in class order. declared is False where the file holds no label list of its own (the order is that
    of first appearance). order says how pictures were matched to labels: names, ntfs, bytes or created.
    """

    labels: tuple[str, ...]
    documents: Iterable[Document]
    total: int
    title: str = ""
    declared: bool = True
    order: str = "names"
    findings: tuple[Finding, ...] = ()
    colors: dict[str, str] = field(default_factory=dict)
    extra: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Dataset:
    """What a format writes: labels in class order and documents (iterable more than once)."""

    name: str
    labels: tuple[str, ...]
    documents: Iterable[Document]
    held_out: frozenset[str] = frozenset()
    colors: dict[str, str] = field(default_factory=dict)
    extra: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Member:
    """One picture of a dataset version, by the content of its bytes and the revision of its labels.

    Its size and EXIF turn are those of these bytes: the picture may be replaced later.
    """

    image_id: int
    name: str
    sha256: str
    revision_id: int
    content_hash: str
    part: Part
    width: int = 0
    height: int = 0
    orientation: int = 1


@dataclass(frozen=True, slots=True)
class DatasetVersion:
    """Frozen labels, members and split; id is the SHA-256 of all of it, so equal cuts are one version.

    label_ids are the labels' permanent ids beside the names they had then: a label renamed later is still read right.
    """

    id: str
    project: str
    labels: tuple[str, ...]
    members: tuple[Member, ...]
    seed: int
    fraction: float
    created: str = ""
    label_ids: tuple[int, ...] = ()

    def frozen_labels(self) -> tuple[Label, ...]:
        """The labels as they were when this was cut, in class order."""
        return tuple(Label(i, name) for i, name in zip(self.label_ids, self.labels, strict=True))

    def reading(self, labels: Iterable[Label]) -> tuple[Label, ...]:
        """How label ids are read by this version: its own names, also for aliases (of the project's present labels)."""
        frozen = {label.id: label for label in self.frozen_labels()}
        present = {label.name: label.id for label in labels if label.alias is None}
        aliases = [
            Label(label.id, frozen[present[label.name]].name, None, label.alias)
            for label in labels
            if label.alias is not None and label.id not in frozen and present.get(label.name) in frozen
        ]
        return (*frozen.values(), *aliases)

    def part(self, part: Part) -> tuple[Member, ...]:
        """The members of one part of the split, in order."""
        return tuple(m for m in self.members if m.part == part)


def version_hash(project: str, labels: Iterable[str], members: Iterable[Member]) -> str:
    """The name of a dataset version: SHA-256 over project, labels and (name, bytes, labels, part) of every member."""
    digest = hashlib.sha256()
    digest.update("\n".join([project, *labels]).encode())
    for m in sorted(members, key=lambda m: m.name):
        digest.update(f"\n{m.name}\t{m.sha256}\t{m.content_hash}\t{m.part}".encode("utf-8", "surrogatepass"))
    return digest.hexdigest()
