"""What speaks for each order in which a folder may have been listed, and whether that is enough to take one."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from bridge.model.annotation import Image
from plugins.formats.vott1.fingerprint import Fit, Noted, PlaceFit, Stages, noted
from plugins.formats.vott1.listing import Candidate
from plugins.formats.vott1.project import tags_of

# So many pictures are put before a person.
_SHOWN = 200
_NAMED = 5

How = Literal["agree", "shapes", "export", "asked"]
Why = Literal["tie", "misfits", "unscored"]


@dataclass(frozen=True, slots=True)
class Places:
    """The positions that a project names, ascending, with their frames and the sizes noted in them."""

    used: tuple[int, ...]
    frames: Mapping[int, Any]
    noted: Mapping[int, frozenset[Noted]]

    def labels(self, position: int) -> list[str]:
        """The labels at a position, each once."""
        frame = self.frames.get(position)
        raws = [raw for raw in frame if isinstance(raw, dict)] if isinstance(frame, list) else []
        return list(dict.fromkeys(tag for raw in raws for tag in tags_of(raw.get("tags"))))


@dataclass(frozen=True, slots=True)
class Score:
    """How the pictures of one candidate fit what was noted, by position; None where there is nothing to compare.

    fits, weak and misfits count positions; ruled_out tells that one of them certainly shows another picture.
    """

    candidate: Candidate
    places: Mapping[int, PlaceFit | None]
    fits: int
    weak: int
    misfits: int
    ruled_out: bool

    def name(self, position: int) -> str | None:
        """The picture at a position; None beyond the last one."""
        names = self.candidate.names
        return names[position] if position < len(names) else None

    def wrong(self) -> dict[int, Fit]:
        """The positions whose pictures do not fit: UNCLEAR or MISFIT."""
        return {at: fit.worst for at, fit in self.places.items() if fit is not None and fit.worst >= Fit.UNCLEAR}


@dataclass(frozen=True, slots=True)
class Decision:
    """The candidate taken and how it was told, or None and why none could be; disputed are positions in question."""

    taken: Score | None
    reason: How | Why
    disputed: tuple[int, ...] = ()


def places_of(frames: Mapping[int, Any], visited: Sequence[int]) -> Places:
    """What frames and visited positions of a project say."""
    sizes = {position: found for position, frame in frames.items() if (found := noted(frame))}
    return Places(tuple(sorted({*frames, *visited})), frames, sizes)


def scored(candidate: Candidate, places: Places, stages: Stages, image_of: Callable[[str], Image]) -> Score:
    """Compare what was noted at each position with the picture that the candidate has there."""
    names = candidate.names
    fits = {
        position: stages.fit(sizes, image_of(names[position])) if position < len(names) else None
        for position, sizes in places.noted.items()
    }
    found = [fit for fit in fits.values() if fit is not None]
    return Score(
        candidate,
        fits,
        fits=sum(fit.worst is Fit.FITS for fit in found),
        weak=sum(fit.worst is Fit.STAGE for fit in found),
        misfits=sum(fit.worst >= Fit.UNCLEAR for fit in found),
        ruled_out=any(fit.best is Fit.MISFIT for fit in found),
    )


def decide(scores: Sequence[Score], places: Places, elect: Callable[[Sequence[Score]], Score | None]) -> Decision:
    """Take a candidate only where no other reading is left.

    Candidates that put the same pictures at all positions are one. One whose pictures all fit is taken if every
    other has a picture that certainly does not, or if elect (other witnesses) knows of only one. Where a picture of
    the best does not fit, something was added, removed or replaced since: then no position can be trusted.
    """
    unlike = distinct(scores, places.used)
    possible = [score for score in unlike if not score.ruled_out]
    if len(possible) == 1 and not possible[0].misfits:
        return Decision(possible[0], "shapes" if len(unlike) > 1 else "agree")
    if len(possible) < 2:
        wrong = min(unlike, key=rank).wrong()
        return Decision(None, "misfits", tuple(p for p in places.used if p in wrong or _differ(unlike, p)))
    elected = elect(possible)
    if elected is not None and not elected.misfits:
        return Decision(elected, "export")
    disputed = tuple(position for position in places.used if _differ(possible, position))
    return Decision(None, "tie" if any(p in places.noted for p in disputed) else "unscored", disputed)


def distinct(scores: Sequence[Score], used: Sequence[int]) -> list[Score]:
    """One score for each way of putting pictures at the used positions: the first that came."""
    found: dict[tuple[str | None, ...], Score] = {}
    for score in scores:
        found.setdefault(tuple(score.name(position) for position in used), score)
    return list(found.values())


def runner_up(taken: Score, scores: Sequence[Score], used: Sequence[int]) -> Score | None:
    """The best of the candidates that read something otherwise."""
    others = [score for score in scores if any(score.name(p) != taken.name(p) for p in used)]
    return min(others, key=rank, default=None)


def rank(score: Score) -> tuple[int, int]:
    """Sort key, best first."""
    return score.misfits, -score.fits


def _differ(scores: Sequence[Score], position: int) -> bool:
    return len({score.name(position) for score in scores}) > 1


def told(scores: Sequence[Score], places: Places, disputed: Sequence[int]) -> dict[str, Any]:
    """Scores and pictures in question as plain values, for a person at a terminal or a page."""
    return {
        "candidates": [
            {
                "key": score.candidate.key,
                "order": score.candidate.order,
                "without_newer": bool(score.candidate.left_out),
                "fits": score.fits,
                "misfits": score.misfits,
                "weak": score.weak,
                "possible": not score.ruled_out,
            }
            for score in scores
        ],
        "pictures": [_picture(scores, places, position) for position in disputed[:_SHOWN]],
        "disputed": len(disputed),
    }


def _picture(scores: Sequence[Score], places: Places, position: int) -> dict[str, Any]:
    fits = {score.candidate.key: score.places.get(position) for score in scores}
    return {
        "position": position,
        "labels": places.labels(position),
        "names": {score.candidate.key: name for score in scores if (name := score.name(position)) is not None},
        "fits": {key: None if fit is None else fit.plain for key, fit in fits.items()},
    }


def in_words(scores: Sequence[Score], disputed: Sequence[int]) -> str:
    """The first positions in question with the pictures that they may mean."""
    parts = []
    for position in disputed[:_NAMED]:
        names = dict.fromkeys(name for score in scores if (name := score.name(position)) is not None)
        parts.append(f"{position}: {' / '.join(names)}")
    return "; ".join(parts) + (" …" if len(disputed) > _NAMED else "") or "–"
