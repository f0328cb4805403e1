"""A model's boxes in a tool's file that a person has accepted: they stand there marked still, and are his.

An accepted box has a plain id here, made of the mark that it has there, so that the two are known for one box whatever
the file calls it. What a tool says of such a picture is its own regions and those accepted ones together.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace

from sqlalchemy import Connection

from bridge.loop.keepsake import format_of
from bridge.loop.matching import same
from bridge.model.annotation import Document, Label, Region
from bridge.model.prediction import accepted_id, author_of, checkpoint_of
from bridge.model.project import Source
from bridge.store import offers, revisions, standing
from bridge.store.standing import Standing

Heads = Mapping[int, Sequence[tuple[int, str]]]


@dataclass(frozen=True, slots=True)
class Claim:
    """What a tool says of a picture with accepted boxes: now (None: nothing that counts), and what it said before.

    left are the model's boxes there that nobody has accepted.
    """

    now: tuple[Region, ...] | None
    base: tuple[Region, ...]
    left: tuple[Region, ...]


def accepted(region: Region) -> Region:
    """A model's marked region as a person's own; where it came from stays beside it."""
    origin = {"checkpoint": checkpoint_of(region), "score": region.score, "mark": region.region_id}
    return Region(region.kind, region.points, region.labels, accepted_id(region.region_id), extra={"accepted": origin})


def marked_again(regions: Sequence[Region]) -> tuple[Region, ...]:
    """Those of these regions that were accepted, as the model's marked ones that they were."""
    origins = ((region, region.extra.get("accepted", {})) for region in regions)
    return tuple(
        replace(r, region_id=o["mark"], author=author_of(str(o.get("checkpoint", ""))), score=o.get("score"), extra={})
        for r, o in origins
        if o.get("mark")
    )


def restored(document: Document, marked: Sequence[Region], kept: Collection[str | None]) -> Document:
    """The document with what is the model's taken for that, where it stands under the plain id of an acceptance undone.

    marked are the model's boxes that stand there, kept are ids of boxes that are a person's. A box that somebody has
    touched since is his.
    """
    by_own = {own: region for region in marked if (own := accepted_id(region.region_id)) and own not in kept}
    regions = document.regions or ()
    back = [
        replace(region, region_id=was.region_id, author=was.author, score=was.score, extra={})
        for region in regions
        if (was := by_own.get(region.region_id or "")) is not None and same(region, was)
    ]
    if not back:
        return document
    taken = {accepted_id(region.region_id) for region in back}
    left = tuple(r for r in regions if not (r.region_id in taken and same(r, by_own[r.region_id or ""])))
    return replace(document, regions=left or None, predictions=(*document.predictions, *back))


def claim(
    document: Document, before: Sequence[Region], known: Sequence[Region], present: Sequence[Region]
) -> Claim | None:
    """What a tool's document says, with what was accepted; None where nothing of it was.

    before are the marked regions that stood in the tool when it was last read, known are those of a person that it
    held then, present are the regions that hold here now.
    """
    marks = (r.region_id for r in (*before, *document.predictions, *(document.regions or ())))
    own = {mark: plain for mark in marks if (plain := accepted_id(mark)) is not None}
    held = set(own.values()) & {region.region_id for region in present}
    if not held:
        return None
    own = {mark: plain for mark, plain in own.items() if plain in held}
    now = None
    if document.regions is not None or document.looked:  # Else nobody has said anything by taking boxes away.
        taken = [accepted(region) for region in document.predictions if region.region_id in own]
        now = (*_plain(document.regions or (), own), *taken)
    base = _plain(known, own)
    there = {region.region_id for region in base}
    stood = [accepted(region) for region in before if region.region_id in own]
    left = tuple(region for region in document.predictions if region.region_id not in own)
    return Claim(now, (*base, *(region for region in stood if region.region_id not in there)), left)


def _plain(regions: Sequence[Region], own: Mapping[str | None, str]) -> tuple[Region, ...]:
    """A person's regions; those that were the model's and that he has touched since under their plain ids."""
    return tuple(replace(r, region_id=own[r.region_id]) if r.region_id in own else r for r in regions)


@dataclass(slots=True)
class Marked:
    """The model's boxes that stand in one source, while it is read; watched are pictures whose offers nobody saw."""

    source: Source
    labels: Sequence[Label]
    anything: bool
    watched: set[int]
    before: dict[int, Standing] = field(default_factory=dict)

    @classmethod
    def open(cls, tx: Connection, source: Source, labels: Sequence[Label]) -> Marked:
        """As it was at the last reading."""
        return cls(source, labels, standing.any_of(tx, source.id), offers.unseen(tx, source.id))

    @property
    def among(self) -> bool:
        """In VoTT a model's boxes stand among a person's; elsewhere he judges them all by what he submits."""
        return format_of(self.source).startswith("vott")

    def restore(self, tx: Connection, found: Mapping[int, Document], heads: Heads) -> dict[int, Document]:
        """The documents, with boxes of an acceptance that was undone taken for the model's though they look plain."""
        self.before = standing.of_source(tx, self.source.id, list(found)) if self.anything and self.among else {}
        wanted = [head for i in self.before for head, _ in heads.get(i, ())]
        stored = revisions.find_many(tx, wanted, self.labels)
        made = dict(found)
        for i, one in self.before.items():
            kept = {region.region_id for head, _ in heads.get(i, ()) for region in stored[head].regions}
            made[i] = restored(found[i], one.regions, kept)
        return made

    def claims(
        self, tx: Connection, found: Mapping[int, Document], heads: Heads, known: Mapping[int, int | None]
    ) -> dict[int, Claim]:
        """The claims on these pictures, by image id; known is the revision that the tool held at the last reading."""
        marked = [i for i, d in found.items() if self.among and (d.predictions or i in self.before) and heads.get(i)]
        wanted = {r for i in marked for r in (*(head for head, _ in heads[i]), known.get(i)) if r is not None}
        stored = revisions.find_many(tx, list(wanted), self.labels)
        claims: dict[int, Claim] = {}
        for i in marked:
            present = [region for head, _ in heads[i] for region in stored[head].regions]
            held = stored.get(known.get(i) or 0)
            stood = self.before[i].regions if i in self.before else ()
            made = claim(found[i], stood, held.regions if held else (), present)
            if made is not None:
                claims[i] = made
        return claims

    def keep(self, tx: Connection, found: Mapping[int, Document]) -> None:
        """Remember what stands on these pictures now, and whose boxes were seen."""
        now = {i: _standing(self.source.id, i, document) for i, document in found.items() if self.among}
        changed = [one for i, one in now.items() if one.regions or i in self.before]
        changed = [one for one in changed if one != self.before.get(one.image_id)]
        if changed:
            standing.put(tx, self.source.id, changed)
            offers.forget(tx, [one.image_id for one in changed])
            self.anything = True
        seen = [i for i in found.keys() & self.watched if found[i].looked or (self.among and found[i].regions)]
        if seen:
            offers.see(tx, seen, self.source.id)
            self.watched.difference_update(seen)


def _standing(source_id: int, image_id: int, document: Document) -> Standing:
    regions = tuple(replace(region, extra={}) for region in document.predictions)
    return Standing(source_id, image_id, document.looked or bool(document.regions), regions)
