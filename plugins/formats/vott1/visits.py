"""Positions in a project that knows its pictures by name.

Development builds of mid-2018 wrote the regions twice, by position and by name, but visits by position alone; and a
project that VoTT 1.6 took over without converting it holds both kinds of keys.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from bridge.model.annotation import fold_name
from bridge.model.finding import Finding, Severity
from plugins.formats.pictures import PictureFolder
from plugins.formats.vott1.listing import candidates, listing_of
from plugins.formats.vott1.project import Project, position_of

_SHOWN = 5


def visits_by_name(project: Project, pictures: PictureFolder) -> tuple[Project, list[Finding]]:
    """The project with visits by name alone; one that nobody can tell the picture of is not counted but told."""
    wanted = {key: at for key in project.visited if (at := position_of(key)) is not None}
    known = _names(project, set(wanted.values()), pictures) if wanted else {}
    visited = [known.get(wanted[key]) if key in wanted else key for key in project.visited]
    unknown = [key for key in project.frames if position_of(key) is not None]
    unknown += [key for key, at in wanted.items() if at not in known]
    named = replace(project, visited=tuple(dict.fromkeys(name for name in visited if name is not None)))
    if not unknown:
        return named, []
    keys = ", ".join(unknown[:_SHOWN]) + (" …" if len(unknown) > _SHOWN else "")
    return named, [Finding("position-keys", Severity.WARNING, None, {"count": len(unknown), "keys": keys})]


def _names(project: Project, wanted: set[int], pictures: PictureFolder) -> Mapping[int, str]:
    """The names of positions: those that the file itself pairs, and others if every order that has these agrees."""
    pairs = _paired(project)
    if not pairs or wanted <= set(pairs):
        return pairs
    listings = [candidate.names for candidate in candidates(listing_of(pictures, project.path))]
    fitting = [names for names in listings if all(_is(names, at, name) for at, name in pairs.items())]
    told = {at: {names[at] if at < len(names) else None for names in fitting} for at in wanted - set(pairs)}
    return {**pairs, **{at: name for at, found in told.items() if len(found) == 1 and (name := found.pop())}}


def _is(names: tuple[str, ...], at: int, name: str) -> bool:
    return at < len(names) and fold_name(names[at]) == fold_name(name)


def _paired(project: Project) -> dict[int, str]:
    """Both lists were written in one go, positions ascending: the n-th of one is the n-th of the other."""
    frames = project.raw.get("frames")
    if frames is project.frames or not isinstance(frames, dict) or len(frames) != len(project.frames):
        return {}
    positions = [position_of(key) for key in frames]
    if None in positions:
        return {}
    ordered = sorted(at for at in positions if at is not None)
    pairs = dict(zip(ordered, project.frames, strict=True))
    return pairs if all(frames[str(at)] == project.frames[name] for at, name in pairs.items()) else {}
