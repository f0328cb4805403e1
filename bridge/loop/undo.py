"""Taking back changes, one after the other: the labels before each become a new revision, and all stays in the history.

A revision of source "undo" stands for the revision that it brought back, so the next undo goes on before that one.
Where a model's boxes were accepted on a picture that nobody had labelled, nobody has labelled it again afterwards.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

from sqlalchemy import Connection

from bridge.errors import ConflictError
from bridge.loop.claims import marked_again
from bridge.loop.keepsake import format_of
from bridge.model.annotation import Label, Revision
from bridge.store import images, projects, revisions, standing, tokens
from bridge.store.revisions import Draft
from bridge.store.standing import Standing
from bridge.workspace import Workspace

# Changes of many pictures at once. They are written in slices, each with its line in the ledger; those of one follow
# each other at once.
_BULK = ("fix", "accept")
_ONE_CHANGE = timedelta(minutes=1)
_LINES = 10_000


@dataclass(frozen=True, slots=True)
class _Step:
    """A picture's present revision, the change that stands in it, and what was there before (None: nothing)."""

    head: Revision
    change: Revision
    before: Revision | None


def undo(ws: Workspace, project: str, image: str | None = None, who: str = "local") -> int:
    """Take back the last standing change of one picture, or a project's last standing mending or acceptance.

    Gives how many pictures changed. Raises ConflictError undo-nothing when there is nothing to take back, or
    undo-conflict for a picture in conflict.
    """
    with ws.db.write() as tx:
        found = projects.find(tx, project)
        if image is not None:
            wanted = images.find(tx, found.id, image)
            assert wanted.id is not None
            heads = revisions.heads(tx, wanted.id, found.labels)
            if len(heads) > 1:
                raise ConflictError("undo-conflict", image=image)
            steps = [_step(tx, head, found.labels) for head in heads]
        else:
            steps = _last_change(tx, found.id, found.labels)
        drafts = [_draft(step.head, step.before, who) for step in steps if step.before]
        bare = [step.head for step in steps if step.before is None and step.change.source == "accept"]
        if not drafts and not bare:
            raise ConflictError("undo-nothing", project=found.name, image=image or "-")
        made = iter(revisions.put(tx, drafts, found.labels))
        now_there = [(step, next(made) if step.before else None) for step in steps if step.before or step.head in bare]
        revisions.withdraw(tx, [head.id for head in bare])
        accepted = [(step, i) for step, i in now_there if step.change.source == "accept"]
        _hand_back(tx, found.id, accepted)
        standing.reopen(tx, [step.head.image_id for step in steps if step.change.source == "accept"])
        tokens.record(tx, who, "undo", found.id, {"pictures": len(drafts) + len(bare), "image": image})
    return len(drafts) + len(bare)


def _hand_back(tx: Connection, project: str, undone: Sequence[tuple[_Step, int | None]]) -> None:
    """What stands in a VoTT project under the plain ids of an acceptance is the model's again, and to be marked."""
    for source in projects.sources(tx, project):
        if not format_of(source).startswith("vott"):
            continue
        items = images.items(tx, source.id)
        before = standing.of_source(tx, source.id, [step.head.image_id for step, _ in undone])
        found, moved = [], []
        for step, now in undone:
            i, held = step.head.image_id, {r.region_id for r in step.before.regions} if step.before else set()
            there = before[i].regions if i in before else ()
            known = {region.region_id for region in there}
            fresh = [r for r in step.head.regions if r.region_id not in held]
            marked = [r for r in marked_again(fresh) if r.region_id not in known]
            item = items.get(i)
            if not marked or item is None or item.content_hash is None:
                continue
            if item.revision_id in (step.head.id, step.change.id):
                found.append(Standing(source.id, i, True, (*there, *marked)))
                moved.append((i, now))
        standing.put(tx, source.id, found)
        images.hold(tx, source.id, moved)


def _step(tx: Connection, head: Revision, labels: Sequence[Label]) -> _Step:
    stands: dict[int | None, Revision] = {}
    for revision in revisions.history(tx, head.image_id, labels):
        stands[revision.id] = revision
        if revision.source == "undo":
            stands[revision.id] = stands.get(stands[revision.parent_id].parent_id, revision)
    change = stands[head.id]
    return _Step(head, change, stands.get(change.parent_id))


def _draft(head: Revision, before: Revision, who: str) -> Draft:
    return Draft(head.image_id, before.regions, before.content_hash, who, "undo", (head.id,), extra=before.extra)


def _last_change(tx: Connection, project: str, labels: Sequence[Label]) -> list[_Step]:
    """What still stands of the mending or acceptance that was asked for last."""
    present = [c.revision_id for c in revisions.current(tx, project, labels) if c.revision_id is not None]
    heads = revisions.find_many(tx, present, labels).values()
    steps = [_step(tx, head, labels) for head in heads if head.source in (*_BULK, "undo")]
    bulk = [step for step in steps if step.change.source in _BULK]
    last = max((step.change.at for step in bulk), default="")
    lines = [line for line in tokens.recorded(tx, project, _LINES) if line["what"] in _BULK]
    for later, earlier in pairwise(lines):
        if earlier["at"] < last and not _same_change(earlier, later):
            return [step for step in bulk if step.change.at > earlier["at"]]
    return bulk


def _same_change(earlier: Mapping[str, Any], later: Mapping[str, Any]) -> bool:
    apart = datetime.fromisoformat(later["at"]) - datetime.fromisoformat(earlier["at"])
    return apart < _ONE_CHANGE and _asked(earlier) == _asked(later)


def _asked(line: Mapping[str, Any]) -> tuple[Any, ...]:
    return line["who"], line["what"], line["fields"].get("rules"), line["fields"].get("batch")
