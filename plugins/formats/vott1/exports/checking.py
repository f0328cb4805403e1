"""One picture's label file against the labels that were drawn."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence, Set
from dataclasses import dataclass
from pathlib import Path

from bridge.model.annotation import Document, Image
from plugins.formats.halves import whole
from plugins.formats.vott1.exports import outcome as rules
from plugins.formats.vott1.exports.candidates import Candidate
from plugins.formats.vott1.exports.faults import LAST_TAG_ONLY, Cause, Screens, cause
from plugins.formats.vott1.exports.folder import Label, shown
from plugins.formats.vott1.exports.leftout import MISSING
from plugins.formats.vott1.exports.matching import Match, Matching
from plugins.formats.vott1.exports.outcome import Outcome
from plugins.formats.vott1.region import EXTRA

# What VoTT writes for the class of a tag that is not in its list.
_UNDEFINED = "undefined"


@dataclass(frozen=True, slots=True)
class Picture:
    """One picture of the project: what was drawn, its size (of its copy in the export at worst), its label file.

    candidates are the labels that the file should hold; unknown is how many of others cannot be checked.
    """

    document: Document
    image: Image
    stem: str
    file: Path | None
    candidates: tuple[Candidate, ...]
    unknown: int

    @property
    def name(self) -> str:
        """What it is called."""
        return self.document.image.name

    @property
    def is_exported(self) -> bool:
        """Whether VoTT would export it: it was shown there (or there is no list of what was)."""
        visited = self.document.extra.get(EXTRA, {}).get("visited")
        return visited is True or (visited is None and self.document.regions is not None)

    @property
    def wanted(self) -> int:
        """How many labels its file should hold."""
        return sum(c.drawn.right is not None and not c.prediction for c in self.candidates)


@dataclass(frozen=True, slots=True)
class Classes:
    """The classes of a project, and the names by which the export numbers them (None: it has no names file)."""

    project: tuple[str, ...]
    export: tuple[str, ...] | None

    def name(self, line: Label) -> str | None:
        """The class of a line by the export's own names."""
        return _at(self.export or self.project, line)

    def fits(self, line: Label, candidate: Candidate) -> bool:
        """Whether a line's class is that of a label; VoTT writes "undefined" for a tag that it does not list."""
        if line.class_text == _UNDEFINED:
            return candidate.label not in self.project
        return self.name(line) == candidate.label

    def numbered_as_project(self, line: Label, candidate: Candidate) -> bool:
        """Whether the class is right by the project's order though not by the export's names."""
        return _at(self.project, line) == candidate.label


def _at(names: Sequence[str], line: Label) -> str | None:
    number = int(line.class_text) if line.class_text.isascii() and line.class_text.isdigit() else -1
    return names[number] if 0 <= number < len(names) else None


def outcomes(picture: Picture, lines: Sequence[Label], classes: Classes, screens: Screens) -> Iterator[Outcome]:
    """What the label file of a picture says of each of its labels, and which of its lines are none of them."""
    sound = [line for line in lines if line.found is not None]
    for line in lines:
        if line.found is None:
            fields = {"line": line.number, "text": line.written}
            yield Outcome(picture.name, Cause(rules.NO_LABEL), fields)
    if not lines:
        yield from _empty(picture)
        return

    def explains(line: Label, candidate: Candidate) -> Cause:
        assert line.found is not None
        return cause(line.found, candidate.drawn, screens)

    matching = Matching(sound, list(picture.candidates), classes.fits, explains)
    matching.run()
    for match in sorted(matching.matches, key=lambda match: match.line.number):
        yield _of_match(picture, match, classes)
    # A line too many may be one of the labels that cannot be checked.
    for line in matching.lines if not picture.unknown else ():
        fields = {"line": line.number, "label": classes.name(line) or line.class_text, "found": line.written}
        yield Outcome(picture.name, Cause(rules.EXTRA_LINE), {"case": "line", **fields})
    written = {match.candidate.region for match in matching.matches if match.candidate.last}
    yield from _left(picture, matching.candidates, written)


def _of_match(picture: Picture, match: Match, classes: Classes) -> Outcome:
    """A line that stands for a label; its class is told before its numbers, for that spoils more."""
    line, candidate, why = match.line, match.candidate, match.cause
    fields = {
        "line": line.number,
        "label": candidate.label,
        "box": candidate.region + 1,
        "found": line.written,
        "right": shown(candidate.drawn.right) if candidate.drawn.right else "–",
    }
    if candidate.prediction:
        why = Cause(rules.PREDICTION)
    elif line.class_text == _UNDEFINED:
        why = Cause(rules.UNDEFINED_CLASS)
    elif not match.fits:
        case = "names" if classes.numbered_as_project(line, candidate) else "class"
        fields |= {"case": case, "class": classes.name(line) or line.class_text}
        why = Cause(rules.OTHER_CLASS)
    return Outcome(picture.name, why, fields, None if candidate.prediction else candidate.region)


def _left(picture: Picture, candidates: Iterable[Candidate], written: Set[int]) -> Iterator[Outcome]:
    """Labels that have no line; written are the regions whose last tag has one, for VoTT writes no other."""
    for candidate in candidates:
        if candidate.drawn.right is None or candidate.prediction:
            continue
        rule = LAST_TAG_ONLY if candidate.region in written else MISSING
        fields = {"label": candidate.label, "box": candidate.region + 1, "right": shown(candidate.drawn.right)}
        case = {"case": "line"} if rule == MISSING else {}
        yield Outcome(picture.name, Cause(rule), fields | case, candidate.region)


def _empty(picture: Picture) -> Iterator[Outcome]:
    """An empty file says that nothing is to be seen: right only where somebody looked and drew nothing."""
    document = picture.document
    if document.regions == ():
        yield Outcome(picture.name, Cause(""))
    elif document.regions is None:
        if not document.predictions:
            yield Outcome(picture.name, Cause(rules.EXTRA_LINE), {"case": "unseen"})
    elif any(c.drawn.right is not None for c in picture.candidates):
        yield from _left(picture, picture.candidates, frozenset())
    elif not picture.unknown:
        yield Outcome(picture.name, Cause(rules.UNTAGGED), {"count": len(document.regions)})


def signature(picture: Picture, numbers: Callable[[Candidate], tuple[float, float, float, float]]) -> tuple[str, ...]:
    """The lines that VoTT would write for a picture, with class names, by one of its formulas."""
    return tuple(
        f"{whole(c.label)} {shown(numbers(c))}" for c in picture.candidates if c.last and c.drawn.right is not None
    )
