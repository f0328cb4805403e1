"""Something that came from or goes to another program, kept until it is done."""

from __future__ import annotations

from collections.abc import Set
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Literal

Order = Literal["ntfs", "bytes", "created"]

# Refusals that a person settles by saying in which order the files were listed.
BY_ORDER = frozenset({"ambiguous-order", "index-short"})


class DeliveryState(StrEnum):
    """waiting = a person must decide; dead = given up after many tries, kept and listed."""

    PENDING = "pending"
    WAITING = "waiting"
    DONE = "done"
    DEAD = "dead"


# What a person can still do something about.
OPEN = (DeliveryState.WAITING, DeliveryState.DEAD)


@dataclass(frozen=True, slots=True)
class Delivery:
    """One incoming webhook, one refused import or one outgoing push; key makes a repeat of it harmless."""

    id: int
    direction: Literal["in", "out"]
    kind: str
    project: str | None
    key: str
    body: dict[str, Any]
    state: DeliveryState = DeliveryState.PENDING
    attempts: int = 0
    outcome: dict[str, Any] = field(default_factory=dict)
    at: str = ""

    def concerns(self, names: Set[str]) -> bool:
        """Whether it is of a project with one of these ids or names (one that waits may not be made yet)."""
        return bool(names & {self.project, self.body.get("project")})
