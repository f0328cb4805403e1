"""Pictures with the same bytes, or that look nearly the same, stay on one side of the split."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass

from bridge.loop.split import Candidate, boxed_labels
from bridge.model.annotation import Image, fold_name
from bridge.model.finding import Finding, Severity
from bridge.store.revisions import Current
from bridge.twins.families import Family


@dataclass(frozen=True, slots=True)
class Past:
    """What settles a side: bytes (SHA-256) that earlier versions held out or trained on, and names a person wants.

    wanted None: no list was given, so that what the tool's own list says counts.
    """

    held_out: Collection[str]
    trained: Collection[str]
    wanted: Collection[str] | None


def copies(usable: Iterable[Current]) -> dict[str, list[Current]]:
    """Pictures by their bytes."""
    groups: dict[str, list[Current]] = {}
    for current in usable:
        groups.setdefault(str(current.document.image.sha256), []).append(current)
    return groups


def candidates(usable: Sequence[Current], families: Iterable[Family], past: Past) -> list[Candidate]:
    """What goes together; bytes that were held out once stay so, and their like with them.

    Only a list tears nearly equal pictures apart: what it puts into training stays there.
    """
    kin = {digest: number for number, family in enumerate(families) for digest in _digests(usable, family)}
    groups: dict[object, list[list[Current]]] = {}
    for digest, group in copies(usable).items():
        groups.setdefault(kin.get(digest, digest), []).append(group)
    return [candidate for group in groups.values() for candidate in _sides(group, past)]


def _digests(usable: Sequence[Current], family: Family) -> Iterator[str]:
    return (str(usable[index].document.image.sha256) for index in family.members)


def _sides(group: Sequence[Sequence[Current]], past: Past) -> Iterator[Candidate]:
    """The pictures as one candidate, or as two where some are held out and a list trains on others."""
    settled = [(same, _held(same, past)) for same in group]
    if any(held for _, held in settled):
        bound = [current for same, held in settled if held is False for current in same]
        rest = [current for same, held in settled if held is not False for current in same]
        yield from (_candidate(part, past, held) for part, held in ((bound, False), (rest, True)) if part)
    else:
        held = False if any(held is False for _, held in settled) else None
        yield _candidate([current for same in group for current in same], past, held)


def _held(same: Sequence[Current], past: Past) -> bool | None:
    """The side of equal bytes as far as it is settled."""
    said = {_said(current, past.wanted) for current in same} - {None}
    if same[0].document.image.sha256 in past.held_out or True in said:
        return True
    return False if said else None


def _said(current: Current, wanted: Collection[str] | None) -> bool | None:
    """Whether a person, or the tool's own list, says that a picture is held out."""
    if wanted is not None:
        return fold_name(current.document.image.name) in wanted
    said = current.document.extra.get("held_out")
    return said if isinstance(said, bool) else None


def _candidate(group: Sequence[Current], past: Past, held: bool | None) -> Candidate:
    labels = tuple(label for current in group for label in boxed_labels(current.document))
    trained = any(current.document.image.sha256 in past.trained for current in group)
    return Candidate(tuple(current.document.image.name for current in group), labels, held, trained)


def what_came_of(
    usable: Sequence[Current], families: Iterable[Family], past: Past, held: Collection[str]
) -> list[Finding]:
    """What nearly equal pictures meant for the split: which came together, were moved, or torn apart by a list."""
    told: list[Finding] = []
    together: list[str] = []
    for family in families:
        images = [usable[index].document.image for index in family.members]
        if len({image.sha256 for image in images}) > 1:
            together += [image.name for image in images]
            told += _moved(images, past, held)
    if together:
        count = {"count": len(together), "held": sum(name in held for name in together)}
        fields = {"case": "cut", "image_a": together[0], "image_b": together[1]} | count
        told.append(Finding("near-duplicate", Severity.INFO, None, fields))
    return told


def _moved(images: Sequence[Image], past: Past, held: Collection[str]) -> Iterator[Finding]:
    """Pictures whose older scores, or whose scores from now on, come out too good."""
    out = [image for image in images if image.name in held]
    for image in images if out else ():
        if image.name not in held:
            fields = {"case": "cut-said", "other": out[0].name}
        elif image.sha256 in past.trained and image.sha256 not in past.held_out and len(out) > 1:
            fields = {"case": "cut-moved", "other": next(other.name for other in out if other is not image)}
        else:
            continue
        yield Finding("near-duplicate", Severity.WARNING, image.name, fields)
