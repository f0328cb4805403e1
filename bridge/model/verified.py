"""A darknet export held against the project that it was made from."""

from __future__ import annotations

from dataclasses import dataclass, field

from bridge.model.finding import Finding


@dataclass(frozen=True, slots=True)
class Verified:
    """How many labels were checked and are right, how many each fault damaged (by rule), and what is to be said.

    An empty label file counts as one label: it says that there is nothing. held_out are the pictures that the export
    held back for measuring.
    """

    checked: int
    right: int
    damaged: dict[str, int] = field(default_factory=dict)
    findings: tuple[Finding, ...] = ()
    held_out: frozenset[str] = frozenset()
