"""A tool that is behind: it had a picture in memory while we wrote its file, and wrote its old copy over ours.

VoTT 1 keeps the whole project until it is restarted, VoTT 2 the picture that is open. So what we wrote over is
remembered. Exactly that, come back, is no edit; with something new in it, it is an edit of that old copy.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from sqlalchemy import Connection

from bridge.loop.matching import changes
from bridge.model.annotation import Label, Region
from bridge.store import overwritten, revisions
from bridge.store.overwritten import Overwritten

# So often is our version written again over an old copy. Then somebody may mean it, and a person must choose.
MOST_RETURNS = 3

Heads = Sequence[tuple[int, str]]


@dataclass(slots=True)
class Behind:
    """What we wrote over in one source, by image id, the latest first."""

    source_id: int
    past: dict[int, list[Overwritten]]

    @classmethod
    def of(cls, tx: Connection, source_id: int) -> Behind:
        """As the store remembers it."""
        return cls(source_id, overwritten.of_source(tx, source_id))

    def state(self, image_id: int, content: str | None, heads: Heads) -> Overwritten | None:
        """The old copy that a tool holds again instead of the one present labelling; None where it does not."""
        past = self.past.get(image_id)
        if not past or len(heads) != 1 or heads[0][1] == content:
            return None
        return next((state for state in past if state.content_hash == content), None)

    def count(self, tx: Connection, state: Overwritten) -> bool:
        """Count one more return to an old copy; gives whether it was one too many (and then counts anew)."""
        returns = state.returns + 1
        too_many = returns > MOST_RETURNS and state.content_hash is not None  # Else there is nothing to choose.
        now = replace(state, returns=0 if too_many else returns)
        overwritten.came_back(tx, self.source_id, state, now.returns)
        past = self.past[state.image_id]
        past[past.index(state)] = now
        return too_many

    def base(
        self, tx: Connection, image_id: int, known: int | None, regions: Sequence[Region], labels: Sequence[Label]
    ) -> int | None:
        """What an edit was made from: what the tool held last, or an old copy that explains it with fewer acts."""
        states = [state.revision_id for state in self.past.get(image_id, ()) if state.revision_id is not None]
        if known is None or not states:
            return known
        found = revisions.find_many(tx, [known, *states], labels)
        likely = [i for i in dict.fromkeys([known, *states]) if i in found]
        return min(likely, key=lambda i: _acts(found[i].regions, regions))


def _acts(before: Sequence[Region], after: Sequence[Region]) -> int:
    """How many acts of a person lead from one labelling to another."""
    return sum(2 if change.kind == "changed" else 1 for change in changes(before, after))
