"""A project and the labeling tools it is connected to."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

from bridge.model.annotation import Label

SourceKind = Literal["label-studio", "vott-v1", "vott-v2", "import"]


@dataclass(frozen=True, slots=True)
class Project:
    """Ordered labels and pictures under one name; id is [a-z0-9-] for URLs, made once.

    labels are the classes in order, then the aliases of renamed and merged ones.
    """

    id: str
    name: str
    labels: tuple[Label, ...] = ()
    created: str = ""

    def label_names(self) -> tuple[str, ...]:
        """Names in class order."""
        return tuple(label.name for label in self.classes)

    @property
    def classes(self) -> tuple[Label, ...]:
        """The labels that are classes, in order."""
        return tuple(label for label in self.labels if label.alias is None)


@dataclass(frozen=True, slots=True)
class Source:
    """A connection to one labeling tool; place is a URL or folder, cursor how far it was read."""

    id: int
    project: str
    name: str
    kind: SourceKind
    place: str
    options: dict[str, Any] = field(default_factory=dict)
    cursor: str | None = None
    heads_rule: str | None = None
