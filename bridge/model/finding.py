"""A finding: what reading or checking showed, as a rule and fields; texts/ makes the sentence."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


class Severity(StrEnum):
    """How bad the effect is: an error damages training, a warning may, info loses nothing."""

    ERROR = "error"
    WARNING = "warning"
    INFO = "info"


class Fix(StrEnum):
    """The only changes we make without a person deciding each; all undoable."""

    CLIP = "clip"
    SWAP = "swap"
    DROP_DUPLICATE = "drop-duplicate"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing a person should know; region is the index of the region in its picture, fix the safe way out."""

    rule: str
    severity: Severity
    image: str | None = None
    fields: dict[str, Any] = field(default_factory=dict)
    region: int | None = None
    fix: Fix | None = None
    id: int | None = None
