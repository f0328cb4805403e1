"""What the files of a shared tool are to say, picture by picture, against what they were known to say."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace

from sqlalchemy import Connection

from bridge.loop.behind import MOST_RETURNS
from bridge.loop.folder import is_damage
from bridge.loop.rendition import content_of
from bridge.model.annotation import Image, Region, fold_name
from bridge.model.finding import Finding, Severity
from bridge.model.project import Project, Source
from bridge.plugin import Holding
from bridge.store import findings, images, overwritten, revisions, standing
from bridge.store.images import Item
from bridge.store.overwritten import Overwritten
from bridge.workspace import Workspace


@dataclass(frozen=True, slots=True)
class Wish:
    """One picture of a tool: what it was known to hold, and the present labels, if they are to be there.

    marked are a model's boxes that stand there, where some may have to be marked again: an acceptance was undone.
    revision_id is None where nothing holds any more. doubted tells that what the files say of it now is damage, and
    not what a person did.
    """

    image: Image
    item: Item
    revision_id: int | None
    regions: tuple[Region, ...] | None = None
    doubted: bool = False
    marked: tuple[Region, ...] = ()

    @property
    def is_due(self) -> bool:
        """Whether something is to be written, as far as is known."""
        return self.regions is not None or bool(self.marked)


def wishes_of(tx: Connection, project: Project, source: Source) -> tuple[dict[str, Wish], list[Finding]]:
    """Every settled picture by what the tool calls it; with regions where the tool holds something else."""
    items = {i: item for i, item in images.items(tx, source.id).items() if not item.gone}
    heads = revisions.head_hashes(tx, list(items))
    settled = {i: heads[i][0] for i in items if len(heads.get(i, ())) == 1}
    unlike = [i for i, (_, content) in settled.items() if items[i].content_hash != content]
    stored = revisions.find_many(tx, [settled[i][0] for i in unlike], project.labels)
    known = images.find_many(tx, list(settled))
    past = overwritten.of_source(tx, source.id) if unlike else {}
    there = standing.of_source(tx, source.id, unlike) if unlike else {}
    wishes, given_up = {}, []
    destroyed = {fold_name(f.image or "") for f in findings.listing(tx, project.id, "destroyed")}
    for i, (revision_id, _) in settled.items():
        doubted = items[i].content_hash is None and fold_name(known[i].name) in destroyed
        wish = Wish(known[i], items[i], revision_id, doubted=doubted)
        if i in unlike:
            regions = stored[revision_id].regions
            # Labels may be called otherwise since the revision was written.
            if items[i].content_hash != content_of(known[i], regions):
                wish = replace(wish, regions=regions, marked=there[i].regions if i in there else ())
        if wish.regions is not None and any(_is_given_up(state, items[i]) for state in past.get(i, ())):
            fields = {"case": "given-up", "source": source.name}
            given_up.append(Finding("stale-tool", Severity.WARNING, known[i].name, fields))
            continue
        wishes[items[i].item or known[i].name] = wish
    return {**_withdrawn(tx, source, items, set(heads)), **wishes}, given_up


def _withdrawn(tx: Connection, source: Source, items: Mapping[int, Item], held: Collection[int]) -> dict[str, Wish]:
    """Pictures that show a person's boxes though nothing holds here any more: a model's, after an undone acceptance."""
    bare = [i for i, item in items.items() if i not in held and item.content_hash is not None]
    there = standing.of_source(tx, source.id, bare) if bare else {}
    known = images.find_many(tx, list(there))
    return {
        items[i].item or known[i].name: Wish(known[i], items[i], None, marked=one.regions) for i, one in there.items()
    }


def _is_given_up(state: Overwritten, item: Item) -> bool:
    """Whether a tool that holds nothing came back to that too often; an old labelling is a conflict then."""
    return state.content_hash is None and item.content_hash is None and state.returns >= MOST_RETURNS


def with_damaged(ws: Workspace, project: Project, holding: Holding, wishes: Mapping[str, Wish]) -> dict[str, Wish]:
    """Files that are damaged shall hold the present labels, also where the store took all that could be read."""
    cut = any(map(is_damage, holding.findings))
    documents = [document for document in holding.documents if cut or any(map(is_damage, document.findings))]
    names = [document.image.item or document.image.name for document in documents]
    broken = {name: replace(wish, doubted=True) for name in names if (wish := wishes.get(name)) is not None}
    broken = {name: wish for name, wish in broken.items() if wish.revision_id is not None}
    unread = [w.revision_id for w in broken.values() if w.regions is None and w.revision_id is not None]
    with ws.db.read() as tx:
        stored = revisions.find_many(tx, unread, project.labels)
    mended = {
        n: w if w.regions is not None else replace(w, regions=stored[w.revision_id or 0].regions)
        for n, w in broken.items()
    }
    return {**wishes, **mended}
