"""Pictures and their project under new names."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from bridge.model.finding import Finding

Names = Literal["safe", "hash"]


@dataclass(frozen=True, slots=True)
class Tidied:
    """What was renamed (or would be), from the old names to the new ones; undoing goes from new to old.

    project is the file beside the pictures that was given the new names, None without one. changed tells whether
    anything is otherwise than before; a plan changes nothing.
    """

    folder: str
    project: str | None
    renames: tuple[tuple[str, str], ...]
    order: str
    changed: bool
    findings: tuple[Finding, ...] = ()
