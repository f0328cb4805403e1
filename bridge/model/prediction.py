"""Boxes that a checkpoint made for a picture."""

from __future__ import annotations

from dataclasses import dataclass

from bridge.model.annotation import Region


@dataclass(frozen=True, slots=True)
class Prediction:
    """One picture's boxes by one checkpoint; regions carry scores and the author "checkpoint:<id>"."""

    image_id: int
    image: str
    checkpoint_id: str
    regions: tuple[Region, ...]
    at: str = ""
