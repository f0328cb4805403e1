"""The names of pictures as keys of a v1 project, which knows no sub-folders."""

from __future__ import annotations

import re
from collections.abc import Iterable

from bridge.model.annotation import fold_name

_SEPARATORS = re.compile(r"[/\\]")


def flat_names(names: Iterable[str]) -> dict[str, str]:
    """A file name of its own for every picture: the last part where that is unique, else all parts in one."""
    parts = {name: _SEPARATORS.split(name) for name in names}
    taken: set[str] = set()
    flat: dict[str, str] = {}
    for name in sorted(parts, key=lambda name: len(parts[name])):
        short = parts[name][-1] or "unnamed"
        while len(parts[name]) > 1 and fold_name(short).casefold() in taken:
            short = "_".join(parts[name]) if short == parts[name][-1] else f"_{short}"
        flat[name] = short
        taken.add(fold_name(short).casefold())
    return flat
