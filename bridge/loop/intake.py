"""A tool's documents → pictures, labels and revisions in the store; what was there is never overwritten."""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout
from sqlalchemy import Connection

from bridge.collector import paused
from bridge.errors import ConflictError, NotFoundError, RefusedError
from bridge.loop import undecided
from bridge.loop.behind import Behind
from bridge.loop.claims import Claim, Marked
from bridge.loop.drafting import Drafting, Said, hash_of
from bridge.loop.flaws import flaws, lookalikes
from bridge.loop.keepsake import format_of
from bridge.loop.reading import recognise
from bridge.loop.sighting import Sighting, equal_bytes
from bridge.model.annotation import BOXED, Document, Image, Label, fold_name
from bridge.model.dataset import Reading
from bridge.model.finding import Finding, Severity
from bridge.model.project import Project, Source
from bridge.model.rectangles import Rectangles, labels_of
from bridge.plugin import Progress, ReadOptions, no_progress
from bridge.store import findings, images, projects, revisions
from bridge.store.database import make_folder
from bridge.store.images import Item
from bridge.workspace import Workspace

# A bulk writer gives way this often, so that a webhook is answered while an import runs.
_SLICE = 250
_FINDINGS = 500
# Formats whose own ids of pictures come from the pictures and not from their place in the file.
_LASTING_IDS = frozenset({"vott-v2"})
_PAUSE = 0.004


@dataclass(frozen=True, slots=True)
class IntakeOptions:
    """What the person said about the import."""

    format: str = "auto"
    read: ReadOptions = field(default_factory=ReadOptions)
    who: str = "local"


@dataclass(frozen=True, slots=True)
class Imported:
    """What an import found and did; revisions is how many pictures got new labels, boxes counts boxes in the file."""

    project: str
    order: str
    images: int
    boxes: int
    revisions: int
    findings: tuple[Finding, ...]

    @property
    def outcome(self) -> dict[str, Any]:
        """What a delivery remembers of it."""
        return {name: getattr(self, name) for name in ("project", "order", "images", "boxes", "revisions")}


def import_path(
    ws: Workspace, project: str, path: Path, options: IntakeOptions, progress: Progress = no_progress
) -> Imported:
    """Read a file or folder into a project (made if missing).

    Raises RefusedError when a person must decide: nothing was taken, and the import waits as a Delivery. Raises
    ConflictError import-running when another import into this project has not ended.
    """
    path = Path(os.path.normpath(path.absolute()))  # One place has one name, or all its pictures would come twice.
    with _alone(ws, project):
        return _import(ws, project, path, options, progress)


@contextmanager
def _alone(ws: Workspace, project: str) -> Iterator[None]:
    folder = ws.settings.data / "locks"
    make_folder(folder)
    mark = hashlib.sha256(project.encode("utf-8", "surrogatepass")).hexdigest()[:16]
    try:
        with FileLock(folder / f"import-{mark}.lock", timeout=1.0):
            yield
    except Timeout:
        raise ConflictError("import-running", project=project) from None


def _import(ws: Workspace, project: str, path: Path, options: IntakeOptions, progress: Progress) -> Imported:
    name = options.format if options.format != "auto" else recognise(ws.registry, path)
    try:
        reading = ws.registry.format(name).read(path, options.read)
    except RefusedError as refusal:
        with ws.db.write() as tx:
            number = undecided.keep_import(tx, project, path, name, options.read, refusal)
        refusal.fields["delivery"] = number
        raise
    with ws.db.write() as tx:
        found = _project(tx, project)
        source = projects.put_source(tx, found.id, f"{name}:{path}", "import", str(path))
    done = take(ws, found, source, reading, options.who, progress)
    with ws.db.write() as tx:
        undecided.settle(tx, undecided.import_key(tx, project, path, name), done.outcome, options.who)
    return done


def _project(tx: Connection, name: str) -> Project:
    try:
        return projects.find(tx, name)
    except NotFoundError:
        return projects.create(tx, name)


def take(
    ws: Workspace,
    project: Project,
    source: Source,
    reading: Reading,
    who: str,
    progress: Progress = no_progress,
    partial: bool = False,
) -> Imported:
    """Take what a tool holds now into the store, slice by slice; stopped in the middle, it can simply be run again.

    partial: only some of its pictures were read, so findings of the others stay.
    """
    with ws.db.write() as tx:
        options = {**source.options, "format": format_of(source), "title": reading.title, "extra": reading.extra}
        projects.set_options(tx, source.id, options)
        first = list(reading.findings) + _disagreement(tx, project, reading)
        labels = projects.add_labels(tx, project.id, reading.labels, reading.colors)
    with ws.db.read() as tx:
        items = images.items(tx, source.id)
        known = images.known_images(tx, project.id)
        marked = Marked.open(tx, source, labels)
        behind = Behind.of(tx, source.id)
    joins = source.kind != "import"
    lasting = joins or format_of(source) in _LASTING_IDS
    qualifier = Path(source.place).stem or "other"
    sighting = Sighting(known, items, joins, ws.settings.max_megapixels, first, lasting, qualifier)
    intake = _Intake(ws, project, source, who, sighting, marked, list(labels), reading.declared, behind)
    rest = iter(reading.documents)
    done = 0
    while part := _next(rest):
        with paused():
            intake.take_slice(part)
        done += len(part)
        progress(done, max(done, reading.total))
        time.sleep(_PAUSE)
    intake.finish(partial)
    told = (*sighting.findings, *intake.flaws)
    return Imported(project.id, reading.order, done, intake.boxes, intake.revisions, told)


def _next(documents: Iterator[Document]) -> list[Document]:
    with paused():
        return list(islice(documents, _SLICE))


def _disagreement(tx: Connection, project: Project, reading: Reading) -> list[Finding]:
    """A tool that lists the classes in another order than the project; the project's order stays."""
    ours = [name for name in projects.find(tx, project.id).label_names() if name in set(reading.labels)]
    theirs = [name for name in reading.labels if name in set(ours)]
    if not reading.declared or ours == theirs:
        return []
    fields = {"case": "order", "ours": ", ".join(ours), "theirs": ", ".join(theirs)}
    return [Finding("disagreement", Severity.WARNING, None, fields)]


@dataclass(slots=True)
class _Intake:
    """One running import; has_list tells whether the tool declares its labels."""

    ws: Workspace
    project: Project
    source: Source
    who: str
    sighting: Sighting
    marked: Marked
    labels: list[Label]
    has_list: bool
    behind: Behind
    declared: set[str] = field(default_factory=set)
    seen: set[int] = field(default_factory=set)
    flaws: list[Finding] = field(default_factory=list)
    boxes: int = 0
    revisions: int = 0

    def __post_init__(self) -> None:
        self.declared |= {label.alias or label.name for label in self.labels}

    def take_slice(self, documents: Sequence[Document]) -> None:
        """Look at the pictures first, without holding the store; then write all of it at once."""
        looked = self._look(documents)
        for document, image in zip(documents, looked, strict=True):
            self.flaws += flaws(self.ws.registry, document, image)
            self.sighting.findings += [*document.findings, *self._undeclared(document)]
            self.boxes += _boxes(document)
        with self.ws.db.write() as tx:
            self._learn_labels(tx, documents)
            images_ = self._put_images(tx, looked)
            self._put_revisions(tx, list(zip(images_, documents, strict=True)))

    def _look(self, documents: Sequence[Document]) -> list[Image]:
        """The pictures as they are now; what the reader has said of a file is not said again."""
        before = len(self.sighting.findings)
        looked = [self.sighting.look(document.image) for document in documents]
        told = {(f.rule, f.image) for document in documents for f in document.findings}
        fresh = self.sighting.findings[before:]
        self.sighting.findings[before:] = [f for f in fresh if (f.rule, f.image) not in told]
        return looked

    def _put_images(self, tx: Connection, looked: Sequence[Image]) -> list[Image]:
        """Every picture with its id; new ones go in, changed ones are brought up to date, renamed ones renamed."""
        images.rename(tx, self.sighting.renamed)
        self.sighting.renamed.clear()
        new = {fold_name(i.name): i for i in looked if i.id is None}
        ids = dict(zip(new, images.put(tx, self.project.id, list(new.values())), strict=True))
        images.change(tx, [i for i in looked if i.id is not None and self.sighting.changed(i)])
        found = [i if i.id is not None else replace(i, id=ids[fold_name(i.name)]) for i in looked]
        for image in found:
            self.sighting.remember(image)
        return found

    def _undeclared(self, document: Document) -> Iterator[Finding]:
        for name in dict.fromkeys(labels_of(document.regions or ())):
            if name not in self.declared and self.has_list:
                yield Finding(
                    "undeclared-label", Severity.WARNING, document.image.name, {"case": "import", "label": name}
                )

    def _learn_labels(self, tx: Connection, documents: Iterable[Document]) -> None:
        used = dict.fromkeys(name for document in documents for name in labels_of(document.regions or ()))
        known = {label.alias or label.name for label in self.labels}
        if any(name not in known for name in used):
            self.labels = list(projects.add_labels(tx, self.project.id, list(used), {}))

    def _put_revisions(self, tx: Connection, found: Sequence[tuple[Image, Document]]) -> None:
        drafting = Drafting(self.source, self.who, self.behind, self.labels, self.sighting.findings)
        said = self._said(tx, found)
        drafted = [drafting.draft(tx, one) for one in said]
        new = iter(revisions.put(tx, [draft for one in drafted for draft in one.drafts], self.labels))
        items: list[tuple[Item, Mapping[str, Any]]] = []
        for one, result in zip(said, drafted, strict=True):
            self.seen.add(one.image_id)
            self.revisions += bool(result.drafts)
            # The first draft is what the source itself said: the base of the next comparison.
            written: list[int | None] = [next(new) for _ in result.drafts]
            held, left = (written or [result.held])[0], self._open(one.document, one.claim)
            item = Item(one.image_id, one.image.item, one.shown, held, open=left)
            # What a tool says of a picture without labels (it was looked at, say) is kept nowhere else.
            if item != one.item or not item.content_hash:
                items.append((item, one.document.extra))
            self.sighting.items[item.image_id] = item
        images.put_items(tx, self.source.id, items)
        self.marked.keep(tx, {one.image_id: one.document for one in said})

    def _said(self, tx: Connection, found: Sequence[tuple[Image, Document]]) -> list[Said]:
        heads = revisions.head_hashes(tx, [_id(image) for image, _ in found])
        documents = self.marked.restore(tx, {_id(image): document for image, document in found}, heads)
        known = {i: self.sighting.items.get(i) for i in documents}
        held = {i: item.revision_id for i, item in known.items() if item}
        # Pictures on which a person has accepted boxes that are marked as the model's in the tool.
        claims = self.marked.claims(tx, documents, heads, held)
        shown = {_id(i): _hash(i, d) for i, d in found}
        return [
            Said(i, image, now, digest, heads.get(i, []), known[i], claims.get(i), shown[i])
            for (image, document), (i, now) in zip(found, documents.items(), strict=True)
            for digest in [shown[i] if now is document else _hash(image, now)]
        ]

    def _open(self, document: Document, claim: Claim | None) -> int:
        """How many of a model's boxes stand among a person's and wait to be judged."""
        left = claim.left if claim else document.predictions
        return len(left) if document.regions and self.marked.among else 0

    def finish(self, partial: bool = False) -> None:
        """Say which pictures the tool no longer has, and keep the findings."""
        known = self.sighting.known
        names = {image.id: image.name for image in known.values()}
        for item in self.sighting.items.values():
            if item.image_id not in self.seen and not item.gone and self.source.kind == "import":
                name = names.get(item.image_id)
                self.sighting.findings.append(Finding("lost", Severity.WARNING, name, {"case": "picture"}))
        self.sighting.findings += equal_bytes(known.values())
        self.sighting.findings += lookalikes(label.name for label in self.labels if label.alias is None)
        ids = {folded: image.id for folded, image in known.items() if image.id is not None}
        origin, found = f"import:{self.source.id}", self.sighting.findings
        with self.ws.db.write() as tx:
            only = self.seen if partial else None
            findings.replace(tx, self.project.id, origin, found[:_FINDINGS], ids, only)
        for start in range(_FINDINGS, len(found), _FINDINGS):
            time.sleep(_PAUSE)
            with self.ws.db.write() as tx:
                findings.add(tx, self.project.id, origin, found[start : start + _FINDINGS], ids, only)


def _hash(image: Image, document: Document) -> str | None:
    return None if document.regions is None else hash_of(image, document.regions)


def _id(image: Image) -> int:
    assert image.id is not None
    return image.id


def _boxes(document: Document) -> int:
    regions = document.regions or ()
    return len(regions) if isinstance(regions, Rectangles) else sum(region.kind in BOXED for region in regions)
