"""Boxes that a checkpoint made for a picture, and the marks by which they are known in a tool's file."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, field

from bridge.model.annotation import Region

# The checkpoint's id may hold "-" itself, the number and the digits after it cannot.
_MARK = re.compile(r"lb-(?P<checkpoint>.+)-(?P<n>\d+)-(?P<digest>[0-9a-f]{8})", re.DOTALL)
_AUTHOR = "checkpoint:"


@dataclass(frozen=True, slots=True)
class Prediction:
    """One picture's boxes by one checkpoint; regions carry scores and the author "checkpoint:<id>"."""

    image_id: int
    image: str
    checkpoint_id: str
    regions: tuple[Region, ...]
    at: str = ""


@dataclass(frozen=True, slots=True)
class Mark:
    """The region id under which a checkpoint's n-th box of a picture stands in a VoTT file.

    digest is over what was written, so that a region that somebody has touched no longer fits its mark.
    """

    checkpoint: str
    n: int
    digest: str

    @property
    def text(self) -> str:
        """The mark as it is written."""
        return f"lb-{self.checkpoint}-{self.n}-{self.digest}"

    @classmethod
    def read(cls, region_id: str | None) -> Mark | None:
        """The mark that a region's id is; None for any other id."""
        if region_id is None or not region_id.startswith("lb-"):
            return None
        found = _MARK.fullmatch(region_id)
        return cls(found["checkpoint"], int(found["n"]), found["digest"]) if found else None


def own_id(checkpoint: str, n: int) -> str:
    """The plain region id of a checkpoint's n-th box of a picture once a person has accepted it: eight hex digits."""
    return hashlib.sha256(f"{checkpoint}\n{n}".encode("utf-8", "surrogatepass")).hexdigest()[:8]


def accepted_id(region_id: str | None) -> str | None:
    """The plain id that a marked region has once it is accepted; None for an id that is no mark."""
    mark = Mark.read(region_id)
    return own_id(mark.checkpoint, mark.n) if mark else None


def author_of(checkpoint: str) -> str:
    """The author of a checkpoint's regions."""
    return _AUTHOR + checkpoint


def checkpoint_of(region: Region) -> str:
    """The id of the checkpoint that made a region; "" for a person's."""
    author = region.author or ""
    return author.removeprefix(_AUTHOR) if author.startswith(_AUTHOR) else ""


@dataclass(frozen=True, slots=True)
class Counts:
    """What a person did with a model's boxes: kept, moved, relabelled, deleted; and what he added himself."""

    kept: int = 0
    moved: int = 0
    relabelled: int = 0
    deleted: int = 0
    added: int = 0

    def __add__(self, other: Counts) -> Counts:
        """Both together."""
        return Counts(
            self.kept + other.kept,
            self.moved + other.moved,
            self.relabelled + other.relabelled,
            self.deleted + other.deleted,
            self.added + other.added,
        )

    @property
    def offered(self) -> int:
        """How many boxes the model had made."""
        return self.kept + self.moved + self.relabelled + self.deleted

    @property
    def kept_share(self) -> float | None:
        """The part of its boxes that was kept as it was; None where it made none."""
        return self.kept / self.offered if self.offered else None


@dataclass(frozen=True, slots=True)
class Fared:
    """What people did with the boxes of one checkpoint, on how many pictures; labels are in class order."""

    checkpoint: str
    pictures: int
    total: Counts
    labels: dict[str, Counts] = field(default_factory=dict)
