"""Tidying a folder: look, plan, and carry the plan out (or end, or undo, one that was begun)."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from bridge import picture
from bridge.errors import InputError, NotFoundError, RefusedError
from bridge.model.finding import Finding, Severity
from bridge.model.tidied import Names, Tidied
from bridge.plugin import ReadOptions
from plugins.formats.halves import whole
from plugins.formats.json_text import json_line
from plugins.formats.pictures import PictureFolder
from plugins.formats.vott1.matching import matched
from plugins.formats.vott1.project import Project, candidates, load
from plugins.formats.vott1.tidy import journal as journals
from plugins.formats.vott1.tidy.journal import File, Journal, Renamed
from plugins.formats.vott1.tidy.keys import Rekey, by_name, by_position, names_in, rekeyed
from plugins.formats.vott1.tidy.moving import Step, backwards, forwards, no_step, place
from plugins.formats.vott1.tidy.naming import extension_of, listed, new_names
from plugins.formats.vott1.visits import visits_by_name

_VOTT2 = ".vott"


def tidy(path: Path, names: Names, options: ReadOptions, dry_run: bool = False, step: Step = no_step) -> Tidied:
    """Give pictures and project safe names; one that was cut off is carried to its end instead.

    Raises RefusedError when nobody can say which picture a label is for (or names must stay as they are), InputError
    and ConflictError where something stands in the way; before the first change, but for tidy-stopped.
    """
    folder, project = _place(path, options)
    earlier = journals.read(folder)
    if earlier is not None and earlier.state != "done":
        return _resumed(folder, earlier, dry_run, step)
    plan = _plan(folder, project, names, options)
    if not plan.is_needed:
        return Tidied(str(folder), plan.file_name, (), plan.order, False, plan.findings)
    renames = tuple(plan.renames.items())
    if dry_run:
        return Tidied(str(folder), plan.file_name, renames, plan.order, False, plan.findings)
    _refuse_read_only(folder, project)
    told = forwards(folder, _after(earlier, plan.journal(folder)), step)
    return Tidied(str(folder), plan.file_name, renames, plan.order, True, (*plan.findings, *told))


def undo(path: Path, options: ReadOptions, dry_run: bool = False, step: Step = no_step) -> Tidied:
    """Give everything its old names back; raises NotFoundError where nothing was tidied, and as tidy."""
    folder, project = _place(path, options, read=False)
    journal = journals.read(folder)
    if journal is None:
        raise NotFoundError("tidy-nothing", path=str(folder))
    file = str(place(folder, journal.file)) if journal.file else None
    if dry_run:
        return Tidied(str(folder), file, journal.returns, "names", False)
    _refuse_read_only(folder, project)
    return Tidied(str(folder), file, journal.returns, "names", True, tuple(backwards(folder, journal, step)))


def _resumed(folder: Path, journal: Journal, dry_run: bool, step: Step) -> Tidied:
    file = str(place(folder, journal.file)) if journal.file else None
    begun = Finding("tidy-resumed", Severity.INFO, None, {"count": len(journal.renames)})
    told = [] if dry_run else forwards(folder, journal, step)
    return Tidied(str(folder), file, journal.renames, "names", not dry_run, (begun, *told))


# ------------------------------------------------------------ where things are


def _place(path: Path, options: ReadOptions, read: bool = True) -> tuple[Path, Project | None]:
    """The picture folder, and the project beside it if there is one."""
    if not path.exists():
        raise NotFoundError("path-missing", path=str(path))
    project = load(path, options.max_file_megabytes) if candidates(path) else None
    beside = project.folder if project else path
    folder = next((place for place in (options.images, beside, path) if place is not None and place.is_dir()), None)
    if project is not None and project.keys == "time":
        raise RefusedError("tidy-video", path=str(project.path), video=project.folder.name)
    if folder is None:
        raise NotFoundError("tidy-no-folder", path=str(path), folder=str(beside))
    if read and any(file.suffix == _VOTT2 for file in folder.iterdir()):
        raise RefusedError("tidy-vott2", path=str(folder))
    return folder.absolute(), project


def _refuse_read_only(folder: Path, project: Project | None) -> None:
    for place_ in (folder, *([project.path.parent] if project else ())):
        if not os.access(place_, os.W_OK | os.X_OK, effective_ids=os.access in os.supports_effective_ids):
            raise InputError("folder-unwritable", path=str(place_), reason=os.strerror(13))


# ------------------------------------------------------------ the plan


@dataclass(frozen=True, slots=True)
class _Plan:
    """What is to be renamed, and the project before and after (None where it stays as it is)."""

    renames: Mapping[str, str]
    digests: Mapping[str, str]
    path: Path | None
    before: bytes
    after: bytes | None
    order: str
    findings: tuple[Finding, ...]

    @property
    def is_needed(self) -> bool:
        """Whether anything changes."""
        return bool(self.renames) or self.after is not None

    @property
    def file_name(self) -> str | None:
        """The project file."""
        return None if self.path is None else str(self.path)

    def journal(self, folder: Path) -> Journal:
        """All of it, as it is written down before the first change."""
        pictures = tuple(
            Renamed(old, new, (folder / old).stat().st_size, self.digests[old], first=old)
            for old, new in self.renames.items()
        )
        if self.path is None:
            return Journal("running", pictures)
        where = Path(os.path.relpath(self.path.absolute(), folder)).as_posix()
        file = File(where, self.before, self.after or self.before, self.before, self.path.stat().st_mtime_ns)
        return Journal("running", pictures, file)


def _plan(folder: Path, project: Project | None, names: Names, options: ReadOptions) -> _Plan:
    listing = listed(folder)
    digests = {name: picture.sha256(folder / name) for name in listing.pictures}
    extensions = {name: extension_of(folder / name) for name in listing.pictures}
    pictures = PictureFolder(folder, max_megapixels=options.max_megapixels)
    known = names_in(project) if project is not None and project.keys == "names" else []
    spelled = {name: file.name for name in known if (file := pictures.find(name).path) is not None}
    gone = [name for name in known if name not in spelled]
    renames = new_names(listing, gone, names, extensions, digests)
    beside = _labels_beside(listing.names, renames)
    if project is None:
        return _Plan(renames, digests, None, b"", None, "names", beside)
    if any(finding.rule in ("damaged", "bad-text") for finding in project.findings):
        raise RefusedError("tidy-damaged", path=str(project.path))
    rekey, named, order, findings = _keys(project, pictures, renames, spelled, options)
    before = project.path.read_bytes()
    raw = rekeyed(project.raw, project.frames, named, rekey)
    after = json_line(raw) if renames or project.keys == "index" else None
    return _Plan(renames, digests, project.path, before, after, order, (*findings, *beside))


def _keys(
    project: Project,
    pictures: PictureFolder,
    renames: Mapping[str, str],
    spelled: Mapping[str, str],
    options: ReadOptions,
) -> tuple[Rekey, Iterable[str], str, tuple[Finding, ...]]:
    """How keys become names, the visits to rename, by which order, and what a person should know of it."""
    if project.keys == "index":
        match = matched(project, pictures, options)
        turned = Finding("tidy-named", Severity.WARNING, None, {"count": len(project.frames)})
        return by_position(renames, match.names), project.visited, match.order, (*match.findings, turned)
    named, findings = visits_by_name(project, pictures)
    return by_name(renames, spelled), named.visited, "names", tuple(findings)


def _labels_beside(names: Iterable[str], renames: Mapping[str, str]) -> tuple[Finding, ...]:
    """Label files beside pictures stay as they are, so that they would lie beside nothing."""
    stems = {Path(old).stem for old, new in renames.items() if Path(old).stem != Path(new).stem}
    left = sorted(name for name in names if name.endswith(".txt") and name.removesuffix(".txt") in stems)
    fields = {"count": len(left), "example": whole(left[0])} if left else {}
    return (Finding("tidy-labels-beside", Severity.WARNING, None, fields),) if left else ()


def _after(earlier: Journal | None, journal: Journal) -> Journal:
    """One map for this tidying and those before it, so that undoing goes back to the very first names."""
    if earlier is None:
        return journal
    again = {one.old: one for one in journal.pictures}
    kept = [
        replace(again.pop(one.new), first=one.first) if one.new in again else replace(one, old=one.new)
        for one in earlier.pictures
    ]
    journal = replace(journal, pictures=(*kept, *again.values()))
    old, new = earlier.file, journal.file
    if new is None or old is None:
        return replace(journal, file=new or old)
    # Where somebody labelled on in between, the bytes of before would take that away.
    first, saved = (old.first, old.saved) if old.after == new.before else (None, None)
    return replace(journal, file=replace(new, first=first, saved=saved))
