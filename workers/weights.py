"""A run's checkpoints on this node: copied away from darknet as soon as they are whole, then handed in.

darknet says "Saving weights" before it writes, and overwrites its last and best weights in place; being killed
meanwhile leaves a torn file. So a file is looked at until it is sound, and kept under a name of its own.
"""

from __future__ import annotations

import os
import re
import shutil
import tempfile
import time
from pathlib import Path

import structlog

from bridge import picture
from bridge.model.training import Recipe
from bridge.plugin import Engine, RunFiles, SavedWeights
from workers.outbox import Outbox, Weights

log = structlog.get_logger()

# The trainer's "last" weights are for going on, not for choosing: handed in only when nothing else was for so long.
_LAST_SECONDS = 1800.0
_NAME = re.compile(r"(\d+)-(numbered|last|best|final)-([0-9a-f]{16})\.weights")
_Look = tuple[int, int, int]


class Kept:
    """The sound weights of one run that were seen on this node, over all its attempts."""

    def __init__(self, folder: Path, job: str, outbox: Outbox) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self._job, self._outbox = job, outbox
        self._seen: dict[Path, _Look] = {}
        self._handed_in = time.monotonic()

    def collect(self, engine: Engine, files: RunFiles, recipe: Recipe, all_kinds: bool = False) -> bool:
        """Keep and hand in what is new and sound in the backup folder; False while something there is not whole yet.

        "last" weights are handed in seldom, or always with all_kinds (at an end, when nothing better may follow).
        """
        whole = True
        for saved in engine.saved(files, recipe):
            look = _look(saved.path)
            if look is None or (self._seen.get(saved.path) == look and not all_kinds):
                continue
            if not saved.sound or not self._keep(saved, look, all_kinds):
                whole = False
        return whole

    def newest(self) -> tuple[Path, int] | None:
        """The weights that were trained furthest, and their iteration."""
        found = [(int(m.group(1)), path) for path in self.folder.iterdir() if (m := _NAME.fullmatch(path.name))]
        if not found:
            return None
        iteration, path = max(found)
        return path, iteration

    def _keep(self, saved: SavedWeights, look: _Look, all_kinds: bool) -> bool:
        """False when it changed under our hands."""
        taken = self._take(saved)
        if taken is None or _look(saved.path) != look:
            return False
        self._seen[saved.path] = look
        sha256 = picture.sha256(taken)
        path = self.folder / f"{saved.iteration:08d}-{saved.kind}-{sha256[:16]}.weights"
        taken.replace(path)
        waits = saved.kind == "last" and not all_kinds and time.monotonic() - self._handed_in < _LAST_SECONDS
        if not waits:
            kept = Weights(str(path), sha256, saved.iteration, saved.kind, path.stat().st_size)
            if self._outbox.put_weights(self._job, kept):
                self._handed_in = time.monotonic()
                log.info("weights-kept", job=self._job, iteration=saved.iteration, kind=saved.kind)
        self._drop_older_last(path)
        return True

    def _take(self, saved: SavedWeights) -> Path | None:
        """A file of our own with these bytes: a link where darknet never writes into the same file again."""
        handle, name = tempfile.mkstemp(dir=self.folder, suffix=".part")
        os.close(handle)
        temporary = Path(name)
        try:
            if saved.kind in ("numbered", "final"):
                temporary.unlink()
                os.link(saved.path, temporary)
            else:
                shutil.copyfile(saved.path, temporary)
        except FileNotFoundError:
            temporary.unlink(missing_ok=True)
            return None
        return temporary

    def _drop_older_last(self, newest: Path) -> None:
        """Of the last weights that were not handed in, one copy is enough."""
        for path in self.folder.glob("*-last-*.weights"):
            name = _NAME.fullmatch(path.name)
            if name and path.name < newest.name and not self._outbox.knows(self._job, name.group(3)):
                path.unlink(missing_ok=True)


def _look(path: Path) -> _Look | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_ino, found.st_size, found.st_mtime_ns
