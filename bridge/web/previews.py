"""Small JPEGs of pictures, made once and kept in a folder that may be deleted at any time."""

from __future__ import annotations

import contextlib
import hashlib
import random
from pathlib import Path

from bridge import picture
from bridge.document import write_atomic
from bridge.store.database import make_folder

# A thumbnail has about 10 kB, a preview 200 kB: the folder stays below some gigabytes.
_MOST = 20_000
# Looking through the whole folder is slow, so only now and then.
_TIDY_EVERY = 500


class Previews:
    """One folder of previews, found by the picture's place, size, time and the wanted length."""

    def __init__(self, folder: Path, most: int = _MOST) -> None:
        self.folder = folder
        self.most = most

    def get(self, path: Path, longest: int) -> Path:
        """The preview of a picture, made if it is not there; raises NotFoundError, or InputError for a broken file."""
        target = self._place(path, longest)
        if not target.is_file():
            data = picture.preview(path, longest)
            make_folder(target.parent)
            write_atomic(target, data, sync=False)
            if random.randrange(_TIDY_EVERY) == 0:
                self.tidy()
        return target

    def _place(self, path: Path, longest: int) -> Path:
        stamp = picture.stamp(path)
        name = hashlib.sha256(
            f"{stamp.path}|{stamp.size}|{stamp.mtime_ns}|{longest}".encode("utf-8", "surrogateescape")
        )
        digest = name.hexdigest()
        return self.folder / digest[:2] / f"{digest[2:34]}.jpg"

    def tidy(self) -> int:
        """Delete the older half when there are too many; gives how many went."""
        kept = [(file.stat().st_mtime, file) for file in self.folder.glob("*/*.jpg")]
        if len(kept) <= self.most:
            return 0
        old = sorted(kept)[: len(kept) // 2]
        for _, file in old:
            with contextlib.suppress(FileNotFoundError):
                file.unlink()
        return len(old)
