"""A v1 project against a darknet export of it: which labels are right, which are not, and by which fault."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path, PurePath

from bridge.errors import BridgeError
from bridge.model.annotation import Document
from bridge.model.dataset import Reading
from bridge.model.finding import Finding, Severity
from bridge.model.verified import Verified
from bridge.plugin import ReadOptions
from plugins.formats.halves import whole
from plugins.formats.pictures import PictureFolder
from plugins.formats.vott1.exports import outcome as rules
from plugins.formats.vott1.exports.candidates import candidates_of
from plugins.formats.vott1.exports.checking import Classes, Picture, outcomes, signature
from plugins.formats.vott1.exports.faults import DIFFERS, Cause, Screens, since_1_7, until_1_6
from plugins.formats.vott1.exports.folder import LISTS, Exported, Label, folded, labels_of, open_export
from plugins.formats.vott1.exports.leftout import MISSING, NEVER_VISITED, last_left_out, reason
from plugins.formats.vott1.exports.outcome import Outcome, counted, told
from plugins.formats.vott1.read import read
from plugins.formats.vott1.region import EXTRA

UNCHECKED = "export-unchecked"
CLASS_ORDER = "export-class-order"
_UNEXPLAINED = frozenset({DIFFERS, rules.OTHER_CLASS, rules.EXTRA_LINE, MISSING})


def verify(path: Path, labels: Path, options: ReadOptions) -> Verified:
    """Hold an export's labels against the project; raises what reading the project raises, NotFoundError."""
    export = open_export(labels, options.max_file_megabytes)
    reading = read(path, options)
    find = export.index()
    pictures = [_picture(document, export, find, options) for document in reading.documents]
    classes = Classes(reading.labels, export.names)
    found = [
        *_with_files(pictures, classes, options),
        *_without_files(pictures, reading.extra.get(EXTRA, {}).get("visitedFrames")),
        *_strangers(pictures, export),
    ]
    checked, right, damaged = counted(found)
    lists = sum(finding.rule == LISTS for finding in export.findings)
    return Verified(
        checked,
        right,
        damaged | ({LISTS: lists} if lists else {}),
        (*told(found, _by_size(pictures)), *export.findings, *_notes(pictures, classes), *_reading(reading, pictures)),
        frozenset(one.name for one in pictures if folded(one.stem) in export.held_out),
    )


# ------------------------------------------------------------ the pictures


def _picture(document: Document, export: Exported, find: Callable[[str], Path | None], options: ReadOptions) -> Picture:
    image, name = document.image, _export_name(document)
    stem = export.stem(name)
    if image.file is None:
        copy, _ = PictureFolder(export.folder, max_megapixels=options.max_megapixels).image(name)
        image = replace(copy, name=image.name) if copy.file is not None else image
    candidates, unknown = candidates_of(document, image)
    return Picture(document, image, stem, find(stem), tuple(candidates), unknown)


def _export_name(document: Document) -> str:
    """The file name that VoTT's export gives a picture; frames of a video are numbered."""
    video, frame, _ = document.image.name.rpartition("#t=")
    if not frame:
        return document.image.name
    return f"{PurePath(video).stem}_frame_{document.extra.get(EXTRA, {}).get('key')}.jpg"


def _by_size(pictures: Iterable[Picture]) -> dict[tuple[int, int], list[str]]:
    sizes: dict[tuple[int, int], list[str]] = defaultdict(list)
    for one in pictures:
        if one.image.width and one.image.height:
            sizes[one.image.width, one.image.height].append(one.name)
    return sizes


# ------------------------------------------------------------ those that have a label file


def _with_files(pictures: Sequence[Picture], classes: Classes, options: ReadOptions) -> Iterator[Outcome]:
    screens = Screens(_by_size(pictures))
    owners = _signatures(pictures)
    sharing: dict[Path, list[Picture]] = defaultdict(list)
    for one in pictures:
        if one.file is not None:
            sharing[one.file].append(one)
    for file, everyone in sharing.items():
        group = [one for one in everyone if one.is_exported] or everyone
        yield from (
            Outcome(one.name, Cause(NEVER_VISITED), {"count": one.wanted}, labels=one.wanted)
            for one in everyone
            if one not in group and one.wanted
        )
        try:
            lines = labels_of(file, options.max_file_megabytes)
        except BridgeError as error:
            fields = {"path": whole(file.name), "reason": error.fields.get("reason", error.rule)}
            yield Outcome(group[0].name, Cause(rules.UNREADABLE), fields)
            continue
        judged = [(one, list(outcomes(one, lines, classes, screens))) for one in group]
        # A file for two pictures (a.jpg, a.png) holds the labels of the one that was written last.
        judged.sort(key=lambda pair: -sum(outcome.cause.rule == "" for outcome in pair[1]))
        first, found = judged[0]
        if all(outcome.cause.rule in _UNEXPLAINED for outcome in found):
            found = _of_another(first, lines, classes, owners) or found
        yield from found
        for one, _ in judged[1:]:
            fields = {"path": whole(file.name), "other": whole(first.name)}
            yield Outcome(one.name, Cause(rules.SHARED), fields, labels=max(one.wanted, 1))


def _signatures(pictures: Iterable[Picture]) -> dict[tuple[str, ...], str]:
    """What VoTT would write for each picture, so that a file with the labels of another one is known again."""
    found: dict[tuple[str, ...], str] = {}
    for one in pictures:
        for formula in (lambda c: since_1_7(c.drawn), lambda c: until_1_6(c.drawn, c.drawn.size)):
            found.setdefault(signature(one, formula), one.name)
    return found


def _of_another(
    picture: Picture, lines: Sequence[Label], classes: Classes, owners: dict[tuple[str, ...], str]
) -> list[Outcome]:
    """The one outcome for a file that holds exactly the labels of another picture."""
    written = tuple(f"{classes.name(line)} {line.written}" for line in lines)
    other = owners.get(written) if lines else None
    if other is None or other == picture.name:
        return []
    return [Outcome(picture.name, Cause(rules.SHIFTED), {"other": whole(other)}, labels=max(picture.wanted, 1))]


# ------------------------------------------------------------ those that have none, and files without a picture


def _without_files(pictures: Sequence[Picture], visited: object) -> Iterator[Outcome]:
    missing = [one for one in pictures if one.file is None]
    last = last_left_out([one.document for one in pictures], visited, {one.name for one in missing})
    for one in (one for one in missing if one.wanted):
        rule = reason(one.document, last)
        fields = {"count": one.wanted, "case": "file"} if rule == MISSING else {"count": one.wanted}
        yield Outcome(one.name, Cause(rule), fields, labels=one.wanted)


def _strangers(pictures: Iterable[Picture], export: Exported) -> Iterator[Outcome]:
    known = {one.file for one in pictures}
    for file in export.files:
        if file not in known:
            yield Outcome(None, Cause(rules.EXTRA_LINE), {"case": "file", "path": whole(file.name)})


def _reading(reading: Reading, pictures: Iterable[Picture]) -> Iterator[Finding]:
    """What reading the project showed, but for what loses nothing of a single picture."""
    yield from reading.findings
    for one in pictures:
        yield from (finding for finding in one.document.findings if finding.severity is not Severity.INFO)


def _notes(pictures: Iterable[Picture], classes: Classes) -> Iterator[Finding]:
    for one in pictures:
        if one.unknown:
            yield Finding(UNCHECKED, Severity.WARNING, one.name, {"count": one.unknown})
    names = classes.export
    if names is not None and names != classes.project:
        fields = {"theirs": ", ".join(names), "ours": ", ".join(classes.project)}
        yield Finding(CLASS_ORDER, Severity.WARNING, None, fields)
