"""Project + settled labels → a frozen DatasetVersion."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from pathlib import Path

from bridge.errors import InputError
from bridge.listeners import tell
from bridge.loop.siblings import Past, candidates, copies, what_came_of
from bridge.loop.split import boxed_labels, choose
from bridge.model.annotation import BOXED, State, content_hash, fold_name
from bridge.model.dataset import DatasetVersion, Member, Part, version_hash
from bridge.model.finding import Finding, Severity
from bridge.plugin import Progress, no_progress
from bridge.store import datasets, findings, images, projects, revisions, tokens
from bridge.store.database import now
from bridge.store.learned import StoredNotes
from bridge.store.revisions import Current
from bridge.twins.album import families_of
from bridge.workspace import Workspace


@dataclass(frozen=True, slots=True)
class CutOptions:
    """fraction trains, the rest is held out; held_out names what a person wants held out (None: our choice)."""

    fraction: float = 0.9
    seed: int = 0
    held_out: frozenset[str] | None = None
    keep_pictures: bool = False
    who: str = "local"


@dataclass(frozen=True, slots=True)
class Cut:
    """A dataset version, whether it is new, and what was left out and why."""

    version: DatasetVersion
    new: bool
    findings: tuple[Finding, ...]


def cut(ws: Workspace, project: str, options: CutOptions, progress: Progress = no_progress) -> Cut:
    """Freeze the present labels; equal labels and split give the version that is there already.

    Raises InputError cut-empty when no picture can be trained on.
    """
    with ws.db.read() as tx:
        found = projects.find(tx, project)
        unreadable = {f.image for f in findings.listing(tx, found.id, rule="unreadable")}
        half = images.half_judged(tx, found.id)
        present = list(revisions.current(tx, found.id, found.labels))
        held_before = datasets.held_out(tx, found.id)
        trained_before = datasets.trained(tx, found.id)
    usable, left_out = _sort_out(present, unreadable, half)
    usable, unlike = _agreeing(usable)
    left_out += unlike
    if not usable:
        raise InputError("cut-empty", project=found.name, pictures=len(present))
    wanted = frozenset(map(fold_name, options.held_out)) if options.held_out is not None else None
    past, notes = Past(held_before, trained_before, wanted), StoredNotes(ws.db, found.id)
    alike = families_of([c.document.image for c in usable], notes, ws.settings.max_megapixels, progress)
    held = choose(candidates(usable, alike, past), options.fraction, options.seed)
    left_out += what_came_of(usable, alike, past, held)
    members = tuple(_member(c, "valid" if c.document.image.name in held else "train") for c in usable)
    labels = found.label_names()
    digest, ids = version_hash(found.id, labels, members), tuple(label.id for label in found.classes)
    version = DatasetVersion(digest, found.id, labels, members, options.seed, options.fraction, now(), ids)
    left_out += _parts(version)
    if options.keep_pictures:
        _keep_pictures(ws, usable, progress)
    with ws.db.write() as tx:
        new = datasets.put(tx, version)
        if new:
            tokens.record(tx, options.who, "cut", found.id, {"version": version.id, "pictures": len(members)})
    if new:
        tell(ws.registry, "dataset_cut", project=found.id, version=version.id)
    return Cut(version, new, tuple(left_out))


def _sort_out(
    present: Iterable[Current], unreadable: Collection[str | None], half: Collection[int]
) -> tuple[list[Current], list[Finding]]:
    """Pictures fit for training, and a finding for each that is not."""
    usable: list[Current] = []
    left_out: list[Finding] = []
    unknown = 0
    for current in present:
        document = current.document
        reason = _unfit(current, unreadable, half)
        if reason is not None:
            left_out.append(Finding(reason, Severity.WARNING, document.image.name, {"case": "cut"}))
        elif document.state is State.UNKNOWN:
            unknown += 1
        else:
            usable.append(current)
    if unknown:
        left_out.append(Finding("unreviewed", Severity.INFO, None, {"case": "cut", "unknown": unknown}))
    return usable, left_out


def _unfit(current: Current, unreadable: Collection[str | None], half: Collection[int]) -> str | None:
    document = current.document
    if current.heads > 1:
        return "conflict"
    if document.state is State.UNKNOWN:
        return None
    if any(region.kind in BOXED and not region.labels for region in document.regions or ()):
        return "untagged"  # The object that nobody has named yet would be trained as background.
    if document.image.id in half:  # What is on it besides his own boxes would be trained as background.
        return "half-judged"
    if document.image.name in unreadable:
        return "unreadable"
    if document.image.sha256 is None:
        return "missing-image"
    # A picture of which only points or damaged regions are known is no negative.
    return None if document.state is State.REVIEWED_EMPTY or boxed_labels(document) else "no-box"


def _agreeing(usable: Iterable[Current]) -> tuple[list[Current], list[Finding]]:
    """Copies of one picture that carry unlike labels contradict each other: all of them are left out."""
    kept: list[Current] = []
    unlike: list[Finding] = []
    for group in copies(usable).values():
        first = group[0].document
        contents = {content_hash("", 0, 0, c.document.regions or ()) for c in group}
        if len(contents) == 1:
            kept += group
        for current in group if len(contents) > 1 else ():
            name = current.document.image.name
            other = first.image.name if name != first.image.name else group[1].document.image.name
            unlike.append(Finding("conflict", Severity.WARNING, name, {"case": "copies", "other": other}))
    return sorted(kept, key=lambda c: c.document.image.id or 0), unlike


def _member(current: Current, part: Part) -> Member:
    image = current.document.image
    assert image.id is not None
    assert image.sha256 is not None
    assert current.revision_id is not None
    assert current.content_hash is not None
    return Member(
        image.id,
        image.name,
        image.sha256,
        current.revision_id,
        current.content_hash,
        part,
        image.width,
        image.height,
        image.orientation,
    )


def _parts(version: DatasetVersion) -> list[Finding]:
    empty = [part for part in ("train", "valid") if not any(m.part == part for m in version.members)]
    return [Finding("part-empty", Severity.WARNING, None, {"part": part}) for part in empty]


def _keep_pictures(ws: Workspace, usable: list[Current], progress: Progress) -> None:
    """Copy the bytes into the blob folder, so that the version can be trained on when the originals are gone."""
    for number, current in enumerate(usable, 1):
        image = current.document.image
        if image.sha256 is not None and image.file is not None and not ws.blobs.has(image.sha256):
            ws.blobs.put_file(Path(image.file.path), image.sha256)
        progress(number, len(usable))
