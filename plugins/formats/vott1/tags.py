"""Tag names that VoTT v1 can hold: it keeps them in one comma string and takes all whitespace out of it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from hashlib import sha256

from bridge.model.dataset import Dataset

_SPLITS = re.compile(r"[\s,\ufeff]+")


def all_labels(dataset: Dataset) -> list[str]:
    """The project's labels, then those that only stand on regions: v1.7 spoils regions whose tag is not listed."""
    used = (n for d in dataset.documents for r in (*(d.regions or ()), *d.predictions) for n in r.labels)
    return list(dict.fromkeys((*dataset.labels, *used)))


def is_tag(label: str) -> bool:
    """Whether VoTT v1 can hold this name as it is."""
    return bool(label) and not _SPLITS.search(label)


def tags_for(labels: Iterable[str]) -> dict[str, str]:
    """A tag for every label, each its own; the label itself where that can be."""
    names = list(dict.fromkeys(labels))
    tags = {name: name for name in names if is_tag(name)}
    taken = set(tags)
    for name in names:
        if name not in tags:
            stem = tag = _SPLITS.sub("_", name).strip("_") or "tag"
            number = 2
            while tag in taken:
                tag, number = f"{stem}_{number}", number + 1
            taken.add(tag)
            tags[name] = tag
    return {name: tags[name] for name in names}


def color_of(label: str, colors: Mapping[str, str]) -> str:
    """The label's colour, or one made of its name, so that it is the same in every export."""
    return colors.get(label) or f"#{sha256(label.encode('utf-8', 'surrogatepass')).hexdigest()[:6]}"
