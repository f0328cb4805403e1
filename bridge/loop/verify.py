"""A VoTT v1 project against the darknet labels that VoTT once exported of it; no store is needed."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol, cast

from bridge.errors import RefusedError
from bridge.loop.convert import fresh_split, write
from bridge.model.dataset import Dataset
from bridge.model.finding import Finding
from bridge.model.verified import Verified
from bridge.plugin import ReadOptions, WriteOptions
from bridge.registry import Registry

_FORMAT = "vott-v1"


class Verifier(Protocol):
    """What the format offers beside reading and writing."""

    def verify(self, path: Path, labels: Path, options: ReadOptions) -> Verified:
        """Hold an export's labels against the project; raises what reading the project raises, NotFoundError."""


def verify_export(registry: Registry, path: Path, labels: Path, options: ReadOptions) -> Verified:
    """Which labels of an export are right, and which fault damaged the others; nothing is written.

    Raises RefusedError when nobody can say which picture a label of the project is for.
    """
    return cast(Verifier, registry.format(_FORMAT)).verify(path, labels, options)


def write_right(
    registry: Registry,
    path: Path,
    labels: Path,
    out: Path,
    verified: Verified,
    read: ReadOptions,
    options: WriteOptions,
) -> list[Finding]:
    """Write the project as a darknet folder of its own, with the pictures held out that the export held out.

    Raises RefusedError when that would be within the export.
    """
    if _within(out, labels):
        raise RefusedError("fix-into-labels", path=str(out), labels=str(labels))
    reading = registry.format(_FORMAT).read(path, read)
    documents = tuple(reading.documents)
    used = dict.fromkeys([*reading.labels, *(n for d in documents for r in d.regions or () for n in r.labels)])
    held_out, notes = (verified.held_out, []) if verified.held_out else fresh_split(documents)
    dataset = Dataset(reading.title or path.stem, tuple(used), documents, held_out, reading.colors, reading.extra)
    return notes + write(registry.format("yolo"), dataset, out, options, allow_loss=False)


def _within(out: Path, labels: Path) -> bool:
    inner, outer = out.resolve(), labels.resolve()
    return inner == outer or outer in inner.parents or inner in outer.parents
