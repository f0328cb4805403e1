"""Several labellings of one picture: equal ones count once, unlike ones are a conflict that a person must resolve."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, replace
from typing import Any

from bridge.model.annotation import Document, content_hash
from bridge.model.finding import Finding, Severity


def settled(rivals: Sequence[Document]) -> Document:
    """One document out of several labellings of one picture; those that nobody has looked at do not count.

    Neither the union nor a choice is made of unlike ones: then regions are None, and extra["conflict"] holds all
    of them as [{"author", "regions": [fields of Region]}] beside the finding `conflict`.
    """
    labellings = {_content(rival): rival for rival in reversed(rivals) if rival.regions is not None}
    if len(labellings) > 1:
        return _conflict(rivals[0], list(reversed(labellings.values())))
    return next(iter(labellings.values()), rivals[0])


def merged_twins(twins: Sequence[Document]) -> Document:
    """One document out of several entries of one picture in a file, with the finding that there were several."""
    if len(twins) == 1:
        return twins[0]
    document = settled(twins)
    others = [twin.extra for twin in twins if twin is not document]
    finding = Finding("duplicate-asset", Severity.INFO, document.image.name, {"count": len(twins)})
    return replace(document, findings=(*document.findings, finding), extra={**document.extra, "twins": others})


def _content(document: Document) -> str:
    return content_hash("", 0, 0, document.regions or ())


def _conflict(first: Document, labellings: Sequence[Document]) -> Document:
    authors = ", ".join(rival.author or "–" for rival in labellings)
    finding = Finding("conflict", Severity.ERROR, first.image.name, {"sources": authors, "count": len(labellings)})
    sets: list[dict[str, Any]] = [
        {"author": rival.author, "regions": [asdict(region) for region in rival.regions or ()]} for rival in labellings
    ]
    return replace(
        first, regions=None, author=None, findings=(*first.findings, finding), extra={**first.extra, "conflict": sets}
    )
