"""Project → findings by all validators; only with fix are the safe ones mended, each as a new revision."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from sqlalchemy import Connection

from bridge.listeners import tell
from bridge.loop.fixes import apply_fix
from bridge.loop.resolve import conflicts
from bridge.loop.validate import NETWORK, STANDING, Checked, run_validators, with_standing
from bridge.model.annotation import Document, Label, content_hash, fold_name
from bridge.model.finding import Finding
from bridge.model.project import Project
from bridge.plugin import Progress, View, no_progress
from bridge.store import datasets, images, projects, revisions, tokens
from bridge.store import findings as kept
from bridge.store.learned import StoredNotes
from bridge.store.revisions import Draft
from bridge.workspace import Workspace


@dataclass(frozen=True, slots=True)
class _Present:
    """The project as it is now; iterating reads it from the store, so that it never stands in memory whole.

    A picture in conflict has the labels that all its sets were made from (if any), and extra["conflict"].
    """

    ws: Workspace
    project: str
    labels: tuple[Label, ...]
    sides: Mapping[int, bool]

    def __iter__(self) -> Iterator[Document]:
        with self.ws.db.read() as tx:
            torn = _torn(tx, self.project)
            for current in revisions.current(tx, self.project, self.labels):
                document, heads = self._placed(current.document), current.heads
                clash = heads > 1 or (heads == 0 and fold_name(document.image.name) in torn)
                yield replace(document, extra={**document.extra, "conflict": heads}) if clash else document

    def _placed(self, document: Document) -> Document:
        """With its side of the split: that of the newest version, else the tool's own."""
        side = self.sides.get(document.image.id or 0, document.extra.get("held_out"))
        return replace(document, held_out=side) if isinstance(side, bool) else document


def _torn(tx: Connection, project: str) -> frozenset[str]:
    """The folded names of pictures that one file labels twice, unlike, so that an import took neither."""
    return frozenset(fold_name(f.image or "") for f in kept.listing(tx, project, "conflict") if "sources" in f.fields)


def check(
    ws: Workspace,
    project: str,
    fix: bool = False,
    network: tuple[int, int] = NETWORK,
    who: str = "local",
    progress: Progress = no_progress,
) -> Checked:
    """Run every validator over a project and keep the findings; with fix, mend what is safe and check again."""
    with ws.db.read() as tx:
        found = projects.find(tx, project)
        sides = datasets.sides(tx, found.id)
    present, notes = _Present(ws, found.id, found.labels, sides), StoredNotes(ws.db, found.id)
    view = View(found.label_names(), present, network, ws.settings.max_megapixels, notes=notes)
    result = run_validators(ws.registry, view, ws.settings.validator_seconds, progress)
    fixed = 0
    if fix and any(f.fix for f in result):
        fixed = _mend(ws, found, result, who)
        broken = [f for f in result if f.rule == "plugin-broken"]  # Put aside, so the second time they say nothing.
        result = broken + run_validators(ws.registry, view, ws.settings.validator_seconds, progress)
    with ws.db.read() as tx:
        result += [conflict.finding() for conflict in conflicts(tx, found)]
    _keep(ws, found, result)
    with ws.db.read() as tx:
        result = with_standing(result, (f for rule in STANDING for f in kept.listing(tx, found.id, rule)))
    tell(ws.registry, "findings_changed", project=found.id, counts=dict(Counter(f.rule for f in result)))
    return Checked(tuple(result), fixed)


def _keep(ws: Workspace, project: Project, found: Sequence[Finding]) -> None:
    with ws.db.write() as tx:
        ids = {folded: i.id for folded, i in images.known_images(tx, project.id).items() if i.id is not None}
        kept.replace(tx, project.id, "check", found, ids)


def _mend(ws: Workspace, project: Project, found: Sequence[Finding], who: str) -> int:
    by_image: dict[str, list[Finding]] = {}
    for finding in found:
        if finding.fix is not None and finding.image is not None:
            by_image.setdefault(fold_name(finding.image), []).append(finding)
    with ws.db.read() as tx:
        known = images.known_images(tx, project.id)
    ids = [i.id for name in by_image if (i := known.get(name)) and i.id is not None]
    fixed = 0
    for start in range(0, len(ids), 200):
        fixed += _mend_slice(ws, project, ids[start : start + 200], by_image, who)
        time.sleep(0.002)
    return fixed


def _mend_slice(
    ws: Workspace, project: Project, ids: Sequence[int], by_image: dict[str, list[Finding]], who: str
) -> int:
    with ws.db.write() as tx:
        drafts = []
        for current in revisions.current(tx, project.id, project.labels, ids):
            image, before = current.document.image, current.document.regions
            if current.revision_id is None or image.id is None or before is None:
                continue  # In conflict: a person resolves that first.
            after = apply_fix(tuple(before), by_image[fold_name(image.name)], image.width, image.height)
            if after != tuple(before):
                digest = content_hash(image.name, image.width, image.height, after)
                extra = current.document.extra
                drafts.append(Draft(image.id, after, digest, who, "fix", (current.revision_id,), extra=extra))
        revisions.put(tx, drafts, project.labels)
        if drafts:
            rules = sorted({f.rule for name in by_image for f in by_image[name]})
            tokens.record(tx, who, "fix", project.id, {"pictures": len(drafts), "rules": rules})
    return len(drafts)
