"""Project → a file or folder of another format; what it cannot hold is told before anything is written."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from bridge.errors import RefusedError
from bridge.loop.cut import boxed_labels
from bridge.loop.intake import recognise
from bridge.loop.keepsake import unwrap
from bridge.loop.split import Candidate, choose
from bridge.model.annotation import Document
from bridge.model.dataset import Dataset
from bridge.model.finding import Finding, Severity
from bridge.model.project import Project
from bridge.plugin import Format, ReadOptions, WriteOptions
from bridge.registry import Registry
from bridge.store import datasets, images, projects, revisions
from bridge.workspace import Workspace

FRACTION, SEED = 0.9, 0


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
    return notes + _write(writer, dataset, out, options, allow_loss)


def export_path(
    registry: Registry,
    path: Path,
    format_name: str,
    out: Path,
    read: ReadOptions,
    options: WriteOptions,
    allow_loss: bool = False,
) -> list[Finding]:
    """Turn a bare file or folder into another format, without a store."""
    source = recognise(registry, path)
    reading = registry.format(source).read(path, read)
    documents = list(reading.documents)
    notes = [*reading.findings, *(f for d in documents for f in d.findings)]
    used = dict.fromkeys([*reading.labels, *(n for d in documents for r in d.regions or () for n in r.labels)])
    held_out = frozenset(d.image.name for d in documents if d.held_out)
    if format_name == "yolo" and not held_out:
        held_out, said = _fresh_split(documents)
        notes += said
    if source != format_name:
        documents = [unwrap(d, format_name) for d in documents]
    dataset = Dataset(reading.title or path.stem, tuple(used), documents, held_out, reading.colors, reading.extra)
    return notes + _write(registry.format(format_name), dataset, out, options, allow_loss)


def _write(writer: Format, dataset: Dataset, out: Path, options: WriteOptions, allow_loss: bool) -> list[Finding]:
    losses = writer.losses(dataset)
    real = [f for f in losses if f.severity is not Severity.INFO]
    if real and not allow_loss:
        raise RefusedError("export-loses", format=writer.name, losses=len(real), findings=real)
    return [*losses, *writer.write(dataset, out, options)]


def _project_split(ws: Workspace, project: Project, documents: _Documents) -> tuple[frozenset[str], list[Finding]]:
    """The newest cut's split, else a fresh one, said in a finding."""
    with ws.db.read() as tx:
        newest = datasets.newest(tx, project.id)
    if newest is None:
        return _fresh_split(documents)
    fields = {"version": newest.id[:12]}
    return frozenset(m.name for m in newest.part("valid")), [Finding("split-of-cut", Severity.INFO, None, fields)]


def _fresh_split(documents: Any) -> tuple[frozenset[str], list[Finding]]:
    candidates = [Candidate((d.image.name,), boxed_labels(d)) for d in documents if d.regions is not None]
    held_out = frozenset(choose(candidates, FRACTION, SEED))
    return held_out, [Finding("split-made", Severity.INFO, None, {"fraction": FRACTION, "seed": SEED})]
