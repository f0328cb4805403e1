"""One picture as a tool has it now → the revisions to write, or none; two edits at odds stay side by side."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from sqlalchemy import Connection

from bridge.loop.behind import Behind
from bridge.loop.claims import Claim
from bridge.loop.keepsake import format_of, wrap
from bridge.loop.merging import merge
from bridge.model.annotation import Document, Image, Label, Region, content_hash
from bridge.model.finding import Finding, Severity
from bridge.model.project import Source
from bridge.model.rectangles import Rectangles
from bridge.store import revisions
from bridge.store.images import Item
from bridge.store.overwritten import Overwritten
from bridge.store.revisions import Draft

Heads = Sequence[tuple[int, str]]


@dataclass(frozen=True, slots=True)
class Said:
    """What a tool says of a picture, and what is known of it.

    item is what the tool said last time, heads are the revisions that hold here (id, content hash), claim is about a
    model's boxes that a person has accepted. digest is the content hash of what is said, None where nothing is; shown
    that of all that stands there as a person's, which is more where an acceptance was undone.
    """

    image_id: int
    image: Image
    document: Document
    digest: str | None
    heads: Heads
    item: Item | None = None
    claim: Claim | None = None
    shown: str | None = None

    @property
    def known(self) -> int | None:
        """The revision that the tool held last."""
        return self.item.revision_id if self.item else None


@dataclass(frozen=True, slots=True)
class Drafted:
    """Revisions to write, the first being what the tool itself said, or the one that it is known to hold."""

    drafts: tuple[Draft, ...] = ()
    held: int | None = None


@dataclass(slots=True)
class Drafting:
    """Drafts for the pictures of one source; findings tell what a person should know of them."""

    source: Source
    who: str
    behind: Behind
    labels: Sequence[Label]
    findings: list[Finding] = field(default_factory=list)

    def draft(self, tx: Connection, said: Said) -> Drafted:
        """What to write for a picture."""
        old = self.behind.state(said.image_id, said.digest, said.heads)
        if old is not None:
            return self._behind(tx, said, old)
        if said.claim is not None:
            return self._claimed(tx, said, said.claim)
        if said.digest is None or said.document.regions is None:
            if said.item is not None and said.item.content_hash is not None and said.shown is None:
                self._say("lost", Severity.WARNING, said.image, case="labels")
            return Drafted(held=said.known)
        if said.item is not None and said.item.content_hash == said.digest:
            return Drafted(held=said.known)
        same = [revision for revision, content in said.heads if content == said.digest] or self._before(tx, said)
        if same:
            return Drafted(held=same[0])
        return self._new(tx, said, said.document.regions, said.digest)

    def _new(self, tx: Connection, said: Said, regions: Sequence[Region], digest: str) -> Drafted:
        made = self._draft(said, regions, digest)
        known = self.behind.base(tx, said.image_id, said.known, regions, self.labels)
        if not said.heads or known in [head for head, _ in said.heads]:  # It goes on from where it was, also at odds.
            return Drafted((replace(made, parent_ids=(known,) if known and said.heads else ()),))
        return self._beside(tx, said, replace(made, base=known))

    def _behind(self, tx: Connection, said: Said, old: Overwritten) -> Drafted:
        """The tool wrote an old copy over what we had written: no edit, unless it happens too often."""
        returned = said.item is None or said.item.content_hash != old.content_hash
        if returned and self.behind.count(tx, old) and said.document.regions is not None:
            self._at_odds(said.image)
            made = self._draft(said, said.document.regions, str(old.content_hash))
            return Drafted((replace(made, base=old.revision_id),))
        self._say("stale-tool", Severity.WARNING, said.image, case=self.source.kind, source=self.source.name)
        return Drafted(held=old.revision_id)

    def _claimed(self, tx: Connection, said: Said, claim: Claim) -> Drafted:
        """Accepted boxes count to what the tool says."""
        if claim.now is None:
            return Drafted(held=said.known)
        digest, before = hash_of(said.image, claim.now), hash_of(said.image, claim.base)
        same = [revision for revision, content in said.heads if content == digest]
        if same or digest == before:
            return Drafted(held=same[0] if same else said.known)
        made = self._draft(said, claim.now, digest)
        on = [revision for revision, content in said.heads if content == before]
        if on:
            return Drafted((replace(made, parent_ids=(on[0],)),))
        return self._beside(tx, said, replace(made, base=said.known), claim.base)

    def _draft(self, said: Said, regions: Sequence[Region], digest: str) -> Draft:
        author, extra = said.document.author or self.who, wrap(format_of(self.source), said.document)
        return Draft(said.image_id, regions, digest, author, self.source.name, extra=extra)

    def _before(self, tx: Connection, said: Said) -> list[int]:
        """A tool new to us (or a folder that was moved) may hold what we held before: it is behind, and not at odds."""
        if said.item is not None or len(said.heads) != 1:
            return []
        past = reversed(revisions.history(tx, said.image_id, self.labels))
        return [revision.id for revision in past if revision.content_hash == said.digest]

    def _beside(self, tx: Connection, said: Said, made: Draft, base: tuple[Region, ...] | None = None) -> Drafted:
        """The picture was changed elsewhere too: both edits in one where they do not clash, else one head more.

        base is what the tool said before, where that is not the revision of the draft's base.
        """
        merged = self._merged(tx, said.heads, made, base)
        if merged is None:
            self._at_odds(said.image)
            return Drafted((made,))
        head = said.heads[0][0]
        both = replace(made, regions=merged, content_hash=hash_of(said.image, merged), parent_ids=(head,))
        return Drafted((replace(made, head=False), both))

    def _merged(
        self, tx: Connection, heads: Heads, theirs: Draft, base: tuple[Region, ...] | None
    ) -> tuple[Region, ...] | None:
        known = theirs.base
        if (known is None and base is None) or len(heads) != 1:
            return None
        found = revisions.find_many(tx, [known or 0, heads[0][0]], self.labels)
        if base is None and known in found:
            base = found[known].regions
        return merge(base, found[heads[0][0]].regions, theirs.regions) if base is not None else None

    def _at_odds(self, image: Image) -> None:
        self._say("conflict", Severity.ERROR, image, case="heads", source=self.source.name)

    def _say(self, rule: str, severity: Severity, image: Image, **fields: object) -> None:
        self.findings.append(Finding(rule, severity, image.name, fields))


def hash_of(image: Image, regions: Sequence[Region]) -> str:
    """The content hash of a picture with these regions."""
    if isinstance(regions, Rectangles):
        return regions.content_hash(image.name, image.width, image.height)
    return content_hash(image.name, image.width, image.height, regions)
