"""Files of one folder whose names are one and the same to a person, or on another system."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Set

from bridge.model.annotation import fold_name
from bridge.model.finding import Finding, Severity
from plugins.formats.halves import whole


def strangers(files: Iterable[str], named: Set[str]) -> list[str]:
    """The files that no name of a label file stands for, one of each folded name.

    A name stands for the file spelled so, else for one that is equal after NFC, else for one that differs in case.
    """
    listed = sorted(files)
    folded = {fold_name(name) for name in listed}
    taken = {fold_name(name) for name in named}
    by_case = {name.casefold() for name in taken if name not in folded}
    found: dict[str, str] = {}
    for name in listed:
        fold = fold_name(name)
        if fold not in taken and fold.casefold() not in by_case:
            found.setdefault(fold, name)
    return list(found.values())


def clashes(files: Iterable[str], named: Set[str] = frozenset()) -> Iterator[Finding]:
    """What a person should know of files with like names; named are the names that a label file spells."""
    groups: dict[str, list[str]] = defaultdict(list)
    for name in sorted(files, key=lambda name: (name not in named, name)):
        groups[fold_name(name).casefold()].append(name)
    for group in (group for group in groups.values() if len(group) > 1):
        first: dict[str, str] = {}
        for name in group:
            other = first.setdefault(fold_name(name), name)
            if other != name:  # They cannot be told apart by what a person reads: the second one is not read.
                fields = {"path": whole(ascii(name)), "other": whole(ascii(other)), "case": "folder"}
                yield Finding("name-clash", Severity.ERROR, whole(name), fields)
        if len(first) > 1:
            fields = {"names": ", ".join(map(whole, first.values())), "case": "case"}
            yield Finding("name-clash", Severity.WARNING, whole(group[0]), fields)
