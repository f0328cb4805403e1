"""One VoTT v1 project file: where it lies, its tags, and what its frame keys mean."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path, PurePath
from typing import Any, Literal

from bridge.errors import InputError
from bridge.model.finding import Finding, Severity
from plugins.formats.glance import ends, json_files
from plugins.formats.mending import Mended, damaged, read_settled

# Brackets around one region: {"frames": {"a.jpg": [ … ]}}.
_REGION_DEPTH = 3
_VIDEOS = frozenset({".mp4", ".ogg", ".ogv", ".webm", ".mov", ".avi", ".m4v", ".mpg", ".mpeg", ".wmv"})
_FRAMES = re.compile(r'"(?:frames|framesByImagesName)"\s*:\s*\{')

# No folder and no film holds more than a thousand million pictures.
_MOST_DIGITS = 9

Keys = Literal["names", "index", "time"]


@dataclass(frozen=True, slots=True)
class Project:
    """What a project file says; folder is where its pictures (or its video) lie if nobody says otherwise.

    frames maps file names, positions in the folder ("index") or frame numbers of a video ("time") to lists of raw
    regions. visited are names or numbers of the same kind. declared is False where the file has no tag list.
    """

    path: Path
    raw: dict[str, Any]
    frames: dict[str, Any]
    visited: tuple[str, ...]
    keys: Keys
    labels: tuple[str, ...]
    declared: bool
    colors: dict[str, str]
    findings: tuple[Finding, ...] = ()

    @property
    def folder(self) -> Path:
        """VoTT saves beside what it opened: imgs/ → imgs.json, clip.mp4 → clip.mp4.json."""
        return self.path.with_suffix("")

    @property
    def framerate(self) -> float | None:
        """Frames per second that the annotator chose (a video's own rate is not stored); None where unusable."""
        try:
            rate = float(self.raw.get("framerate", ""))
        except (TypeError, ValueError, OverflowError):
            return None
        return rate if 0 < rate < 1e6 else None


def candidates(path: Path) -> list[Path]:
    """The v1 project files that a path stands for: itself, the one beside a picture folder or video, those inside."""
    beside = path.parent / f"{path.name}.json"
    if path.suffix.lower() != ".json" and _is_project(beside):
        return [beside]
    return [file for file in json_files(path) if _is_project(file)]


def _is_project(path: Path) -> bool:
    text = ends(path).lstrip() if path.suffix.lower() == ".json" and path.is_file() else ""
    return text.startswith("{") and _FRAMES.search(text) is not None


def load(path: Path, max_megabytes: int) -> Project:
    """Read a project; raises InputError where there is none, more than one, or nothing that can be used."""
    found = candidates(path)
    if len(found) > 1:
        raise InputError("several-projects", path=str(path), files=", ".join(f.name for f in found))
    file = found[0] if found else path
    mended = read_settled(file, max_megabytes, _REGION_DEPTH)
    raw = mended.value
    frames = _frames(raw) if isinstance(raw, dict) else None
    if frames is None:
        raise InputError("not-vott-v1", path=str(file))
    visited = tuple(str(v) for v in _list(raw.get("visitedFrames")) if type(v) in (str, int) and v != "")
    keys = _keys(file, frames, visited)
    if keys != "names":
        visited = tuple(filter(is_position, visited))
    declared, doubled = _tags(raw.get("inputTags"))
    labels = declared or _first_appearance(frames)
    return Project(
        file,
        raw,
        frames,
        visited,
        keys,
        labels,
        bool(declared),
        _colors(raw, declared),
        (*_damage(mended, file, frames, keys), *_label_findings(file, labels, bool(declared), doubled)),
    )


def _damage(mended: Mended, file: Path, frames: dict[str, Any], keys: Keys) -> Iterator[Finding]:
    """The findings about a damaged file; one that was cut among its frames names the last picture that it still has."""
    among = mended.how == "cut" and bool(frames) and list(mended.value)[-1] in ("frames", "framesByImagesName")
    for finding in damaged(mended, file):
        if finding.rule == "damaged" and among:
            last = last_part(list(frames)[-1])
            fields = finding.fields | {"case": "frames", "last": last, "count": len(frames)}
            yield replace(finding, image=last if keys == "names" else None, fields=fields)
        else:
            yield finding


def _frames(raw: dict[str, Any]) -> dict[str, Any] | None:
    # Development builds of 2018 kept both; the one by names is what they went by.
    by_name = raw.get("framesByImagesName")
    frames = by_name if isinstance(by_name, dict) and by_name else raw.get("frames")
    return frames if isinstance(frames, dict) else None


def _keys(file: Path, frames: dict[str, Any], visited: tuple[str, ...]) -> Keys:
    keys = list(frames) or list(visited)
    if not keys or not all(map(is_position, keys)):
        return "names"
    what = file.with_suffix("")
    return "time" if PurePath(what).suffix.lower() in _VIDEOS and not what.is_dir() else "index"


def is_position(key: str) -> bool:
    """Whether a key is a place in a folder's listing, or the number of a frame, as JavaScript prints them."""
    return key == "0" or (key.isascii() and key.isdigit() and key[0] != "0" and len(key) <= _MOST_DIGITS)


def position_of(key: str) -> int | None:
    """The number that a key is, as VoTT writes it; None for anything else."""
    return int(key) if is_position(key) else None


def last_part(key: str) -> str:
    """The file name of a key; development builds of 2018 wrote full paths."""
    return re.split(r"[/\\]", key)[-1] or key or "unnamed"


def tags_of(raw: object) -> tuple[str, ...]:
    """The tags of a raw region, each once; a single string counts as one tag."""
    listed = [raw] if isinstance(raw, str) else _list(raw)
    names = [str(tag).strip() for tag in listed if isinstance(tag, (str, int, float)) and not isinstance(tag, bool)]
    return tuple(dict.fromkeys(name for name in names if name))


def _tags(raw: object) -> tuple[tuple[str, ...], list[str]]:
    """The tag list (a comma string; its order is the class order) and the names that stand there twice."""
    parts = raw.split(",") if isinstance(raw, str) else [t for t in _list(raw) if isinstance(t, str)]
    names = [name for part in parts if (name := part.strip())]
    unique = tuple(dict.fromkeys(names))
    return unique, [name for name in unique if names.count(name) > 1]


def _first_appearance(frames: dict[str, Any]) -> tuple[str, ...]:
    regions = [region for frame in frames.values() for region in _list(frame) if isinstance(region, dict)]
    return tuple(dict.fromkeys(tag for region in regions for tag in tags_of(region.get("tags"))))


def _colors(raw: dict[str, Any], labels: tuple[str, ...]) -> dict[str, str]:
    colors = _list(raw.get("tag_colors"))  # May be shorter or longer than the tags.
    return {name: color for name, color in zip(labels, colors, strict=False) if isinstance(color, str)}


def _label_findings(file: Path, labels: tuple[str, ...], declared: bool, doubled: list[str]) -> list[Finding]:
    findings = [Finding("doubled-label", Severity.WARNING, None, {"label": name}) for name in doubled]
    if not declared and labels:
        fields = {"path": str(file), "labels": ", ".join(labels)}
        findings.append(Finding("label-order", Severity.WARNING, None, fields))
    return findings


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []
