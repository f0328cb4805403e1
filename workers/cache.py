"""The node's pictures and weights by their SHA-256: brought once, checked, shared by every training and detection."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from bridge.client import Bridge
from bridge.errors import InputError, NotFoundError
from bridge.model.work import Picture

# Pictures are small: several at a time hide the way there and back.
_AT_ONCE = 6


class Cache:
    """A folder of files that never change; a file is there wholly or not at all. Processes may share it."""

    def __init__(self, folder: Path, bridge: Bridge) -> None:
        self.folder = folder
        self._bridge = bridge

    def path(self, sha256: str) -> Path:
        """Where these bytes lie, or would."""
        return self.folder / sha256[:2] / sha256[2:]

    def fetch(self, sha256: str) -> Path:
        """The file with these bytes, brought from the bridge if it is not here; raises as Bridge.download."""
        path = self.path(sha256)
        if not path.is_file():
            self._bridge.download(sha256, path)
            # Work folders hold links to it: nobody shall write through one.
            path.chmod(0o444)
        os.utime(path)  # What was not used for long may go first.
        return path

    def fetch_all(self, pictures: Sequence[Picture], going_on: Callable[[], None]) -> None:
        """Bring all pictures; going_on is asked between them and may raise to stop.

        Raises InputError pictures-gone, naming one, when the bridge has no longer the bytes of some.
        """
        wanted = {p.sha256: p for p in pictures if not self.path(p.sha256).is_file()}
        gone = [picture for picture in self._bring(wanted.values(), going_on) if picture is not None]
        if gone:
            raise InputError("pictures-gone", count=len(gone), image=gone[0].name)

    def _bring(self, wanted: Iterable[Picture], going_on: Callable[[], None]) -> Iterable[Picture | None]:
        pool = ThreadPoolExecutor(_AT_ONCE)
        try:
            for result in pool.map(self._try, wanted):
                going_on()
                yield result
        finally:
            pool.shutdown(cancel_futures=True)

    def _try(self, picture: Picture) -> Picture | None:
        """The picture again when the bridge does not have it."""
        try:
            self.fetch(picture.sha256)
        except NotFoundError:
            return picture
        return None
