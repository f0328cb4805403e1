"""A v1 project with other picture names: every region, visit and unknown field stays as it was written."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from bridge.errors import ConflictError
from plugins.formats.vott1.project import Project, last_part, position_of

# A key of a project → the key that takes its place.
Rekey = Callable[[str], str]


def rekeyed(raw: Mapping[str, Any], frames: Mapping[str, Any], visited: Iterable[Any], rekey: Rekey) -> dict[str, Any]:
    """The document with its frames and visits under new keys, all else in its place.

    Raises ConflictError where two frames would come to have one key.
    """
    owners: dict[str, str] = {}
    for key in frames:
        other = owners.setdefault(rekey(key), key)
        if other != key:
            raise ConflictError("tidy-twins", old=key, other=other, new=rekey(key))
    renamed = {rekey(key): frame for key, frame in frames.items()}
    top = {key: renamed if key in ("frames", "framesByImagesName") else value for key, value in raw.items()}
    if "visitedFrames" in top:
        top["visitedFrames"] = list(dict.fromkeys(rekey(key) if isinstance(key, str) else key for key in visited))
    return top


def unless_taken(rekey: Rekey, frames: Mapping[str, Any]) -> Rekey:
    """The same, but a frame stays where its new key is that of another frame: nothing is put over anything."""

    def careful(key: str) -> str:
        new = rekey(key)
        return key if new in frames else new

    return careful


def by_name(renames: Mapping[str, str], spelled: Mapping[str, str]) -> Rekey:
    """New keys for names (or full paths, of which the last part is one); spelled are file names by last part."""

    def rekey(key: str) -> str:
        name = last_part(key)
        file = spelled.get(name, name)
        return key.removesuffix(name) + renames[file] if file in renames else key

    return rekey


def by_position(renames: Mapping[str, str], names: tuple[str, ...]) -> Rekey:
    """Names in place of positions."""

    def rekey(key: str) -> str:
        at = position_of(key)
        name = key if at is None else names[at]
        return renames.get(name, name)

    return rekey


def names_in(project: Project) -> list[str]:
    """The file names that a project speaks of."""
    return list(dict.fromkeys(map(last_part, (*project.frames, *project.visited))))
