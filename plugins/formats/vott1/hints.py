"""What only a person can weigh: later saves of a project, and traces of the system that a folder lay on.

A later save by name does not decide which picture a position means: versions from 1.6.0 on turn positions into names
by the listing of the computer on which they are opened, and shift every frame without a word where that lists
otherwise or holds a picture more. Neither does Thumbs.db or .DS_Store: a folder that visits another system keeps them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from bridge.errors import BridgeError
from plugins.formats.glance import json_files
from plugins.formats.vott1.evidence import Places, Score
from plugins.formats.vott1.project import last_part, load
from plugins.formats.vott1.scale import numbers, recorded_size

_TRACES = frozenset({"thumbs.db", "desktop.ini", ".ds_store"})
_MEGABYTES = 64


def saves(project: Path, scores: Sequence[Score], places: Places) -> list[dict[str, Any]]:
    """Project files beside this one that know pictures by name and hold its numbers, and the orders they agree with."""
    told = []
    for path in json_files(project.parent):
        named = _named_frames(path) if path != project else {}
        if named:
            orders = [score.candidate.key for score in scores if _same_numbers(score, places, named)]
            told += [{"file": path.name, "kind": "save", "agrees": orders}] if orders else []
    return told


def _named_frames(path: Path) -> dict[str, list[Any]]:
    try:
        found = load(path, _MEGABYTES)
    except BridgeError:
        return {}
    return {last_part(key): _drawn(frame) for key, frame in found.frames.items()} if found.keys == "names" else {}


def _same_numbers(score: Score, places: Places, named: Mapping[str, list[Any]]) -> bool:
    pairs = [
        (_drawn(places.frames[position]), named[name])
        for position in places.noted
        if (name := score.name(position)) is not None and name in named
    ]
    return bool(pairs) and all(mine == theirs for mine, theirs in pairs)


def _drawn(frame: object) -> list[Any]:
    raws = [raw for raw in frame if isinstance(raw, dict) and raw] if isinstance(frame, list) else []
    return [(numbers(raw), recorded_size(raw)) for raw in raws]


def traces(*folders: Path) -> list[str]:
    """Files that Windows or macOS leaves in folders it has shown."""
    found: set[str] = set()
    for folder in folders:
        try:
            found |= {path.name for path in folder.iterdir() if path.name.lower() in _TRACES}
        except OSError:
            continue  # Not there or not ours to read: no trace then.
    return sorted(found)
