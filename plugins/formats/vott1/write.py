"""Documents → a v1 project file as v1.7.2 writes it, put into what stands there already."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

from bridge.errors import InputError, RefusedError
from bridge.model.annotation import Document, fold_name
from bridge.model.dataset import Dataset
from bridge.model.finding import Finding, Severity
from bridge.plugin import WriteOptions
from plugins.formats.backup import overwrites, write_over
from plugins.formats.json_text import json_line, json_name
from plugins.formats.pictures import place, unsafe
from plugins.formats.vott1.frame import has_new_predictions, raw_frame
from plugins.formats.vott1.losses import renamings
from plugins.formats.vott1.names import flat_names
from plugins.formats.vott1.project import Project, last_part, load
from plugins.formats.vott1.region import EXTRA
from plugins.formats.vott1.tags import all_labels, color_of, tags_for
from plugins.formats.vott1.unknown import unknown_by_name, unknown_by_place

_DEFAULTS: dict[str, Any] = {
    "frames": None,
    "framerate": "1",
    "inputTags": "",
    "suggestiontype": "track",
    "scd": False,
    "visitedFrames": [],
    "tag_colors": [],
}


@dataclass(frozen=True, slots=True)
class _Standing:
    """What the file holds before we write: nothing where there is none. visited is by file name, as it was written.

    placed are frames under keys that mean nothing here: they are not written again.
    """

    raw: dict[str, Any]
    frames: dict[str, Any]
    visited: dict[str, str | int]
    labels: tuple[str, ...] = ()
    placed: Mapping[str, Any] = field(default_factory=dict)
    colors: dict[str, str] = field(default_factory=dict)
    mended: bool = False


def write(dataset: Dataset, out: Path, options: WriteOptions) -> list[Finding]:
    """Write the project; a file that stands there keeps the frames, tags and fields that the dataset does not name.

    It is backed up before it changes, and left alone if no frame and no tag would change. Raises RefusedError where a
    file of another kind stands there, or one with a person's regions that the dataset does not know.
    """
    film = film_of(dataset)
    path = out if out.suffix.lower() == ".json" and not out.is_dir() else out / json_name(film or dataset.name)
    tags = tags_for(all_labels(dataset))
    names = flat_names(document.image.name for document in dataset.documents)
    is_film = film is not None and path.with_suffix("").name == film  # A number means nothing beside another name.
    standing = _standing(path, dataset, is_film)
    frames, visited = _filled(dataset, standing, tags, names, is_film)
    unknown = _unknown(dataset, standing, frames, names, options)
    if unknown and not options.allow_loss:
        raise overwrites(path, unknown)
    stood = {tag: options.renamed.get(tag, tag) for tag in standing.labels}
    labels = list(dict.fromkeys((*tags.values(), *stood.values())))
    if not path.exists() or standing.mended or frames != standing.frames or labels != list(standing.labels):
        named = {stood[tag]: color for tag, color in standing.colors.items() if tag in stood}
        named |= {tags[label]: color for label, color in dataset.colors.items() if label in tags}
        path.parent.mkdir(parents=True, exist_ok=True)
        data = json_line(_top(standing.raw, frames, visited, labels, named))
        write_over(path, data, options.expected.get(str(path), (-1, -1)) if options.expected is not None else None)
    findings = [*renamings(tags, names), *unknown]
    if options.pictures != "none":
        findings += _place_pictures(dataset, names, path.with_suffix(""), options)
    return findings


def _unknown(
    dataset: Dataset, standing: _Standing, frames: Mapping[str, Any], names: Mapping[str, str], options: WriteOptions
) -> list[Finding]:
    """What a person made in the file that the dataset does not know; nothing where both were merged right before."""
    if options.expected is not None or not (standing.frames or standing.placed):
        return []
    by_name = {fold_name(names[document.image.name]): document for document in dataset.documents}
    found = unknown_by_name(standing.frames, frames, by_name, options.earlier)
    return [*found, *unknown_by_place(standing.placed, by_name.values(), options.earlier)]


def film_of(dataset: Dataset) -> str | None:
    """The video of which all of it are frames, each with its number: then the numbers are its keys again."""
    documents = list(dataset.documents)
    films = {document.image.name.rpartition("#t=")[0] for document in documents}
    keys = [str(document.extra.get(EXTRA, {}).get("key")) for document in documents]
    return films.pop() if len(films) == 1 and films != {""} and all(key.isdigit() for key in keys) else None


def _standing(path: Path, dataset: Dataset, film: bool) -> _Standing:
    """The project at this path; else what the dataset remembers of the one it came from."""
    try:
        project: Project | None = load(path, 512) if path.exists() else None
    except InputError as error:
        if path.stat().st_size:
            raise RefusedError("file-not-ours", path=str(path)) from error
        project = None
    if project is None:
        raw = dataset.extra.get(EXTRA) or {}
        return _Standing(raw, {}, _visited(raw, film))
    if project.keys != ("time" if film else "names"):  # Positions are turned into names, once and for all.
        return _Standing(project.raw, {}, {}, project.labels, project.frames, project.colors)
    mended = any(finding.rule == "damaged" for finding in project.findings)
    visited = _visited(project.raw, film)
    return _Standing(project.raw, project.frames, visited, project.labels, colors=project.colors, mended=mended)


def _visited(raw: Mapping[str, Any], film: bool) -> dict[str, str | int]:
    listed = raw.get("visitedFrames")
    wanted = (str, int) if film else str
    return (
        {last_part(str(item)): item for item in listed if isinstance(item, wanted)} if isinstance(listed, list) else {}
    )


def _filled(
    dataset: Dataset, standing: _Standing, tags: Mapping[str, str], names: Mapping[str, str], film: bool
) -> tuple[dict[str, Any], list[str | int]]:
    """All frames and what was visited, with the dataset's pictures put in."""
    frames, visited = dict(standing.frames), dict(standing.visited)
    keys = {fold_name(last_part(key)): key for key in frames}
    ids = count(_next_id(frames))
    for document in dataset.documents:
        name = names[document.image.name]
        key = keys.get(fold_name(name)) or _key(document, name, film)
        extra = document.extra.get(EXTRA, {})
        raws = raw_frame(document, tags, ids)
        if document.regions and not raws:
            continue  # Nothing of it can be written: that is not the same as empty.
        if document.regions is not None or document.predictions:
            frames[key] = raws
        elif "frame" in extra:
            frames.setdefault(key, extra["frame"])
        if has_new_predictions(document, tags):
            # Seen before they were there: only a new visit tells that somebody looked at them.
            visited.pop(last_part(key), None)
        elif extra.get("visited", document.regions is not None):
            visited.setdefault(last_part(key), int(key) if film else key)
    return frames, list(visited.values())


def _key(document: Document, name: str, film: bool) -> str:
    key = document.extra.get(EXTRA, {}).get("key")
    return key if isinstance(key, str) and (film or last_part(key) == name) else name


def _next_id(frames: Mapping[str, Any]) -> int:
    raws = [raw for frame in frames.values() if isinstance(frame, list) for raw in frame if isinstance(raw, dict)]
    return max((raw["id"] + 1 for raw in raws if isinstance(raw.get("id"), int)), default=0)


def _top(
    raw: Mapping[str, Any],
    frames: dict[str, Any],
    visited: list[str | int],
    labels: list[str],
    colors: Mapping[str, str],
) -> dict[str, Any]:
    """The whole document: keys in the order they stood in, values as they stood where they still hold."""
    top = {key: value for key, value in (dict(raw) or _DEFAULTS).items() if key != "framesByImagesName"}
    top |= {"frames": frames} | {key: value for key, value in _DEFAULTS.items() if key not in top}
    top["visitedFrames"] = visited
    old = top["inputTags"]
    same = isinstance(old, str) and [tag.strip() for tag in old.split(",") if tag.strip()] == labels
    if not same or not top["tag_colors"]:
        top["tag_colors"] = [color_of(tag, colors) for tag in labels]
    if not same:
        top["inputTags"] = ",".join(labels)
    return top


def _place_pictures(dataset: Dataset, names: Mapping[str, str], folder: Path, options: WriteOptions) -> list[Finding]:
    """The pictures into the folder beside the project, where VoTT looks for them."""
    missing = []
    for document in dataset.documents:
        file, name = document.image.file, names[document.image.name]
        if file is None or unsafe(name):
            continue
        try:
            place(Path(file.path), folder / name, "copy" if options.pictures == "copy" else "link")
        except OSError:
            fields = {"name": name, "folder": str(Path(file.path).parent)}
            missing.append(Finding("missing-image", Severity.WARNING, document.image.name, fields))
    return missing
