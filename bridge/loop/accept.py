"""A model's boxes that a person has looked at in VoTT become his: shown first, and taken back by one undo.

In Label Studio nothing of this is needed: what an annotator submits is his.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import Connection

from bridge.errors import ConflictError, InputError
from bridge.loop.claims import accepted
from bridge.loop.keepsake import format_of, wrap
from bridge.model.annotation import Document, Image, Region, Revision, content_hash
from bridge.model.finding import Finding, Severity
from bridge.model.project import Project
from bridge.store import images, offers, projects, revisions, standing, tokens
from bridge.store.database import now
from bridge.store.revisions import Draft
from bridge.store.standing import Standing
from bridge.workspace import Workspace

SOURCE = "accept"
# A bulk writer gives way this often, so that a webhook is answered meanwhile.
_SLICE = 250
_PAUSE = 0.004


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture with boxes of a model that nobody has accepted; looked: a person has seen it in the tool since."""

    image: Image
    regions: tuple[Region, ...]
    looked: bool
    heads: tuple[int, ...]
    sources: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Row:
    """How many boxes of one class by one checkpoint, on how many pictures."""

    label: str
    checkpoint: str
    boxes: int
    pictures: int


@dataclass(frozen=True, slots=True)
class Preview:
    """What accepting would take; unseen counts pictures with a model's boxes that nobody has looked at."""

    pictures: tuple[Picture, ...]
    rows: tuple[Row, ...]
    unseen: int
    findings: tuple[Finding, ...]

    @property
    def boxes(self) -> int:
        """How many boxes there are."""
        return sum(len(picture.regions) for picture in self.pictures)

    @property
    def digest(self) -> str:
        """What stands for exactly these boxes on exactly these labels."""
        told = [(p.image.id, p.heads, [(r.region_id, r.points, r.labels) for r in p.regions]) for p in self.pictures]
        return hashlib.sha256(repr(told).encode("utf-8", "surrogatepass")).hexdigest()[:16]


@dataclass(frozen=True, slots=True)
class Accepted:
    """What became a person's."""

    pictures: int
    boxes: int


def preview(ws: Workspace, project: str, names: Sequence[str] = ()) -> Preview:
    """What accept would take: of these pictures, else of all that a person has looked at.

    Raises NotFoundError image-missing, InputError accept-nothing-there for a named picture without a model's boxes.
    """
    with ws.db.read() as tx:
        found = projects.find(tx, project)
        wanted = [images.find(tx, found.id, name) for name in names]
        every = _pictures(tx, found, [i.id for i in wanted if i.id is not None] if names else None)
    there = {picture.image.id for picture in every}
    for image in wanted:
        if image.id not in there:
            raise InputError("accept-nothing-there", image=image.name)
    chosen = every if names else [picture for picture in every if picture.looked]
    free = tuple(picture for picture in chosen if len(picture.heads) < 2)
    torn = [p.image.name for p in chosen if len(p.heads) > 1]
    notes = tuple(Finding("conflict", Severity.WARNING, name, {"case": "accept"}) for name in torn)
    rows = _rows(free, {label.alias or label.name: label.name for label in found.labels})
    return Preview(free, rows, sum(not picture.looked for picture in every), notes)


def _rows(pictures: Iterable[Picture], names: Mapping[str, str]) -> tuple[Row, ...]:
    """The boxes by class and checkpoint; a label that was renamed counts to the class that it is read as."""
    found: dict[tuple[str, str], list[int]] = {}
    for picture in pictures:
        for region in picture.regions:
            labels = ", ".join(dict.fromkeys(names.get(name, name) for name in region.labels))
            key = (labels, str(region.extra["accepted"]["checkpoint"]))
            found.setdefault(key, []).append(picture.image.id or 0)
    return tuple(Row(*key, len(ids), len(set(ids))) for key, ids in sorted(found.items()))


def accept(
    ws: Workspace, project: str, names: Sequence[str] = (), shown: str | None = None, who: str = "local"
) -> Accepted:
    """Make the boxes a person's, as one change that one undo takes back.

    shown is the digest of the preview that he has seen. Raises ConflictError accept-changed when it is another one
    now, accept-nothing when there is nothing to accept; else as preview does.
    """
    found = preview(ws, project, names)
    if shown is not None and found.digest != shown:
        raise ConflictError("accept-changed", project=project)
    if not found.pictures:
        raise ConflictError("accept-nothing", project=project, unseen=found.unseen)
    batch = now()
    done = Accepted(0, 0)
    for start in range(0, len(found.pictures), _SLICE):
        part = _take(ws, project, found.pictures[start : start + _SLICE], batch, who)
        done = Accepted(done.pictures + part.pictures, done.boxes + part.boxes)
        time.sleep(_PAUSE)
    return done


# ---------------------------------------------------------------- what there is


def _pictures(tx: Connection, project: Project, ids: Collection[int] | None = None) -> list[Picture]:
    """Pictures with boxes of a model that nobody has accepted, in the order they came in."""
    by_image: dict[int, list[Standing]] = {}
    for one in standing.of_project(tx, project.id, ids):
        by_image.setdefault(one.image_id, []).append(one)
    known = images.find_many(tx, list(by_image))
    heads = revisions.head_hashes(tx, list(by_image))
    stored = revisions.find_many(tx, [r for found in heads.values() for r, _ in found], project.labels)
    made = (_picture(known[i], found, [stored[r] for r, _ in heads.get(i, [])]) for i, found in by_image.items())
    return [picture for picture in made if picture is not None]


def _picture(image: Image, found: Sequence[Standing], heads: Sequence[Revision]) -> Picture | None:
    """What is left to accept on a picture, where somebody has looked: one box of two tools once. None: nothing."""
    held = {region.region_id for head in heads for region in head.regions}
    left: dict[str | None, Region] = {}
    sources = []
    for one in [one for one in found if one.looked] or found:
        fresh = [own for own in map(accepted, one.regions) if own.region_id not in held]
        sources += [one.source_id] if fresh else []
        left |= {own.region_id: own for own in fresh}
    if not left:
        return None
    looked = any(one.looked for one in found if one.source_id in sources)
    return Picture(image, tuple(left.values()), looked, tuple(head.id for head in heads), tuple(sources))


# ---------------------------------------------------------------- taking


def _take(ws: Workspace, project: str, shown: Sequence[Picture], batch: str, who: str) -> Accepted:
    """One slice; a picture that has changed since it was looked up is left for the next time."""
    ids = [picture.image.id for picture in shown if picture.image.id is not None]
    with ws.db.write() as tx:
        found = projects.find(tx, project)
        now_there = {picture.image.id: picture for picture in _pictures(tx, found, ids)}
        same = [picture for picture in shown if now_there.get(picture.image.id) == picture]
        labels = projects.add_labels(tx, found.id, _labels(same), {})
        drafts = _drafts(tx, replace(found, labels=tuple(labels)), same, who)
        revisions.put(tx, drafts, labels)
        taken = [draft.image_id for draft in drafts]
        standing.close(tx, taken)
        offers.see(tx, taken)
        done = Accepted(len(drafts), sum(len(picture.regions) for picture in same))
        if drafts:
            tokens.record(tx, who, SOURCE, found.id, {"pictures": done.pictures, "boxes": done.boxes, "batch": batch})
    return done


def _labels(pictures: Iterable[Picture]) -> list[str]:
    return list(dict.fromkeys(name for p in pictures for region in p.regions for name in region.labels))


def _drafts(tx: Connection, project: Project, pictures: Sequence[Picture], who: str) -> list[Draft]:
    stored = revisions.find_many(tx, [head for p in pictures for head in p.heads], project.labels)
    beside = _beside(tx, project, [p for p in pictures if not p.heads])
    drafts = []
    for p in pictures:
        assert p.image.id is not None
        head = stored[p.heads[0]] if p.heads else None
        regions = (*(head.regions if head else ()), *p.regions)
        digest = content_hash(p.image.name, p.image.width, p.image.height, regions)
        extra = head.extra if head else beside.get(p.image.id, {})
        drafts.append(Draft(p.image.id, regions, digest, who, SOURCE, p.heads, extra=extra))
    return drafts


def _beside(tx: Connection, project: Project, pictures: Sequence[Picture]) -> Mapping[int, dict[str, Any]]:
    """What the tool keeps beside pictures without labels, for the way back there."""
    found: dict[int, dict[str, Any]] = {}
    for source in projects.sources(tx, project.id):
        of_source = {p.image.id: p.image for p in pictures if source.id in p.sources and p.image.id is not None}
        for image_id, extra in standing.extras(tx, source.id, list(of_source)).items():
            found[image_id] = wrap(format_of(source), Document(of_source[image_id], extra=extra))
    return found
