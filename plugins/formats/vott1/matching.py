"""Positions of a v1 project → the pictures of its folder, or a refusal that shows what speaks for what."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from math import inf
from typing import Any

from bridge.errors import RefusedError
from bridge.model.annotation import Image
from bridge.model.finding import Finding, Severity
from bridge.plugin import ReadOptions
from plugins.formats.pictures import PictureFolder
from plugins.formats.vott1 import hints, witness
from plugins.formats.vott1.evidence import (
    Decision,
    How,
    Places,
    Score,
    Why,
    decide,
    distinct,
    in_words,
    places_of,
    rank,
    runner_up,
    scored,
    told,
)
from plugins.formats.vott1.fingerprint import Fit, Stages
from plugins.formats.vott1.listing import (
    Candidate,
    Listing,
    candidate,
    candidates,
    directory_order,
    listing_of,
    newer,
    tells_newer,
)
from plugins.formats.vott1.project import Project, position_of
from plugins.formats.vott1.shifts import unproved


@dataclass(frozen=True, slots=True)
class Match:
    """The picture of every position, by which order, and what a person should know of it.

    doubts are the pictures whose shape is not the one noted: an error, or a warning where that is not sure.
    """

    names: tuple[str, ...]
    order: str
    findings: tuple[Finding, ...]
    doubts: Mapping[str, Severity]


def matched(project: Project, pictures: PictureFolder, options: ReadOptions) -> Match:
    """Find the order in which VoTT saw the folder, or take the one that was asked for.

    Raises RefusedError: ambiguous-order where more than one reading is left or none fits, index-short where the
    folder holds fewer pictures than the project names. Both carry the evidence as plain values.
    """
    case = _case(project, pictures)
    if options.order == "auto":
        found = case.score(candidates(case.listing, options.leave_newer))
        whole = [score for score in found if len(score.candidate.names) >= case.needed]
        if not whole:
            raise case.short(found)
        decision = decide(whole, case.places, lambda possible: case.elect(possible))
        if decision.taken is None:
            raise case.ambiguous(whole, decision)
        return case.match(decision.taken, decision.reason, whole)
    asked = candidate(case.listing, options.order, options.leave_newer)
    others = [other for other in candidates(case.listing) if other.key != asked.key]
    taken, *rest = case.score([asked, *others])
    if len(asked.names) < case.needed:
        raise case.short([taken, *rest])
    return case.match(taken, "asked", [score for score in rest if len(score.candidate.names) >= case.needed])


def _case(project: Project, pictures: PictureFolder) -> _Case:
    frames = {at: frame for key, frame in project.frames.items() if (at := position_of(key)) is not None}
    visited = [at for key in project.visited if (at := position_of(key)) is not None]
    places = places_of(frames, visited)
    stages = Stages(size for sizes in places.noted.values() for size in sizes)
    image_of: Callable[[str], Image] = cache(lambda name: pictures.image(name)[0])
    return _Case(project, pictures, listing_of(pictures, project.path), places, stages, image_of)


@dataclass(frozen=True, slots=True)
class _Case:
    """One project whose positions are to be understood, and the folder they mean."""

    project: Project
    pictures: PictureFolder
    listing: Listing
    places: Places
    stages: Stages
    image_of: Callable[[str], Image]

    @property
    def needed(self) -> int:
        """How many pictures the folder must hold at least."""
        return self.places.used[-1] + 1 if self.places.used else 0

    def score(self, found: Iterable[Candidate]) -> list[Score]:
        """Every candidate with how its pictures fit; each picture is looked at once."""
        return [scored(one, self.places, self.stages, self.image_of) for one in found]

    def elect(self, possible: Sequence[Score]) -> Score | None:
        """The candidate that an export beside the project speaks for."""
        late = [self.listing.changed[name] for name in newer(self.listing)] if tells_newer(self.listing) else []
        found = witness.exports(self.project.path, self.project.labels)
        return witness.elected(possible, self.places, found, self.project.labels, min(late, default=inf))

    def match(self, taken: Score, how: How | Why, scores: Sequence[Score]) -> Match:
        """What is taken, and all that is told of it."""
        names = taken.candidate.names
        other = runner_up(taken, scores, self.places.used)
        late = [
            Finding("newer-image", Severity.INFO, name, {"case": "order"}) for name in sorted(taken.candidate.left_out)
        ]
        moved = unproved(taken, self.places, self.stages, self.image_of) if how in ("agree", "shapes") else 0
        lost = how != "asked" and len(self.listing.names) > 1 and not tells_newer(self.listing)
        findings = [
            _ordered(taken, other, how, len(self.places.used), moved),
            *late,
            *([Finding("times-lost", Severity.INFO)] if lost else []),
        ]
        doubts = {
            names[at]: Severity.ERROR if fit is Fit.MISFIT else Severity.WARNING for at, fit in taken.wrong().items()
        }
        return Match(names, taken.candidate.order, tuple(findings), doubts)

    def short(self, scores: Sequence[Score]) -> RefusedError:
        """Pictures are missing: every position after the first of them means another one, so none can be trusted."""
        unlike = distinct(scores, self.places.used)
        disputed = [p for p in self.places.used if len({score.name(p) for score in unlike} - {None}) > 1]
        evidence = self._evidence(scores, disputed)
        return RefusedError("index-short", **self._fields(), needed=self.needed, evidence=evidence)

    def ambiguous(self, scores: Sequence[Score], decision: Decision) -> RefusedError:
        """More than one reading, or none, is left."""
        possible = [score for score in scores if not score.ruled_out] or list(scores)
        return RefusedError(
            "ambiguous-order",
            **self._fields(),
            count=len(self.places.used),
            case=decision.reason,
            reason=decision.reason,
            differing=in_words(sorted(possible, key=rank), decision.disputed),
            evidence=self._evidence(scores, decision.disputed),
        )

    def _fields(self) -> dict[str, Any]:
        folder = ", ".join(map(str, self.pictures.roots))
        return {"path": str(self.project.path), "folder": folder, "found": len(self.listing.names)}

    def _evidence(self, scores: Sequence[Score], disputed: Sequence[int]) -> Mapping[str, Any]:
        path, labels = self.project.path, self.project.labels
        seen = [witness.told_of(export, scores, self.places, labels) for export in witness.exports(path, labels)]
        return {
            **told(scores, self.places, disputed),
            "hints": hints.traces(*self.pictures.roots, path.parent),
            "witnesses": seen + hints.saves(path, scores, self.places),
            "newer": sorted(newer(self.listing))[:200] if tells_newer(self.listing) else [],
            "times": "kept" if tells_newer(self.listing) else "lost",
            "directory": directory_order(self.listing),
        }


def _ordered(taken: Score, other: Score | None, how: How | Why, count: int, moved: int) -> Finding:
    """Which order, how it was told, its score and that of the next best reading.

    moved are the positions that a picture more or less could have moved unseen. An export decides with a warning: one
    made where the folder was listed otherwise agrees with that wrong order.
    """
    alone = "asked-alone" if how == "asked" and other is None else how
    sure = not (taken.misfits or moved or how == "export")
    fields = {
        "case": f"{how}-unproved" if moved else alone,
        "how": how,
        "order": taken.candidate.order,
        "count": count,
        "fits": taken.fits,
        "misfits": taken.misfits,
        "weak": taken.weak,
        "left_out": len(taken.candidate.left_out),
    }
    if moved:
        fields["moved"] = moved
    if other is not None:
        fields |= {"other": other.candidate.key, "other_fits": other.fits, "other_misfits": other.misfits}
    return Finding("ordered", Severity.INFO if sure else Severity.WARNING, None, fields)
