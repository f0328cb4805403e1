"""A VoTT 2 project → labels and documents, read picture by picture as they are asked for."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from bridge.model.annotation import Document, Image, Region, fold_name
from bridge.model.dataset import Reading
from bridge.model.finding import Finding, Severity
from bridge.plugin import ReadOptions
from plugins.formats.grid import Grid
from plugins.formats.marked import unmarked
from plugins.formats.pixels import finite
from plugins.formats.shapes import shape_findings
from plugins.formats.vott2.asset import TAGGED, VISITED, Record, size_of
from plugins.formats.vott2.entries import Entry, entries_of
from plugins.formats.vott2.labels import Labels
from plugins.formats.vott2.plain import KEY
from plugins.formats.vott2.project import ASSET_SUFFIX, VottProject, open_project
from plugins.formats.vott2.region import FILES, read_region
from plugins.formats.vott2.shown import grid_findings, grid_of, stored
from plugins.formats.vott2.unshown import unshown
from plugins.formats.vott2.whereabouts import Whereabouts

_NOTHING = Labels({})


def read(path: Path, options: ReadOptions) -> Reading:
    """The project at a path; raises as open_project."""
    project = open_project(path, options.max_file_megabytes, options.security_token)
    entries, findings = entries_of(project, options.images)
    names = frozenset(fold_name(entry.name) for entry in entries)
    pictures = Whereabouts(project.path.parent, options.images, options.max_megapixels, names)
    unseen, namesakes = unshown(project, entries, pictures, options.images)
    every = entries + unseen
    tags = {tag["name"]: tag.get("color") for tag in project.tags}
    title = project.content.get("name")
    return Reading(
        labels=tuple(tags),
        documents=Documents(project, every, pictures, options.extras),
        total=len(every),
        title=title if isinstance(title, str) else project.path.stem,
        declared=isinstance(project.content.get("tags"), list),
        findings=(*project.findings, *findings, *namesakes, *_videos(entries)),
        colors={name: color for name, color in tags.items() if isinstance(color, str)},
        extra={KEY: _skeleton(project, entries), FILES: _other_files(project, entries)},
    )


def _skeleton(project: VottProject, entries: tuple[Entry, ...]) -> Record:
    """Everything of the project but the assets that documents bring along; their places are kept."""
    brought = {entry.id for entry in entries}
    assets = {key: None if key in brought else record for key, record in project.assets.items()}
    return {key: assets if key == "assets" else value for key, value in project.content.items()}


def _other_files(project: VottProject, entries: tuple[Entry, ...]) -> dict[str, Record]:
    """Asset files that belong to no document: VoTT writes one, without regions, for every video."""
    brought = {key for entry in entries for key in (entry.id, *entry.twins)}
    found = {key: project.labels(key) for key in project.files if key in project.assets and key not in brought}
    return {key: labels.content for key, labels in found.items() if labels and not labels.damage}


@dataclass(frozen=True, slots=True)
class Documents:
    """The documents of a project; each is read when it is asked for, and again every time."""

    project: VottProject
    entries: tuple[Entry, ...]
    pictures: Whereabouts
    extras: bool = True

    def __iter__(self) -> Iterator[Document]:
        for entry in self.entries:
            found = (_frame(entry), ()) if entry.is_frame else self.pictures.image(entry)
            yield self._plain(entry, *found) or self._document(entry, *found)

    def _plain(self, entry: Entry, image: Image, findings: tuple[Finding, ...]) -> Document | None:
        """A picture of which there is nothing to say but its rectangles; None for any other."""
        if entry.is_frame or entry.twins or entry.file is not None or entry.asset.get("state") != TAGGED:
            return None
        if image.orientation != 1 or size_of(entry.asset) != (image.width, image.height):
            return None
        plain = self.project.plain(entry.id, self.extras)
        if plain is None:
            return None
        extra = {KEY: {"asset": entry.asset, "file": _without(plain.rest(), entry.asset)}} if self.extras else {}
        return Document(image, plain.regions, findings, extra, looked=True)

    def _document(self, entry: Entry, image: Image, findings: tuple[Finding, ...]) -> Document:
        if entry.file is not None:  # Never shown.
            return Document(image, None, findings)
        labels = self.project.labels(entry.id)
        grid = grid_of(entry.asset, image)
        drawn = _drawn(entry, labels or _NOTHING, grid)
        regions, doubts = _settled(entry, labels, drawn, bool(self.project.inline))
        twins, twin_findings = self._twins(entry, labels)
        extra: dict[str, Any] = {KEY: _kept(entry, labels, drawn, twins)}
        # VoTT marks what it has shown, also when nothing was changed there.
        looked = entry.asset.get("state") in (VISITED, TAGGED) and not (labels and labels.cut)
        damage = tuple(replace(f, image=entry.name) for f in (*labels.damage, *labels.notes)) if labels else ()
        shapes = shape_findings(entry.name, regions or ())
        every = (*findings, *grid_findings(grid), *damage, *drawn.findings, *shapes, *doubts, *twin_findings)
        return Document(image, regions, every, extra, predictions=drawn.predictions, looked=looked)

    def _twins(self, entry: Entry, labels: Labels | None) -> tuple[list[Record], tuple[Finding, ...]]:
        """The older assets of the same picture with their labels, and the finding that there are some."""
        if not entry.twins:
            return [], ()
        older = [(self.project.assets.get(key), self.project.labels(key)) for key in entry.twins]
        ours = labels.regions if labels else []
        differ = any(found.regions and found.regions != ours for _, found in older if found)
        finding = Finding(
            "duplicate-asset",
            Severity.WARNING if differ else Severity.INFO,
            entry.name,
            {"case": "newest", "count": len(older) + 1, "ids": ", ".join((entry.id, *entry.twins))},
        )
        return [{"asset": asset, "file": found.content if found else None} for asset, found in older], (finding,)


@dataclass(frozen=True, slots=True)
class _Drawn:
    """A person's regions, a model's, which of the file's are a model's, and what is wrong with them."""

    regions: tuple[Region, ...]
    predictions: tuple[Region, ...] = ()
    predicted: tuple[int, ...] = ()
    findings: tuple[Finding, ...] = ()


def _drawn(entry: Entry, labels: Labels, grid: Grid) -> _Drawn:
    regions: list[Region] = []
    predictions: list[Region] = []
    predicted: list[int] = []
    findings: list[Finding] = []
    for index, raw in enumerate(labels.regions):
        region, flaws = read_region(raw)
        own = region.region_id or ""
        # A region that a person moved or retagged no longer fits its mark: it is the person's.
        checkpoint = unmarked(own, region) if own.startswith("lb-") else None
        region = stored(region, grid)
        if checkpoint is not None:
            predictions.append(replace(region, author=f"checkpoint:{checkpoint}", score=finite(raw.get("score"))))
            predicted.append(index)
            continue
        for rule, severity, fields in flaws:
            findings.append(_finding(entry, region, len(regions), rule, severity, fields))
        regions.append(region)
    return _Drawn(tuple(regions), tuple(predictions), tuple(predicted), tuple(findings))


def _finding(
    entry: Entry, region: Region, index: int, rule: str, severity: Severity, fields: dict[str, Any]
) -> Finding:
    x, y = region.points[0] if region.points else (0.0, 0.0)
    place = {"box": index + 1, "kind": region.kind, "x": round(x, 1), "y": round(y, 1)}
    return Finding(rule, severity, entry.name, place | fields, index)


def _settled(
    entry: Entry, labels: Labels | None, drawn: _Drawn, exported: bool
) -> tuple[tuple[Region, ...] | None, tuple[Finding, ...]]:
    """A person's regions (None: nobody has looked), where asset and asset file need not agree.

    Regions come from the asset file, whether somebody looked from the asset. A picture without regions counts as
    empty only if VoTT says that it was shown, and its asset file, if it should have one, is there and whole. What an
    export calls tagged had labels that VoTT could not read any more when it exported.
    """
    state = entry.asset.get("state")
    if drawn.regions:
        if state in (VISITED, TAGGED):
            return drawn.regions, ()
        return drawn.regions, (_disagrees(entry, state, len(drawn.regions)),)
    if drawn.predictions or (labels is not None and labels.cut):
        return None, ()
    if state == TAGGED and labels is None:
        fields = {"case": "asset-file", "path": entry.id + ASSET_SUFFIX}
        return None, (Finding("lost", Severity.ERROR, entry.name, fields),)
    if state == TAGGED and exported:
        return None, (Finding("lost", Severity.ERROR, entry.name, {"case": "export"}),)
    return (() if state in (VISITED, TAGGED) else None), ()


def _disagrees(entry: Entry, state: object, regions: int) -> Finding:
    fields = {"case": "state", "ours": regions, "theirs": state}
    return Finding("disagreement", Severity.INFO, entry.name, fields)


def _frame(entry: Entry) -> Image:
    """A video frame has a size but no file."""
    width, height = size_of(entry.asset)
    return Image(entry.name, width, height, item=entry.id)


def _videos(entries: tuple[Entry, ...]) -> Iterator[Finding]:
    frames = Counter(entry.name.rpartition("#t=")[0] for entry in entries if entry.is_frame)
    for video, count in frames.items():
        yield Finding("video", Severity.INFO, None, {"video": video, "count": count})


def _kept(entry: Entry, labels: Labels | None, drawn: _Drawn, twins: list[Record]) -> Record:
    """What a document must bring along so that unchanged labels are written back byte for byte."""
    kept: Record = {"asset": entry.asset}
    if labels is not None:
        rest = {key: value for key, value in labels.content.items() if key != "regions"}
        kept["file"] = _without(rest, entry.asset)
    if drawn.predicted and drawn.regions:
        kept["predicted"] = list(drawn.predicted)
    if twins:
        kept["twins"] = twins
    return kept


def _without(file: Record, asset: Record) -> Record:
    """What an asset file says beside regions, without the asset if the project says the same of it."""
    return {**file, "asset": None} if file.get("asset") == asset else file
