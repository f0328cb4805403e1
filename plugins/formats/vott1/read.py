"""A v1 project → labels and one document per picture."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

from bridge.errors import RefusedError
from bridge.model.annotation import Document, Image, fold_name
from bridge.model.dataset import Reading
from bridge.model.finding import Finding, Severity
from bridge.plugin import ReadOptions
from plugins.formats.namesakes import clashes, strangers
from plugins.formats.pictures import PictureFolder
from plugins.formats.rivals import merged_twins
from plugins.formats.vott1.doubts import doubts
from plugins.formats.vott1.matching import matched
from plugins.formats.vott1.order import passes_filter
from plugins.formats.vott1.project import Project, last_part, load
from plugins.formats.vott1.region import EXTRA, read_frame
from plugins.formats.vott1.scale import numbers, recorded_size
from plugins.formats.vott1.visits import visits_by_name


@dataclass(frozen=True, slots=True)
class _Entry:
    """One picture of a project: its name, the frame's key as written, and the frame; key is None without one.

    visited is None where the project keeps no list of it. doubt is set where its position may mean another.
    """

    name: str
    key: str | None
    frame: Any
    visited: bool | None
    doubt: Severity | None = None
    case: Literal["order", "names"] = "order"


def read(path: Path, options: ReadOptions) -> Reading:
    """Read a project file, or the one beside a picture folder; pictures are looked at as documents are asked for."""
    project = load(path, options.max_file_megabytes)
    pictures = PictureFolder(options.images, project.folder, max_megapixels=options.max_megapixels)
    entries, order, findings = _entries(project, pictures, options)
    groups: dict[str, list[_Entry]] = {}
    for entry in entries:
        groups.setdefault(fold_name(entry.name), []).append(entry)
    source = None if project.keys == "time" else pictures
    return Reading(
        project.labels,
        (merged_twins([_document(e, source) for e in group]) for group in groups.values()),
        len(groups),
        title=project.folder.name,
        declared=project.declared,
        order=order,
        findings=(*project.findings, *findings, *_on_canvas(project), *clashes(_shown(pictures), _spelled(project))),
        colors=project.colors,
        extra={EXTRA: {k: None if k in ("frames", "framesByImagesName") else v for k, v in project.raw.items()}},
    )


# ------------------------------------------------------------ which picture is which


def _entries(
    project: Project, pictures: PictureFolder, options: ReadOptions
) -> tuple[list[_Entry], str, list[Finding]]:
    if project.keys == "time":
        return _video_entries(project), "names", [_video(project)]
    if project.keys == "names":
        project, findings = visits_by_name(project, pictures)
        doubted = doubts(project.frames, pictures)
        entries = [replace(e, doubt=doubted.get(e.name), case="names") for e in _named_entries(project)]
        return [*entries, *_never_visited(entries, pictures)], "names", findings
    match = matched(project, pictures, options)
    entries = [
        replace(entry, doubt=match.doubts.get(entry.name)) for entry in _named_entries(_named(project, match.names))
    ]
    return [*entries, *_never_visited(entries, pictures)], match.order, list(match.findings)


def _named(project: Project, names: Sequence[str]) -> Project:
    """The project with file names instead of positions."""
    frames = {names[int(key)]: frame for key, frame in project.frames.items()}
    visited = tuple(names[int(key)] for key in project.visited)
    return replace(project, frames=frames, visited=visited)


def _named_entries(project: Project) -> list[_Entry]:
    visited = dict.fromkeys(last_part(key) for key in project.visited)
    told = isinstance(project.raw.get("visitedFrames"), list)
    entries = [
        _Entry(name := last_part(key), key, frame, name in visited if told else None)
        for key, frame in project.frames.items()
    ]
    known = {entry.name for entry in entries}
    return entries + [_Entry(name, None, [], True) for name in visited if name not in known]


def _never_visited(entries: list[_Entry], pictures: PictureFolder) -> list[_Entry]:
    """The pictures of the folder that the project does not name: nobody has looked at them yet."""
    paths = [pictures.find(entry.name).path for entry in entries]
    known = {entry.name for entry in entries} | {path.name for path in paths if path is not None}
    return [_Entry(name, None, None, False) for name in strangers(_shown(pictures), known)]


def _shown(pictures: PictureFolder) -> list[str]:
    """The files of the folder that VoTT takes for pictures."""
    return [name for name, folder in pictures.names() if not folder and passes_filter(name)]


def _video_entries(project: Project) -> list[_Entry]:
    """Frame 1 is at 0 s; times are written as JavaScript prints them."""
    rate = project.framerate
    if rate is None:
        raise RefusedError("video-framerate", path=str(project.path), framerate=str(project.raw.get("framerate")))
    visited = set(project.visited)
    video = project.folder.name
    return [
        _Entry(f"{video}#t={_seconds((int(key) - 1) / rate)}", key, project.frames.get(key, []), key in visited)
        for key in dict.fromkeys((*project.frames, *project.visited))
        if key.isdigit()
    ]


def _seconds(time: float) -> str:
    rounded = round(time, 6)
    return str(int(rounded)) if rounded == int(rounded) else str(rounded)


# ------------------------------------------------------------ one picture


def _document(entry: _Entry, pictures: PictureFolder | None) -> Document:
    image, findings = (Image(entry.name), ()) if pictures is None else pictures.image(entry.name)
    if image.file is not None and not passes_filter(entry.name):
        findings = (*findings, Finding("not-shown", Severity.WARNING, image.name, {"name": entry.name}))
    if entry.frame is None and entry.key is None:
        return Document(image, None, findings)
    extra: dict[str, Any] = {"key": entry.key} | ({"visited": True} if entry.visited else {})
    if not isinstance(entry.frame, list):
        broken = Finding("damaged-region", Severity.ERROR, image.name, {"case": "frame"})
        return Document(image, None, (*findings, broken), {EXTRA: extra | {"frame": entry.frame}})
    frame = read_frame(entry.frame, image)
    extra |= {"others": [list(other) for other in frame.others]} if frame.others else {}
    untouched = frame.predictions and not frame.regions
    # Without the flag a picture that is reviewed later on counts as visited; one that VoTT itself left out does not.
    extra |= {"visited": False} if entry.visited is False and not untouched else {}
    return Document(
        image if image.width else _sized(image, entry.frame),
        None if untouched else frame.regions,
        (*findings, *_found(entry, frame.findings)),
        {EXTRA: extra},
        predictions=frame.predictions,
        looked=entry.visited is True,
    )


def _found(entry: _Entry, findings: Iterable[Finding]) -> Iterable[Finding]:
    """What reading a frame showed; where its shape is not the picture's, no height fault explains that."""
    if entry.doubt is None:
        return findings
    raws = [raw for raw in entry.frame if isinstance(raw, dict)]
    noted = ", ".join(dict.fromkeys(f"{raw['width']}x{raw['height']}" for raw in raws if recorded_size(raw)))
    doubt = Finding("aspect", entry.doubt, entry.name, {"case": entry.case, "recorded": noted})
    return [doubt, *(finding for finding in findings if finding.rule not in ("aspect", "canvas-height"))]


def _sized(image: Image, frame: list[Any]) -> Image:
    """A picture that is not there, with the size that its regions recorded."""
    sizes = [size for raw in frame if isinstance(raw, dict) and (size := recorded_size(raw))]
    return replace(image, width=round(sizes[0][0]), height=round(sizes[0][1])) if sizes else image


# ------------------------------------------------------------ what holds for the whole project


def _video(project: Project) -> Finding:
    return Finding("video", Severity.INFO, None, {"video": project.folder.name, "count": len(project.frames)})


def _spelled(project: Project) -> frozenset[str]:
    """File names as the project spells them."""
    return frozenset(map(last_part, project.frames)) if project.keys == "names" else frozenset()


def _on_canvas(project: Project) -> list[Finding]:
    """How many regions are not in pixels of their picture, but of the annotator's screen."""
    raws = [raw for frame in project.frames.values() if isinstance(frame, list) for raw in frame]
    count = sum(isinstance(raw, dict) and numbers(raw.get("box")) is None and numbers(raw) is not None for raw in raws)
    return [Finding("canvas", Severity.INFO, None, {"count": count})] if count and project.keys != "time" else []
