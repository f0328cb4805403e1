"""What speaks for each order of a folder, as a terminal shows it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from bridge.model.evidence import Candidate, Disputed, Evidence, evidence_of

if TYPE_CHECKING:
    from bridge.cli.console import Console

# A terminal is no place for hundreds of lines; --json and the page have them all.
_POSITIONS = 20


def say_evidence(console: Console, fields: Mapping[str, Any]) -> None:
    """What speaks for each order, and the positions that are in dispute; nothing where a refusal has no evidence."""
    evidence = evidence_of(fields)
    if evidence is None or console.json:
        return
    _say_candidates(console, evidence)
    _say_positions(console, evidence)
    if evidence.hints:
        console.say("evidence-hints", names=console.text("comma").join(evidence.hints))


def _say_candidates(console: Console, evidence: Evidence) -> None:
    rows = [(_order(console, c), c.fits, c.misfits, c.weak) for c in evidence.candidates]
    console.line("")
    console.table(("order", "fits", "misfits", "weak"), rows)


def _order(console: Console, candidate: Candidate) -> str:
    where = console.text(f"order-{candidate.order}")
    told = f"{candidate.order} ({where})"
    return console.text("without-newer", order=told) if candidate.without_newer else told


def _say_positions(console: Console, evidence: Evidence) -> None:
    """The file that each order means, where they differ."""
    keys = list(dict.fromkeys(key for picture in evidence.pictures for key in picture.names))
    rows = [
        (p.position, console.text("comma").join(p.labels), *(_meant(console, p, key) for key in keys))
        for p in evidence.pictures[:_POSITIONS]
    ]
    if not rows:
        return
    console.line("")
    console.table(("position", "label", *(f"by-{key}" for key in keys)), rows)
    if evidence.disputed > _POSITIONS:
        console.say("evidence-more", n=evidence.disputed - _POSITIONS)


def _meant(console: Console, picture: Disputed, key: str) -> str:
    fits = picture.fits.get(key)
    mark = "" if fits is None else console.text("fit-yes" if fits else "fit-no")
    return f"{picture.names.get(key, '')} {mark}".strip()
