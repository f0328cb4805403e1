"""Files by the SHA-256 of their content: weights, reports, transcripts, uploads."""

from __future__ import annotations

import hashlib
import os
import re
import tempfile
from collections.abc import Iterable
from pathlib import Path

from bridge.errors import InputError, MissingPartError, NotFoundError

_CHUNK = 1 << 20
_SHA = re.compile(r"[0-9a-f]{64}")


class Blobs:
    """A folder of files that never change; a file is there wholly or not at all."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def path(self, sha256: str) -> Path:
        """Where a blob lies; raises NotFoundError."""
        path = self._place(sha256)
        if not path.is_file():
            raise NotFoundError("blob-missing", sha256=sha256)
        return path

    def has(self, sha256: str) -> bool:
        """Whether it is there."""
        return self._place(sha256).is_file()

    def put(self, data: bytes) -> str:
        """Keep bytes; gives their hash."""
        return self.put_stream([data])

    def put_file(self, path: Path, expected: str | None = None) -> str:
        """Keep a copy of a file; gives its hash. Raises NotFoundError file-missing, or as put_stream."""
        try:
            file = path.open("rb")
        except OSError:
            raise NotFoundError("file-missing", path=str(path)) from None
        with file:
            return self.put_stream(iter(lambda: file.read(_CHUNK), b""), expected)

    def put_stream(self, chunks: Iterable[bytes], expected: str | None = None) -> str:
        """Keep what comes; raises InputError blob-differs when it is not what was announced, and keeps nothing then."""
        digest = hashlib.sha256()
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            handle, name = tempfile.mkstemp(dir=self.folder, suffix=".part")
        except OSError as error:
            raise MissingPartError("disk-full", path=str(self.folder), reason=str(error)) from error
        temporary = Path(name)
        try:
            with os.fdopen(handle, "wb") as file:
                for chunk in chunks:
                    digest.update(chunk)
                    file.write(chunk)
                file.flush()
                os.fsync(file.fileno())
            found = digest.hexdigest()
            if expected is not None and found != expected:
                raise InputError("blob-differs", wanted=expected, found=found)
            target = self._place(found)
            target.parent.mkdir(parents=True, exist_ok=True)
            temporary.replace(target)
        except OSError as error:
            raise MissingPartError("disk-full", path=str(self.folder), reason=str(error)) from error
        finally:
            temporary.unlink(missing_ok=True)
        return found

    def _place(self, sha256: str) -> Path:
        if not _SHA.fullmatch(sha256):
            raise NotFoundError("blob-missing", sha256=sha256)
        return self.folder / sha256[:2] / sha256[2:]
