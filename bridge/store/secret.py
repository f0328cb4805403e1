"""The one secret of an installation: sessions and links are signed with it, credentials sealed."""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import os
import secrets
from pathlib import Path

from bridge.errors import MissingPartError
from bridge.settings import Settings

FILE = "secret.key"


def secret(settings: Settings) -> bytes:
    """The setting, or what the 0600 file in the data folder holds (made once); raises MissingPartError."""
    if settings.secret_key:
        return settings.secret_key.encode()
    path = settings.data / FILE
    try:
        return path.read_bytes().strip() if path.is_file() else _make(path)
    except OSError as error:
        raise MissingPartError("secret-unusable", path=str(path), reason=error.strerror or str(error)) from None


def key(settings: Settings, purpose: str) -> bytes:
    """32 bytes for one purpose, so that what is signed for one can never stand for another."""
    return hmac.digest(secret(settings), purpose.encode(), hashlib.sha256)


def _make(path: Path) -> bytes:
    # Written aside and linked: of two processes that start at once, one file wins and both read that.
    part = path.with_name(f".{FILE}.{secrets.token_hex(4)}")
    handle = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(secrets.token_urlsafe(48).encode())
            file.flush()
            os.fsync(file.fileno())
        with contextlib.suppress(FileExistsError):
            os.link(part, path)
    finally:
        part.unlink(missing_ok=True)
    return path.read_bytes().strip()
