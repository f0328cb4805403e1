"""What a project lists: one entry per picture or video frame, with the name that a person knows."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from bridge.model.annotation import fold_name
from bridge.model.finding import Finding, Severity
from plugins.formats.vott2.asset import TAGGED, VIDEO, VIDEO_FRAME, Record, common_folder, common_name, decoded_path
from plugins.formats.vott2.project import ASSET_SUFFIX, VottProject

_ABSOLUTE = re.compile(r"/|[A-Za-z]:/|https?:", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Entry:
    """One picture: its asset, where it lay when it was labelled, and its name relative to the folder of all of them.

    twins are the ids of other assets for the same path. file is where the picture lies, if that is known already.
    """

    id: str
    asset: Record
    path: str
    name: str
    twins: tuple[str, ...] = ()
    file: str | None = None

    @property
    def is_frame(self) -> bool:
        """Whether this is a frame of a video."""
        return self.asset.get("type") == VIDEO_FRAME


def entries_of(project: VottProject, images: Path | None = None) -> tuple[tuple[Entry, ...], tuple[Finding, ...]]:
    """All entries in the project's order, orphans last, and what is wrong between them."""
    orphans = dict(_orphans(project))
    records = {key: record if decoded_path(record) else _placed(project, key) for key, record in project.assets.items()}
    records |= {key: record for key, record in orphans.items() if record is not None}
    source = source_folder(project)
    # No place at all: its id is a name.
    paths = {key: _placed_in(source, decoded_path(record)) or key for key, record in records.items()}
    groups: dict[str, list[str]] = {}
    for key, record in records.items():
        if _is_picture(project, key, record):
            groups.setdefault(paths[key], []).append(key)
    names = _names(list(dict.fromkeys(paths.values())), images, source)
    found = []
    for path, keys in groups.items():
        newest = keys[0] if len(keys) == 1 else _newest(project, keys)
        twins = tuple(key for key in keys if key != newest)
        found.append(Entry(newest, records[newest], path, names[path], twins))
    kept, clashes = _distinct(found)
    return kept, (*_orphan_findings(orphans, {key: names[path] for key, path in paths.items()}), *clashes)


def _orphans(project: VottProject) -> Iterator[tuple[str, Record | None]]:
    """Asset files that the project does not list; what they are for stands inside."""
    for key in project.files:
        if key not in project.assets:
            labels = project.labels(key)
            asset = labels.content.get("asset") if labels else None
            yield key, asset if isinstance(asset, dict) and decoded_path(asset) else None


def _placed_in(source: str, path: str) -> str:
    """A path that does not say which folder it starts from is one in the source folder, where that is known."""
    return source + path if source and path and not _ABSOLUTE.match(path) else path


def _placed(project: VottProject, key: str) -> Record:
    """An asset that does not say where its picture is, with what its asset file knows of it."""
    labels = project.labels(key)
    inside = labels.content.get("asset") if labels else None
    told = {name: value for name, value in project.assets[key].items() if name in ("state", "size")}
    return inside | told if isinstance(inside, dict) else project.assets[key]


def _is_picture(project: VottProject, key: str, record: Record) -> bool:
    """A video is no picture, its frames are; VoTT writes an asset file without regions for the video itself."""
    if record.get("type") != VIDEO:
        return True
    labels = project.labels(key)
    return labels is not None and bool(labels.regions)


def _newest(project: VottProject, keys: list[str]) -> str:
    """Of several assets for one picture the one whose labels were written last."""

    def age(key: str) -> tuple[bool, bool, int, bool]:
        labels, time = project.labels(key), _written(project.files.get(key))
        # Labels that should be there and are not must not hide behind an asset that never had any.
        tagged = project.assets.get(key, {}).get("state") == TAGGED
        return labels is not None, bool(labels and labels.regions), time, tagged

    return max(reversed(keys), key=age)


def _written(path: str | None) -> int:
    """When a file was written last; 0 if it is not there, or not any more."""
    try:
        return os.stat(path).st_mtime_ns if path else 0  # noqa: PTH116
    except OSError:
        return 0


def _names(paths: list[str], images: Path | None, source: str) -> dict[str, str]:
    """Names relative to the folder a person named if all paths lie in it, else to the project's own source folder.

    What lies elsewhere (videos, say) is named from the folder it has in common, as is everything where the source
    folder is not known.
    """
    folder = images.absolute().as_posix().rstrip("/") + "/" if images else ""
    if folder and all(path.startswith(folder) for path in paths):
        return {path: common_name(path, folder) for path in paths}
    inside = [path for path in paths if source and path.startswith(source)]
    if inside:
        outside = common_folder(path for path in paths if not path.startswith(source))
        names = {path: common_name(path, source if path.startswith(source) else outside) for path in paths}
        if len({fold_name(name) for name in names.values()}) == len(names):
            return names
    root = common_folder(paths)
    return {path: common_name(path, root) for path in paths}


def source_folder(project: VottProject) -> str:
    """The folder of the project's pictures, with a slash at its end; "" where the connection is closed to us."""
    connection = project.content.get("sourceConnection")
    options = connection.get("providerOptions") if isinstance(connection, dict) else None
    options = project.unsealed.get("sourceConnection", options)
    folder = options.get("folderPath") if isinstance(options, dict) else None
    return folder.replace("\\", "/").rstrip("/") + "/" if isinstance(folder, str) and folder else ""


def _distinct(found: list[Entry]) -> tuple[tuple[Entry, ...], list[Finding]]:
    """Entries whose names differ also after NFC; of two that do not, the later one is left to a person."""
    first: dict[str, Entry] = {}
    clashes = []
    for entry in found:
        if (other := first.setdefault(fold_name(entry.name), entry)) is not entry:
            clashes.append(Finding("name-clash", Severity.ERROR, entry.name, {"path": entry.path, "other": other.path}))
    return tuple(first.values()), clashes


def _orphan_findings(orphans: dict[str, Record | None], named: dict[str, str]) -> Iterator[Finding]:
    for key, record in orphans.items():
        fields = {"path": key + ASSET_SUFFIX}
        if record is None:
            yield Finding("orphan-asset", Severity.ERROR, None, fields | {"case": "unplaced"})
        else:
            yield Finding("orphan-asset", Severity.WARNING, named[key], fields)
