"""Labels that people have given elsewhere → the files of a shared tool: the pictures that differ, and nothing else.

A picture is only written while the files say of it what the store last read there; else they are read and merged
first. What a tool cannot hold as it is leaves the picture alone. Every round is a Delivery, kept before anything is
written: one that broke off is found, and done again it does no harm.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from sqlalchemy import Connection

from bridge.errors import BridgeError, ConflictError
from bridge.loop import reconcile
from bridge.loop.claims import restored
from bridge.loop.folder import Wait, is_damage
from bridge.loop.rendition import content_of, relabelled, rendition
from bridge.loop.tool import reach_folder
from bridge.loop.wishes import Wish, wishes_of, with_damaged
from bridge.model.annotation import Document, Region
from bridge.model.delivery import DeliveryState
from bridge.model.finding import Finding, Severity
from bridge.model.project import Project, Source
from bridge.model.rectangles import labels_of
from bridge.plugin import Holding, ToolFolder
from bridge.store import deliveries, images, overwritten, projects, standing, tokens
from bridge.store.images import Item
from bridge.store.overwritten import Overwritten
from bridge.store.standing import Standing
from bridge.workspace import Workspace

KIND = "write-back"
# Somebody may edit while we write: what has moved on is read, merged and written once more, so often.
_ROUNDS = 3


@dataclass(frozen=True, slots=True)
class WrittenBack:
    """How many pictures were written, what a person should know of it, and whether somebody was writing there."""

    pictures: int = 0
    findings: tuple[Finding, ...] = ()
    unsettled: bool = False


@dataclass(frozen=True, slots=True)
class Taken:
    """One picture to write: what the files say of it, and what they are to say."""

    wish: Wish
    there: Document
    made: Document


@dataclass(slots=True)
class _Round:
    """One look at the files with what shall be there: pictures to write, and what stays as it is and why.

    former are the present names of labels by the names they had.
    """

    holding: Holding
    wishes: Mapping[str, Wish]
    former: Mapping[str, str]
    taken: dict[str, Taken] = field(default_factory=dict)
    moved: bool = False
    findings: list[Finding] = field(default_factory=list)
    left: list[Document] = field(default_factory=list)

    def renamed(self) -> dict[str, str]:
        """What the tool may call otherwise in its list: names that no region there has any more."""
        rest = [*self.left, *(replace(one.made, regions=()) for one in self.taken.values())]
        used = {label for d in rest for label in (*labels_of(d.regions or ()), *labels_of(d.predictions))}
        listed = set(self.holding.labels)
        return {old: new for old, new in self.former.items() if old in listed and old not in used}


def write_back(ws: Workspace, project: Project, source: Source, wait: Wait | None = None) -> WrittenBack:
    """Bring the files of a source, which is held, up to what the store says; raises what the tool raises."""
    tool, pictures = reach_folder(ws, source), 0
    told: list[Finding] = []
    for _ in range(_ROUNDS):
        pulled = reconcile.catch_up(ws, project, source, wait=wait)
        if any(f.rule == "unsettled" for f in pulled.findings):
            return WrittenBack(pictures, pulled.findings, unsettled=True)
        with ws.db.read() as tx:
            project, source = projects.find(tx, project.id), projects.find_source(tx, project.id, source.name)
            wishes, given_up = wishes_of(tx, project, source)
            due = _pending(tx, source)
        told = list(given_up)
        if not due and not any(w.is_due for w in wishes.values()) and not _is_odd(project, source):
            break
        written, now = _round(ws, project, source, tool, wishes)
        pictures += written
        told += now.findings
        if not now.moved:
            break
    return WrittenBack(pictures, tuple(told))


def _pending(tx: Connection, source: Source) -> list[int]:
    """Rounds that broke off."""
    return [d.id for d in deliveries.pending(tx, KIND, source.project) if d.body["source"] == source.id]


def _is_odd(project: Project, source: Source) -> bool:
    """Whether the tool lists labels under former names, lacks some that its regions carry, or has damaged files."""
    former = {label.alias for label in project.labels if label.alias is not None}
    options = source.options
    damaged = options.get("patience", {}).get("damaged")
    return bool(former & set(options.get("labels", ())) or options.get("undeclared") or damaged)


# ---------------------------------------------------------------- one round


def _round(
    ws: Workspace, project: Project, source: Source, tool: ToolFolder, wishes: Mapping[str, Wish]
) -> tuple[int, _Round]:
    held = tool.hold()
    former = {label.alias: label.name for label in project.labels if label.alias is not None}
    now = _Round(_complete(held), with_damaged(ws, project, held, wishes), former)
    if not held.by_name:
        now.findings.append(Finding("written-by-position", Severity.WARNING, None, {"source": source.name}))
        return 0, now
    for document in held.documents:
        _sort(now, document)
    _leave_losses(now, tool)
    renamed = now.renamed()
    if not now.taken and not renamed and now.holding.labels == held.labels:
        _remember(ws, source, None, now, ())
        return 0, now
    number = _keep(ws, source, now)
    try:
        notes = tool.write(now.holding, [one.made for one in now.taken.values()], renamed)
    except ConflictError:
        now.moved = True
        return 0, now
    except BridgeError as error:
        with ws.db.write() as tx:
            deliveries.settle(tx, number, DeliveryState.DEAD, {"error": error.rule})
        raise
    late = {note.image for note in notes if note.rule == "moved-on"}
    now.moved = now.moved or bool(late)
    done = [one for name, one in now.taken.items() if name not in late]
    now.findings += [note for note in notes if note.rule in ("replaced", "moved-on")]
    _remember(ws, source, number, now, done)
    return len(done), now


def _complete(holding: Holding) -> Holding:
    """With the labels that regions carry and the tool does not list: VoTT may have forgotten them."""
    used = (label for document in holding.documents for label in labels_of(document.regions or ()))
    return replace(holding, labels=tuple(dict.fromkeys((*holding.labels, *used))))


def _sort(now: _Round, document: Document) -> None:
    """Take a picture to write, or leave it as it is."""
    wish = now.wishes.get(document.image.item or document.image.name)
    made = _made(now, wish, document)
    if wish is None or made is None:
        now.left.append(document)
        return
    there = content_of(wish.image, document.regions)
    same = there == content_of(wish.image, made.regions) and made.predictions == document.predictions
    damaged = any(map(is_damage, document.findings))
    if same and not damaged:
        now.left.append(document)
    elif there == wish.item.content_hash or damaged or wish.doubted:
        now.taken[document.image.name] = Taken(wish, document, made)
    else:  # The files say something that the store has not read yet.
        now.moved = True
        now.left.append(document)


def _made(now: _Round, wish: Wish | None, document: Document) -> Document | None:
    """What the picture shall be in the tool; None where nothing is known of it. What is the model's is marked so."""
    regions = _target(now, wish, document)
    kept = {region.region_id for region in regions or ()}
    marked = restored(document, wish.marked, kept) if wish is not None and wish.marked else document
    if regions is not None:
        return rendition(marked, regions)
    return marked if marked is not document else None


def _target(now: _Round, wish: Wish | None, document: Document) -> tuple[Region, ...] | None:
    """What the picture shall hold: the present labels, or what it holds under the names that labels have now."""
    if wish is None or wish.regions is not None:
        return wish.regions if wish else None
    regions = document.regions or ()
    return relabelled(regions, now.former) if any(label in now.former for label in labels_of(regions)) else None


def _leave_losses(now: _Round, tool: ToolFolder) -> None:
    """Leave pictures alone of which something would come back otherwise: the annotator must not lose it."""
    if not now.taken:
        return
    losses = tool.losses(now.holding, [one.made for one in now.taken.values()])
    for name in dict.fromkeys(f.image for f in losses if f.image in now.taken and f.severity is not Severity.INFO):
        one = now.taken.pop(str(name))
        now.left.append(one.there)
        now.findings.append(Finding("write-back-loss", Severity.WARNING, one.wish.image.name))
        now.findings += [replace(f, image=one.wish.image.name) for f in losses if f.image == name]


# ---------------------------------------------------------------- what is remembered of it


def _keep(ws: Workspace, source: Source, now: _Round) -> int:
    """The delivery of exactly these labels, and what they will replace, before anything is written."""
    pictures = sorted((one.wish.item.image_id, one.wish.revision_id) for one in now.taken.values())
    told = f"{pictures} {sorted(now.renamed().items())}"
    key = f"{KIND}:{source.id}:{hashlib.sha256(told.encode()).hexdigest()[:24]}"
    body = {"source": source.id, "name": source.name, "pictures": len(pictures)}
    at = time.time()
    items = [one.wish.item for one in now.taken.values()]
    states = [Overwritten(item.image_id, item.content_hash, item.revision_id, at) for item in items]
    with ws.db.write() as tx:
        number, new = deliveries.put(tx, "out", KIND, source.project, key, body)
        if not new:  # The same once more: a tool that was behind has written over it.
            deliveries.settle(tx, number, DeliveryState.PENDING, {})
        overwritten.put(tx, source.id, states, at)
    return number


def _remember(ws: Workspace, source: Source, number: int | None, now: _Round, done: Sequence[Taken]) -> None:
    """The tool is known to hold what was written; all rounds that broke off before are made up for."""
    told = {"written": len(done), "left": len(now.taken) - len(done)}
    with ws.db.write() as tx:
        images.put_items(tx, source.id, [(_held(one), {}) for one in done])
        standing.put(tx, source.id, [_standing(source, one) for one in done])
        for other in _pending(tx, source) if not now.moved else ():
            deliveries.settle(tx, other, DeliveryState.DONE, told if other == number else {"replaced": number})
        if done:
            tokens.record(tx, "labelbridge", KIND, source.project, {"source": source.name, **told})


def _standing(source: Source, one: Taken) -> Standing:
    """The model's boxes that stand on a picture that was written."""
    regions = tuple(replace(region, extra={}) for region in one.made.predictions)
    return Standing(source.id, one.wish.item.image_id, one.made.looked or bool(one.made.regions), regions)


def _held(one: Taken) -> Item:
    """What the tool is known to hold of a picture that was written."""
    content = content_of(one.wish.image, one.made.regions)
    left = len(one.made.predictions) if one.made.regions else 0
    return replace(one.wish.item, content_hash=content, revision_id=one.wish.revision_id, open=left)
