"""Carrying out a journal, forwards or backwards: every step may be done already, and none writes over anything."""

from __future__ import annotations

import glob
import os
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from bridge import picture
from bridge.errors import BridgeError, ConflictError, InputError
from bridge.model.finding import Finding, Severity
from plugins.formats.backup import write_over
from plugins.formats.halves import whole
from plugins.formats.json_text import json_line
from plugins.formats.vott1.project import load
from plugins.formats.vott1.tidy import journal as journals
from plugins.formats.vott1.tidy.journal import File, Journal
from plugins.formats.vott1.tidy.keys import by_name, rekeyed, unless_taken

# Called between any two steps; a test stops there, as a power cut would.
Step = Callable[[str], None]


def no_step(name: str) -> None:
    """Go on."""


def forwards(folder: Path, journal: Journal, step: Step = no_step) -> list[Finding]:
    """From the old names to the new ones: the project first, so that a label never lies on a wrong picture.

    Until a picture has its new name, its labels are only those of a picture that is not there. Raises InputError
    tidy-stopped when the disk says no, ConflictError where somebody else changed something meanwhile.
    """
    with _Told(folder) as told:
        step("map")
        earlier = journals.read(folder)
        journals.write(folder, replace(journal, state="running"))
        _sync(folder)
        step("project")
        try:
            _project_forwards(folder, journal.file)
        except OSError:  # Nothing is changed yet: the map of before holds, or none.
            (folder / journals.MAP).unlink() if earlier is None else journals.write(folder, earlier)
            raise
        for one in journal.pictures:
            step(one.new)
            told.gone += [] if _move(folder, one.old, one.new) else [one.old]
        _sync(folder)
        step("end")
        _sweep(folder, journal)
        journals.write(folder, replace(journal, state="done"))
    return _findings(told.gone, ())


def backwards(folder: Path, journal: Journal, step: Step = no_step) -> list[Finding]:
    """From the new names back to the old ones: the project last, for the same reason; then the map goes.

    A picture whose bytes changed meanwhile gets its name back too, and that is told.
    """
    _refuse_occupied(folder, journal)
    if journal.file is not None and (path := place(folder, journal.file)).is_file():
        load(path, path.stat().st_size // 1_000_000 + 1)  # A broken one is named before anything changes.
    other = [one.first for one in journal.pictures if _differs(folder, one.new, one.size, one.sha256)]
    with _Told(folder) as told:
        step("map")
        journals.write(folder, replace(journal, state="undoing"))
        _sync(folder)
        for one in journal.pictures:
            step(one.first)
            here = one.new if os.path.lexists(folder / one.new) else one.old
            told.gone += [] if _move(folder, here, one.first) else [one.first]
        _sync(folder)
        step("project")
        notes = _project_backwards(folder, journal.file, journal)
        step("end")
        _sweep(folder, journal)
        (folder / journals.MAP).unlink()
        _sync(folder)
    return [*_findings(told.gone, other), *notes]


# ------------------------------------------------------------ the project file


def _project_forwards(folder: Path, file: File | None) -> None:
    if file is None:
        return
    path = place(folder, file)
    now = path.read_bytes()
    if now == file.after:
        return
    if now != file.before:
        raise ConflictError("tidy-project-changed", path=str(path))
    write_over(path, file.after)


def _project_backwards(folder: Path, file: File | None, journal: Journal) -> list[Finding]:
    """The project as it was, to the byte; if somebody labelled on since, only its names go back, and that is told."""
    if file is None or not (path := place(folder, file)).is_file():
        return []
    now = path.read_bytes()
    if file.first is not None and now in (file.first, file.before, file.after):
        write_over(path, file.first)
        if file.saved is not None:  # The pictures of later are told by this time.
            os.utime(path, ns=(file.saved, file.saved))
        return []
    data, left = _with_old_names(path, journal)
    write_over(path, data)
    kept = Finding("tidy-kept", Severity.INFO, None, {"path": path.name})
    return [kept, *(Finding("tidy-left", Severity.WARNING, whole(key), {"path": path.name}) for key in left)]


def _with_old_names(path: Path, journal: Journal) -> tuple[bytes, list[str]]:
    """A project that somebody changed since, with the first names, and the keys that had to stay."""
    project = load(path, path.stat().st_size // 1_000_000 + 1)
    names = {name: one.first for one in journal.pictures for name in (one.old, one.new) if name != one.first}
    back = by_name(names, {})
    listed = project.raw.get("visitedFrames")
    visited = listed if isinstance(listed, list) else []
    raw = rekeyed(project.raw, project.frames, visited, unless_taken(back, project.frames))
    return json_line(raw), [key for key in project.frames if back(key) != key and back(key) in project.frames]


def place(folder: Path, file: File) -> Path:
    """Where the project file of a journal lies."""
    return Path(os.path.normpath(folder / file.path))


# ------------------------------------------------------------ pictures


def _move(folder: Path, old: str, new: str) -> bool:
    """Give a picture another name; True also if it has it already, False if it is there under neither name.

    A second name is made first, for that fails where the name is taken, even by something that came this moment.
    """
    source, target = folder / old, folder / new
    if old == new or not os.path.lexists(source):
        return os.path.lexists(target)
    try:
        os.link(source, target, follow_symlinks=False)
    except FileExistsError:
        return _end_of_move(folder, old, new)
    except (OSError, NotImplementedError):  # A disk without second names: USB sticks, some network shares.
        if os.path.lexists(target):
            return _end_of_move(folder, old, new)
        source.rename(target)
        return True
    source.unlink()
    return True


def _end_of_move(folder: Path, old: str, new: str) -> bool:
    """The new name is taken: by the picture itself, half-way or but for its case, or by something else."""
    source, target = folder / old, folder / new
    if not source.samefile(target):
        raise ConflictError("tidy-taken", old=old, new=new, other=new)
    names = {path.name for path in folder.iterdir()}
    if old in names and new in names:
        source.unlink()
    else:
        source.rename(target)
    return True


def _refuse_occupied(folder: Path, journal: Journal) -> None:
    for one in journal.pictures:
        source, target = folder / one.new, folder / one.first
        both = os.path.lexists(source) and os.path.lexists(target)
        if both and not source.samefile(target):
            raise ConflictError("tidy-taken", old=one.new, new=one.first, other=one.first)


def _differs(folder: Path, name: str, size: int, digest: str) -> bool:
    try:
        return (folder / name).stat().st_size != size or picture.sha256(folder / name) != digest
    except (OSError, BridgeError):
        return False


# ------------------------------------------------------------ what is told


class _Told:
    """Pictures that were under neither name; a disk that says no is told with how far it came."""

    def __init__(self, folder: Path) -> None:
        self.gone: list[str] = []
        self._folder = folder

    def __enter__(self) -> _Told:
        return self

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, OSError):
            begun = (self._folder / journals.MAP).is_file()
            rule = "tidy-stopped" if begun else "folder-unwritable"
            where = self._folder if begun or not error.filename else Path(str(error.filename)).parent
            raise InputError(rule, path=str(where), reason=error.strerror or str(error)) from error


def _findings(gone: Iterable[str], other: Iterable[str]) -> list[Finding]:
    lost = [Finding("tidy-gone", Severity.WARNING, whole(name)) for name in gone]
    return lost + [Finding("tidy-other-bytes", Severity.WARNING, whole(name)) for name in other]


def _sweep(folder: Path, journal: Journal) -> None:
    """Take away what a writer left that was killed before its file had its name."""
    files = [folder / journals.MAP, *([place(folder, journal.file)] if journal.file else [])]
    for file in files:
        for left in file.parent.glob(f".{glob.escape(file.name[:40])}.????????.part"):
            left.unlink(missing_ok=True)


def _sync(folder: Path) -> None:
    """What was renamed is on the disk; Windows has no such call for folders."""
    with suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
