"""What the tests of all formats share: a Reading as a Dataset, and what must be equal after a round trip."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from bridge.model.annotation import Document, content_hash
from bridge.model.dataset import Dataset, Reading
from bridge.model.finding import Finding


def dataset_of(reading: Reading, **changes: object) -> Dataset:
    dataset = Dataset(
        reading.title, reading.labels, tuple(reading.documents), colors=reading.colors, extra=reading.extra
    )
    return replace(dataset, **changes)  # type: ignore[arg-type]


def contents(documents: Iterable[Document]) -> dict[str, str | None]:
    """Content hash by picture; None for those that nobody has looked at."""
    return {
        d.image.name: None
        if d.regions is None
        else content_hash(d.image.name, d.image.width, d.image.height, d.regions)
        for d in documents
    }


def rules(findings: Iterable[Finding]) -> list[str]:
    return [finding.rule for finding in findings]
