"""Project → a file or folder of another format; what it cannot hold is told before anything is written."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from bridge.loop.convert import fresh_split, write
from bridge.loop.keepsake import unwrap
from bridge.model.annotation import Document
from bridge.model.dataset import Dataset
from bridge.model.finding import Finding, Severity
from bridge.model.project import Project
from bridge.plugin import WriteOptions
from bridge.store import datasets, images, projects, revisions
from bridge.workspace import Workspace


@dataclass(frozen=True, slots=True)
class _Documents:
    """A project's documents for one format, read from the store at each iteration."""

    ws: Workspace
    project: Project
    format_name: str
    item_extra: dict[int, dict[str, Any]]

    def __iter__(self) -> Iterator[Document]:
        with self.ws.db.read() as tx:
            for current in revisions.current(tx, self.project.id, self.project.labels):
                document = unwrap(current.document, self.format_name)
                if document.regions is None:  # Nobody labelled it: only the tool itself said something of it.
                    document = replace(document, extra=self.item_extra.get(document.image.id or 0, {}))
                yield document

    def earlier(self, document: Document) -> list[Document]:
        """What the picture's revisions said, so that what was deleted here is not taken for new where it stands."""
        if document.image.id is None:
            return []
        with self.ws.db.read() as tx:
            past = revisions.history(tx, document.image.id, self.project.labels)
        former = (Document(document.image, revision.regions, extra=revision.extra) for revision in past)
        return [unwrap(document, self.format_name) for document in former]


def export(
    ws: Workspace, project: str, format_name: str, out: Path, options: WriteOptions, allow_loss: bool = False
) -> list[Finding]:
    """Write a project; raises RefusedError export-loses when the format cannot hold all of it and that is not allowed.

    A picture in conflict goes out with its common ancestor and a finding.
    """
    writer = ws.registry.format(format_name)
    with ws.db.read() as tx:
        found = projects.find(tx, project)
        open_conflicts = [images.find_id(tx, i)[1].name for i in revisions.conflicts(tx, found.id)]
        same = [s for s in projects.sources(tx, found.id) if s.options.get("format") == format_name]
        items = images.item_extra(tx, same[-1].id) if same else {}
    notes = [Finding("conflict", Severity.WARNING, name, {"case": "export"}) for name in open_conflicts]
    documents = _Documents(ws, found, format_name, items)
    held_out: frozenset[str] = frozenset()
    if format_name == "yolo":
        held_out, said = _project_split(ws, found, documents)
        notes += said
    colors = {label.name: label.color for label in found.classes if label.color}
    extra = same[-1].options.get("extra", {}) if same else {}
    dataset = Dataset(found.name, found.label_names(), documents, held_out, colors, extra)
    options = replace(options, earlier=documents.earlier)
    return notes + write(writer, dataset, out, options, allow_loss)


def _project_split(ws: Workspace, project: Project, documents: _Documents) -> tuple[frozenset[str], list[Finding]]:
    """The newest cut's split, else a fresh one, said in a finding."""
    with ws.db.read() as tx:
        newest = datasets.newest(tx, project.id)
        valid = [member.image_id for member in newest.part("valid")] if newest else []
        held_out = frozenset(image.name for image in images.find_many(tx, valid).values())  # As they are called now.
    if newest is None:
        return fresh_split(documents)
    return held_out, [Finding("split-of-cut", Severity.INFO, None, {"version": newest.id[:12]})]
