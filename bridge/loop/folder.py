"""Reading a tool's files that others write at any time: when they are at rest, and never as if damage were an edit."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from bridge.document import digest_of
from bridge.errors import NotFoundError
from bridge.loop.intake import Imported
from bridge.loop.matching import match
from bridge.loop.settling import Patience, Verdict, quiet, suspects, whole
from bridge.loop.tool import FOLDERS, reach_folder
from bridge.model.annotation import Document, Image, Label, Region, fold_name
from bridge.model.finding import Finding, Severity
from bridge.model.project import Project, Source
from bridge.plugin import Changes, Stamps, ToolFolder
from bridge.store import findings, jobs, projects, revisions
from bridge.store.images import Item
from bridge.workspace import Workspace

Wait = Callable[[float], object]

# Findings after which an empty picture is not believed to be empty.
_DAMAGE = ("damaged", "destroyed")


def changed_cause(source: Source) -> str:
    """The cause of reading a source because its files have changed."""
    return f"changed:{source.id}"


def at_rest(ws: Workspace, source: Source, wait: Wait | None = None) -> tuple[Source, float | None]:
    """The source, held, once nobody writes its files: then None; else after how many seconds to look again.

    wait is called with those seconds instead, where somebody waits for the answer. Raises NotFoundError folder-gone.
    """
    if source.kind not in FOLDERS:
        return source, None
    tool = reach_folder(ws, source)
    while True:
        verdict = _look(source, tool)
        if verdict.patience != Patience.of(source.options):
            source = _remember(ws, source, verdict.patience)
        if verdict.wait is None:
            rested = replace(source, options={**source.options, "patience": verdict.patience.rested().kept()})
            return rested, None
        if wait is None:
            return source, verdict.wait
        wait(verdict.wait)


def _look(source: Source, tool: ToolFolder) -> Verdict:
    patience, stamps = Patience.of(source.options), tool.stamps()
    state = digest_of(stamps)
    if state == source.cursor:
        return Verdict(patience)
    verdict = quiet(patience, state, stamps, time.time())
    if verdict.wait is not None and source.cursor:  # Nothing of before can be mistaken in a first reading.
        return verdict
    broken = tool.half_written(suspects(verdict.patience, stamps))
    return whole(verdict.patience, broken, stamps)


def _remember(ws: Workspace, source: Source, patience: Patience) -> Source:
    options = {**source.options, "patience": patience.kept()}
    with ws.db.write() as tx:
        projects.set_options(tx, source.id, options)
    return replace(source, options=options)


def as_they_look(ws: Workspace, source: Source) -> Stamps:
    """How the files of a source look; nothing for a tool that has none, or none any more."""
    if source.kind not in FOLDERS:
        return {}
    try:
        return reach_folder(ws, source).stamps()
    except NotFoundError:
        return {}


def know_ours(ws: Workspace, source: Source, before: Stamps) -> None:
    """What we have written since then need not come to rest."""
    after = as_they_look(ws, source)
    if after == before:
        return
    with ws.db.write() as tx:
        options = projects.find_source(tx, source.project, source.name).options
        patience = replace(Patience.of(options), ours=digest_of(after))
        projects.set_options(tx, source.id, {**options, "patience": patience.kept()})


def look_again(ws: Workspace, project: Project, source: Source, seconds: float) -> Imported:
    """Make the next look due; what a pull says that has read nothing yet."""
    payload = {"project": source.project, "source": source.name}
    with ws.db.write() as tx:
        due = time.time() + seconds
        jobs.put_once(tx, "pull", "bridge", payload, source.project, changed_cause(source), due)
    note = Finding("unsettled", Severity.INFO, None, {"source": source.name, "seconds": round(seconds)})
    return Imported(project.id, "names", 0, 0, 0, (note,))


# ---------------------------------------------------------------- what damage is not believed to say


@dataclass(frozen=True, slots=True)
class Doubt:
    """What a source held at the last reading, against which files that were damaged are read.

    cut tells that the project itself was damaged so that any picture may lack regions; shaken are the folded names of
    pictures whose labels were damaged at the last reading: VoTT takes such a file for an empty one, and deletes it.
    """

    ws: Workspace
    labels: Sequence[Label]
    known: Mapping[str, Image]
    items: Mapping[int, Item]
    cut: bool
    shaken: frozenset[str]

    @classmethod
    def of(
        cls,
        ws: Workspace,
        project: Project,
        source: Source,
        changes: Changes,
        known: Mapping[str, Image],
        items: Mapping[int, Item],
    ) -> Doubt:
        """What must be doubted in these changes."""
        with ws.db.read() as tx:
            said = findings.listing(tx, project.id, origin=f"import:{source.id}") if changes.whole else []
        shaken = frozenset(fold_name(f.image) for f in said if f.rule in _DAMAGE and f.image is not None)
        return cls(ws, project.labels, known, items, any(map(is_damage, changes.findings)), shaken)

    def documents(self, told: Iterable[Document]) -> Iterator[Document]:
        """The documents, without what only damage says: that regions which the tool held before were taken away."""
        for document in told:
            yield self._believed(document)

    def _believed(self, document: Document) -> Document:
        emptied = document.regions == () and fold_name(document.image.name) in self.shaken
        damaged = self.cut or any(map(is_damage, document.findings))
        if document.regions is None or not (emptied or damaged):
            return document
        held = self._held(document)
        if not held:
            return document
        if emptied:
            note = Finding("destroyed", Severity.ERROR, document.image.name, {"count": len(held)})
            return replace(document, regions=None, findings=(*document.findings, note))
        found = match(held, document.regions)
        missing = tuple(region for i, region in enumerate(held) if i not in found)
        if len(found) == len(document.regions) and missing:
            return replace(document, regions=None)  # It says nothing that is new.
        return replace(document, regions=(*document.regions, *missing))

    def _held(self, document: Document) -> tuple[Region, ...]:
        """A person's regions that the tool held at the last reading."""
        image = self.known.get(fold_name(document.image.name))
        item = self.items.get(image.id or 0) if image is not None else None
        if item is None or item.revision_id is None:
            return ()
        with self.ws.db.read() as tx:
            revision = revisions.find(tx, item.revision_id, self.labels)
        return revision.regions if revision is not None else ()


def is_damage(finding: Finding) -> bool:
    """Whether reading a file showed that labels may be missing from it."""
    return finding.rule == "damaged" and finding.severity is Severity.ERROR
