"""What speaks for each order in which a folder may have been listed, as a refusal carries it (plain JSON values)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from bridge.model.delivery import Order


@dataclass(frozen=True, slots=True)
class Candidate:
    """One order: how many recorded shapes fit the pictures that it means, how many do not, and how many hardly do.

    without_newer leaves out the pictures that are newer than the project file. possible is False where some picture
    certainly shows something else.
    """

    order: Order
    without_newer: bool = False
    fits: int = 0
    misfits: int = 0
    weak: int = 0
    possible: bool = True

    @property
    def key(self) -> str:
        """How it is called among the names of a disputed position."""
        return f"{self.order}-without-newer" if self.without_newer else self.order


@dataclass(frozen=True, slots=True)
class Disputed:
    """A position that means another picture in each order: file name and fit (None: cannot be told) by candidate."""

    position: int
    labels: tuple[str, ...] = ()
    names: dict[str, str] = field(default_factory=dict)
    fits: dict[str, bool | None] = field(default_factory=dict)

    def readings(self) -> list[tuple[str, tuple[str, ...]]]:
        """Each picture that may be meant, with the candidates that mean it, in their order."""
        found: dict[str, list[str]] = {}
        for key, name in self.names.items():
            found.setdefault(name, []).append(key)
        return [(name, tuple(keys)) for name, keys in found.items()]


@dataclass(frozen=True, slots=True)
class Evidence:
    """All of it; hints are files that only one system leaves in a folder, disputed counts also positions not told."""

    candidates: tuple[Candidate, ...] = ()
    pictures: tuple[Disputed, ...] = ()
    hints: tuple[str, ...] = ()
    disputed: int = 0


def evidence_of(fields: Mapping[str, Any]) -> Evidence | None:
    """The evidence among the fields of a refusal; None where it has none."""
    raw = fields.get("evidence")
    if not isinstance(raw, Mapping):
        return None
    candidates = tuple(Candidate(**{k: c[k] for k in Candidate.__slots__ if k in c}) for c in raw.get("candidates", ()))
    pictures = tuple(
        Disputed(p["position"], tuple(p.get("labels", ())), dict(p.get("names", {})), dict(p.get("fits", {})))
        for p in raw.get("pictures", ())
    )
    disputed = max(int(raw.get("disputed", 0)), len(pictures))
    return Evidence(candidates, pictures, tuple(raw.get("hints", ())), disputed)
