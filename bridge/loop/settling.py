"""Whether a tool's files can be read now, or somebody is writing them: decided by what we saw, not by a clock alone.

A share's clock may be ahead of ours or behind. So a file that seems to be of this moment, or of a moment to come, is
only waited for until it has looked the same for a while by our own clock.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from bridge.plugin import Stamps

# After so many seconds without a change nobody is writing any more.
QUIET = 2.0
# Files that somebody goes on writing are read all the same after so many seconds: each of them is whole now and then.
_PATIENCE = 10.0
# A file that is no whole JSON is looked at again after these seconds; then it is damaged.
_PAUSES = (2.0, 4.0, 8.0, 16.0)
# Only files written so shortly before the newest one (by the share's own clock) can be half-written.
_RECENT = 60.0

_NS = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Patience:
    """What we are waiting for: the files as we saw them last, since when they look so, and since when we wait.

    tries counts looks at files that were not whole; damaged are files that stayed so, as they looked then. ours is
    how all files looked when we had written some of them ourselves.
    """

    state: str = ""
    seen: float = 0.0
    since: float = 0.0
    tries: int = 0
    damaged: Mapping[str, list[int]] = field(default_factory=dict)
    ours: str = ""

    @classmethod
    def of(cls, options: Mapping[str, Any]) -> Patience:
        """As the source's options keep it."""
        return cls(**options.get("patience", {}))

    def kept(self) -> dict[str, Any]:
        """For the options."""
        return asdict(self)

    def rested(self) -> Patience:
        """When all was read: only what is known to be damaged is remembered."""
        return Patience(damaged=self.damaged)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What to do: read (wait is None), or look again after so many seconds; and what to remember."""

    patience: Patience
    wait: float | None = None


def quiet(patience: Patience, state: str, stamps: Stamps, now: float) -> Verdict:
    """Whether the files have come to rest; state is one word for how they look."""
    age = now - max(time for _, time in stamps.values()) / _NS
    same = patience.state == state
    looked = replace(patience, state=state, seen=patience.seen if same else now, since=patience.since or now)
    untouched = state == patience.ours
    if untouched or age >= QUIET or (same and now - looked.seen >= QUIET) or now - looked.since >= _PATIENCE:
        return Verdict(looked)
    return Verdict(looked, QUIET)


def suspects(patience: Patience, stamps: Stamps) -> list[str]:
    """The files that may be half-written: the latest ones, unless they are known to be damaged as they are."""
    newest = max(time for _, time in stamps.values())
    return [
        path
        for path, (size, time) in stamps.items()
        if newest - time < _RECENT * _NS and list(patience.damaged.get(path, ())) != [size, time]
    ]


def whole(patience: Patience, broken: Collection[str], stamps: Stamps) -> Verdict:
    """Whether files that are not whole are waited for once more; if not, they count as damaged from now on."""
    if not broken:
        return Verdict(patience)
    if patience.tries < len(_PAUSES):
        return Verdict(replace(patience, tries=patience.tries + 1), _PAUSES[patience.tries])
    given_up = {path: list(stamps[path]) for path in broken}
    standing = {path: stamp for path, stamp in patience.damaged.items() if list(stamps.get(path, ())) == list(stamp)}
    return Verdict(replace(patience, tries=0, damaged={**standing, **given_up}))
