"""Which line of a label file stands for which label of the project."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from plugins.formats.vott1.exports.candidates import Candidate
from plugins.formats.vott1.exports.faults import DIFFERS, Cause
from plugins.formats.vott1.exports.folder import Label

# Whether a line's class is that of a label.
Fits = Callable[[Label, Candidate], bool]
# Why a line's numbers are what they are, if it stands for this label.
Explains = Callable[[Label, Candidate], Cause]


@dataclass(frozen=True, slots=True)
class Match:
    """A line, the label it stands for, why its numbers are as they are, and whether its class is right."""

    line: Label
    candidate: Candidate
    cause: Cause
    fits: bool


@dataclass(slots=True)
class Matching:
    """Lines and labels of one picture; what nothing explains is paired by its order."""

    lines: list[Label]
    candidates: list[Candidate]
    fits: Fits
    explains: Explains
    matches: list[Match] = field(default_factory=list)

    def run(self) -> None:
        """Pair the likeliest first; what is left over stays in lines and candidates."""
        order = {id(candidate): at for at, candidate in enumerate(self.candidates)}
        for wanted in ((True, True), (False, True), (True, False), (False, False)):
            for at, line in enumerate(list(self.lines)):
                near = sorted(self.candidates, key=lambda candidate: abs(order[id(candidate)] - at))
                self._take(line, near, *wanted)
        self._by_order(lambda line, candidate: self.fits(line, candidate))
        if len(self.lines) == len([c for c in self.candidates if c.drawn.right is not None and c.last]):
            self._by_order(lambda line, candidate: candidate.last)

    def _take(self, line: Label, near: Sequence[Candidate], right: bool, fitting: bool) -> None:
        for candidate in near:
            if self.fits(line, candidate) is not fitting:
                continue
            cause = self.explains(line, candidate)
            if cause.rule != DIFFERS and (cause.rule == "") is right:
                self._pair(line, candidate, cause)
                return

    def _by_order(self, may: Callable[[Label, Candidate], bool]) -> None:
        for line in list(self.lines):
            found = next((c for c in self.candidates if c.drawn.right is not None and may(line, c)), None)
            if found is not None:
                self._pair(line, found, self.explains(line, found))

    def _pair(self, line: Label, candidate: Candidate, cause: Cause) -> None:
        self.lines.remove(line)
        self.candidates.remove(candidate)
        self.matches.append(Match(line, candidate, cause, self.fits(line, candidate)))
