"""Watching the files of shared tools: what an annotator saves makes a reading due, and nobody has to ask for it.

Files tell their changes at once where the system can (inotify and its like); on a network share they do not, so all
are looked at every half minute as well, without being read. One thread does both, beside the sender of due jobs; two
that watch one folder do no harm, since a reading that is due already is not made due again.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path

import structlog
from sqlalchemy.exc import SQLAlchemyError

from bridge.document import digest_of
from bridge.errors import BridgeError
from bridge.loop.beside import Beside
from bridge.loop.folder import changed_cause
from bridge.loop.settling import QUIET
from bridge.loop.tool import FOLDERS, reach_folder
from bridge.loop.writeback import KIND as WRITE_BACK
from bridge.model.project import Source
from bridge.store import deliveries, jobs, projects
from bridge.workspace import Workspace

log = structlog.get_logger()

# So often it is noticed that a tool was connected or removed, or that a folder came or went.
LOOK_SECONDS = 5.0
# Changes that come in quick succession are one.
_STEP_MS, _LONGEST_MS = 200, 1000
# A large project takes seconds to read: it is read so many times less often than that, but not less often than this.
_SHARE, _LONGEST_SECONDS = 4.0, 30.0
# After trouble it begins anew.
_PAUSE = 5.0


class Watcher(Beside):
    """A thread that watches; web requests never wait for it, nor for a share behind it that hangs."""

    def __init__(self, ws: Workspace) -> None:
        super().__init__(ws, "watcher")
        self._told: dict[int, str] = {}
        self._trouble: dict[int, str] = {}
        self._polled = time.monotonic()

    def _run(self) -> None:
        resumed = False
        while not self._stop.is_set():
            try:
                if not resumed:
                    resume(self._ws)
                    resumed = True
                self._watch()
            except (BridgeError, SQLAlchemyError, OSError) as error:
                log.warning("watcher-held-up", reason=str(error))
                self._stop.wait(_PAUSE)
            except Exception:  # Sources are anybody's code, and without this thread changes would be noticed late.
                log.exception("watcher-stumbled")
                self._stop.wait(_PAUSE)

    def _watch(self) -> None:
        """Watch the folders of all tools until other ones are to be watched."""
        found = shared(self._ws)
        places = {source.id: self._folders(source) for source in found}
        watched = set().union(*places.values())
        self._look(found)
        for touched in _changes(watched, self._stop):
            found = shared(self._ws)
            self._look(source for source in found if places.get(source.id, set()) & touched)
            if self._is_poll_due():
                self._look(found)
            if {source.id: self._folders(source) for source in found} != places:
                return

    def _is_poll_due(self) -> bool:
        seconds = self._ws.settings.watch_seconds
        due = seconds > 0 and time.monotonic() - self._polled >= seconds
        if due:
            self._polled = time.monotonic()
        return due

    def _look(self, found: Iterable[Source]) -> None:
        """Make the reading of each tool due whose files look otherwise than when they were read."""
        for source in found:
            try:
                state = digest_of(reach_folder(self._ws, source).stamps())
            except BridgeError as error:
                self._say(source, error.rule)
                continue
            self._say(source, "")
            if state not in (source.cursor, self._told.get(source.id)):
                make_due(self._ws, source)
                self._told[source.id] = state

    def _say(self, source: Source, rule: str) -> None:
        """Once for each trouble, not every half minute."""
        if self._trouble.get(source.id, "") != rule:
            log.warning("source-away" if rule else "source-back", source=source.name, place=source.place, rule=rule)
        self._trouble[source.id] = rule

    def _folders(self, source: Source) -> set[str]:
        """The folders in which a tool's files lie; none while it is away."""
        place = Path(source.place)
        # VoTT 1 writes beside the picture folder.
        folders = {place.parent} if source.kind == "vott-v1" or not place.is_dir() else set()
        folders |= {place} if place.is_dir() else set()
        return {os.path.realpath(folder) for folder in folders if folder.is_dir()}


def shared(ws: Workspace) -> list[Source]:
    """The connected tools whose project is files."""
    with ws.db.read() as tx:
        return projects.connected(tx, FOLDERS)


def make_due(ws: Workspace, source: Source) -> str:
    """Let the files of a source be read once they have come to rest; gives the job."""
    payload = {"project": source.project, "source": source.name}
    seconds = min(max(QUIET, _SHARE * source.options.get("took", 0.0)), _LONGEST_SECONDS)
    due = time.time() + seconds
    with ws.db.write() as tx:
        return jobs.put_once(tx, "pull", "bridge", payload, source.project, changed_cause(source), due)


def resume(ws: Workspace) -> int:
    """Make due again what broke off while it was written into such files; gives how many tools that concerns."""
    with ws.db.read() as tx:
        broken = {(d.project, d.body["name"]) for d in deliveries.pending(tx, WRITE_BACK)}
    for project, name in sorted(broken, key=str):
        with ws.db.write() as tx:
            payload = {"project": project, "source": name}
            jobs.put_once(tx, "push", "bridge", payload, project, f"resume:{name}")
    return len(broken)


def _changes(folders: set[str], stop: threading.Event) -> Iterator[set[str]]:
    """The folders in which project files have changed; an empty set every few seconds."""
    if folders:
        with suppress(ImportError):
            yield from _events(folders, stop)
            return
    while not stop.wait(LOOK_SECONDS):
        yield set()


def _events(folders: set[str], stop: threading.Event) -> Iterator[set[str]]:
    from watchfiles import watch

    found = watch(
        *folders,
        watch_filter=lambda _, path: path.endswith((".json", ".vott")),
        debounce=_LONGEST_MS,
        step=_STEP_MS,
        stop_event=stop,
        rust_timeout=round(LOOK_SECONDS * 1000),
        yield_on_timeout=True,
        raise_interrupt=False,
        force_polling=False,  # Its polling asks for every file three times a second; ours is slower.
        recursive=False,
        ignore_permission_denied=True,
    )
    for changes in found:
        yield {os.path.realpath(os.path.dirname(path)) for _, path in changes}  # noqa: PTH120


def start_watcher(ws: Workspace) -> Watcher:
    """The watcher of this process."""
    return Watcher(ws).start()
