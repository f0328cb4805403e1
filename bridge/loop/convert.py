"""A bare file or folder → another format; no store is needed."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from itertools import chain
from pathlib import Path

from bridge.errors import RefusedError
from bridge.loop.keepsake import unwrap
from bridge.loop.reading import read_path
from bridge.loop.split import Candidate, boxed_labels, choose
from bridge.model.annotation import Document
from bridge.model.dataset import Dataset
from bridge.model.finding import Finding, Severity
from bridge.model.rectangles import labels_of
from bridge.plugin import Format, ReadOptions, WriteOptions
from bridge.registry import Registry

FRACTION, SEED = 0.9, 0


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
    bare = read_path(registry, path, read, format_name)
    documents, reading, notes = bare.documents, bare.reading, list(bare.findings)
    used = dict.fromkeys(chain(reading.labels, *(labels_of(d.regions or ()) for d in documents)))
    held_out = frozenset(d.image.name for d in documents if d.held_out)
    if format_name == "yolo" and not held_out:
        held_out, said = fresh_split(documents)
        notes += said
    if bare.format != format_name:
        documents = tuple(unwrap(d, format_name) for d in documents)
    dataset = Dataset(reading.title or path.stem, tuple(used), documents, held_out, reading.colors, reading.extra)
    return notes + write(registry.format(format_name), dataset, out, options, allow_loss)


def write(writer: Format, dataset: Dataset, out: Path, options: WriteOptions, allow_loss: bool) -> list[Finding]:
    """Write a dataset; raises RefusedError export-loses when the format cannot hold all and that is not allowed.

    What a person made in a file that is there, and the dataset does not know, is refused as well: export-overwrites.
    """
    losses = writer.losses(dataset)
    real = [f for f in losses if f.severity is not Severity.INFO]
    if real and not allow_loss:
        raise RefusedError("export-loses", format=writer.name, losses=len(real), findings=real)
    told = {(f.rule, f.image) for f in losses}
    options = replace(options, allow_loss=allow_loss)
    return [*losses, *(f for f in writer.write(dataset, out, options) if (f.rule, f.image) not in told)]


def fresh_split(documents: Iterable[Document]) -> tuple[frozenset[str], list[Finding]]:
    """Names to hold out where nothing was cut yet, and the finding that says so."""
    candidates = [Candidate((d.image.name,), boxed_labels(d)) for d in documents if d.regions is not None]
    held_out = frozenset(choose(candidates, FRACTION, SEED))
    return held_out, [Finding("split-made", Severity.INFO, None, {"fraction": FRACTION, "seed": SEED})]
