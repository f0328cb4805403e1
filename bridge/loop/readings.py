"""A refused import read in each order that it may have, taking nothing: what a person compares before he chooses."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import msgspec

from bridge.errors import RefusedError
from bridge.loop.reading import recognise
from bridge.loop.undecided import chosen, read_options
from bridge.model.annotation import Document, Image, Label, Region
from bridge.model.dataset import Reading
from bridge.model.delivery import Delivery
from bridge.model.evidence import Disputed, Evidence, evidence_of
from bridge.plugin import Format, ReadOptions
from bridge.workspace import Workspace

# A comparison holds the boxes of all pictures in dispute; people decide one import at a time.
_KEPT = 3


@dataclass(frozen=True, slots=True)
class Meant:
    """A picture that a position may mean: by which candidates, with the boxes that it would get."""

    keys: tuple[str, ...]
    image: Image
    regions: tuple[Region, ...] = ()
    fits: bool | None = None


@dataclass(frozen=True, slots=True)
class Position:
    """One position in dispute, with a picture for each way to read it."""

    number: int
    labels: tuple[str, ...]
    meant: tuple[Meant, ...]


@dataclass(frozen=True, slots=True)
class Comparison:
    """What is refused now and why; refusal is None when nothing stands in the way any more, order is how it reads then.

    stamps tell how the files and folders looked that it was made from.
    """

    refusal: RefusedError | None
    evidence: Evidence | None
    positions: tuple[Position, ...] = ()
    labels: tuple[Label, ...] = ()
    stamps: dict[Path, int] = field(default_factory=dict)
    order: str = ""

    def find(self, number: int, key: str) -> Image | None:
        """The picture that a position means to a candidate."""
        meant = (m for p in self.positions if p.number == number for m in p.meant if key in m.keys)
        return next((m.image for m in meant), None)

    def fresh(self) -> bool:
        """Whether its files and folders still look the same."""
        return bool(self.stamps) and self.stamps == _stamps(self.stamps)


def compare(ws: Workspace, waiting: Delivery) -> Comparison:
    """Read it again as it was asked for, and in each order that the refusal speaks of; raises what the reading raises.

    The evidence is that of now: files may have come or gone since the import was refused.
    """
    path = Path(waiting.body["path"])
    options = replace(read_options(waiting.body), extras=False)
    name = str(waiting.body["format"])
    reader = ws.registry.format(recognise(ws.registry, path) if name == "auto" else name)
    try:
        order = reader.read(path, options).order
    except RefusedError as refusal:
        evidence = evidence_of(refusal.fields)
        if evidence is None:
            return Comparison(refusal, None, stamps=_stamps([path]))
        return _compared(refusal, evidence, _readings(reader, path, options, evidence), path)
    # Whether it is still so is looked at each time: the files in question are not known any more.
    return Comparison(None, None, order=order)


def _readings(
    reader: Format, path: Path, options: ReadOptions, evidence: Evidence
) -> tuple[dict[str, dict[str, Document]], Reading | None]:
    """By candidate the documents of its pictures in dispute, and one of the readings; those that refuse have none."""
    found: dict[str, dict[str, Document]] = {}
    last: Reading | None = None
    for candidate in evidence.candidates:
        names = {p.names[candidate.key] for p in evidence.pictures if candidate.key in p.names}
        try:
            last = reader.read(path, chosen(options, candidate.order, candidate.without_newer))
        except RefusedError:  # Files are missing: then no order can be read at all.
            continue
        found[candidate.key] = _named(last.documents, names)
    return found, last


def _named(documents: Iterable[Document], names: set[str]) -> dict[str, Document]:
    """The documents of these pictures; no more of them are read than that takes."""
    found: dict[str, Document] = {}
    for document in documents:
        if len(found) == len(names):
            break
        if document.image.name in names:
            found[document.image.name] = document
    return found


def _compared(
    refusal: RefusedError,
    evidence: Evidence,
    readings: tuple[dict[str, dict[str, Document]], Reading | None],
    path: Path,
) -> Comparison:
    by_candidate, last = readings
    positions = tuple(
        Position(p.position, p.labels, tuple(_meant(p, name, keys, by_candidate) for name, keys in p.readings()))
        for p in evidence.pictures
    )
    files = (m.image.file for p in positions for m in p.meant)
    folders = {Path(file.path).parent for file in files if file is not None}
    names = last.labels if last else tuple(dict.fromkeys(n for p in evidence.pictures for n in p.labels))
    colors = last.colors if last else {}
    labels = tuple(Label(number, name, colors.get(name)) for number, name in enumerate(names))
    return Comparison(refusal, evidence, positions, labels, _stamps([path, *folders]))


def _meant(
    disputed: Disputed, name: str, keys: tuple[str, ...], readings: Mapping[str, Mapping[str, Document]]
) -> Meant:
    document = next((found for key in keys if (found := readings.get(key, {}).get(name))), None)
    fits = disputed.fits.get(keys[0])
    if document is None:
        return Meant(keys, Image(name), fits=fits)
    regions = tuple(replace(region, extra={}) for region in document.regions or ())
    return Meant(keys, document.image, regions, fits)


def _stamps(paths: Iterable[Path]) -> dict[Path, int]:
    """When each file or folder was last changed; 0 for one that is not there."""
    return {path: path.stat().st_mtime_ns if path.exists() else 0 for path in paths}


@dataclass(slots=True)
class _Slot:
    lock: threading.Lock = field(default_factory=threading.Lock)
    comparison: Comparison | None = None


class Comparisons:
    """The last comparisons, each made once however many pictures of it are asked for at the same time."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._slots: dict[tuple[str, int, str], _Slot] = {}

    def of(self, ws: Workspace, waiting: Delivery) -> Comparison:
        """The comparison of a delivery as its files are now; raises what compare raises."""
        with self._slot(ws, waiting) as slot:
            if slot.comparison is None or not slot.comparison.fresh():
                slot.comparison = compare(ws, waiting)
            return slot.comparison

    @contextmanager
    def _slot(self, ws: Workspace, waiting: Delivery) -> Iterator[_Slot]:
        said = hashlib.sha256(msgspec.json.encode(waiting.body)).hexdigest()
        key = (str(ws.settings.data), waiting.id, said)
        with self._lock:
            slot = self._slots[key] = self._slots.pop(key, _Slot())
            while len(self._slots) > _KEPT:
                del self._slots[next(iter(self._slots))]
        with slot.lock:
            yield slot
