"""Reading and writing the text files of other programs: bounded, any encoding, never half-written."""

from __future__ import annotations

import hashlib
import json
import os
import re
import stat
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import msgspec

from bridge.errors import ConflictError, InputError, NotFoundError

_DEPTH = 64
# Strings are taken out whole, so that brackets in text do not count.
_STRING = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"', re.DOTALL)
_ROUND = bytes.maketrans(b"[{]}", b"(())")
_NO_SIGN = bytes(set(range(256)) - set(b'[]{}"'))
_NO_BRACKET = bytes(set(range(256)) - set(b"[]{}"))


def read_bytes(path: Path, max_megabytes: int) -> bytes:
    """The file's bytes; raises NotFoundError, or InputError when it is larger than allowed or unreadable."""
    try:
        found = path.stat()
        if found.st_size > max_megabytes * 1_000_000:
            megabytes = found.st_size // 1_000_000
            raise InputError("file-too-large", path=str(path), megabytes=megabytes, limit=max_megabytes)
        if stat.S_ISFIFO(found.st_mode):  # Nobody may ever write into it.
            raise InputError("file-unreadable", path=str(path), reason="a pipe, not a file")
        return path.read_bytes()
    except FileNotFoundError:
        raise NotFoundError("file-missing", path=str(path)) from None
    except OSError as error:
        raise InputError("file-unreadable", path=str(path), reason=error.strerror or str(error)) from None


def decode_text(data: bytes) -> str:
    """Text in UTF-8 (with or without BOM), UTF-16 with BOM, or CP932 (Japanese Windows); never raises."""
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return data.decode("utf-16", "replace")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        pass
    try:
        return data.decode("cp932")
    except UnicodeDecodeError:
        return data.decode("utf-8", "replace")


def read_text(path: Path, max_megabytes: int = 512) -> str:
    """A text file as another program wrote it, with newlines made "\\n"; raises as read_bytes."""
    return decode_text(read_bytes(path, max_megabytes)).replace("\r\n", "\n").replace("\r", "\n")


def read_json(path: Path, max_megabytes: int = 512) -> Any:
    """A JSON document; raises InputError json-broken (with line), json-too-deep, or as read_bytes."""
    return parse_json(read_bytes(path, max_megabytes), str(path))


def parse_json(data: bytes, name: str) -> Any:
    """JSON bytes from outside, bounded in depth; raises InputError."""
    if too_deep(data):
        raise InputError("json-too-deep", path=name, limit=_DEPTH)
    try:
        return msgspec.json.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError):
        pass
    text = decode_text(data)  # msgspec takes plain UTF-8 only; the slow way also says where it broke.
    try:
        return json_of(text)
    except ValueError as error:
        line = getattr(error, "lineno", 0)
        raise InputError("json-broken", path=name, line=line, reason=getattr(error, "msg", str(error))) from None


def json_of(text: str) -> Any:
    """The slow way to read JSON: Python's own; raises ValueError.

    A whole number with more digits than Python takes is infinite, as a too large decimal one is: so one such number
    spoils its own thing and not the file.
    """
    return json.loads(text, parse_int=whole_number)


def whole_number(digits: str) -> int | float:
    """The number that JSON spells so, infinite if it has too many digits."""
    try:
        return int(digits)
    except ValueError:
        return float(digits)


def too_deep(data: bytes, limit: int = _DEPTH) -> bool:
    """Whether brackets nest deeper than the limit (a decoder could be made to exhaust the stack)."""
    if data.count(b"[") + data.count(b"{") <= limit:
        return False
    if b"\\" not in data:  # Then every quote begins or ends a string, and hardly any string holds a bracket.
        data = data.translate(None, delete=_NO_SIGN).replace(b'""', b"")
    brackets = _STRING.sub(b"", data).translate(_ROUND, delete=_NO_BRACKET)
    for _ in range(limit):  # Each round takes the innermost pairs away.
        outer = brackets.replace(b"()", b"")
        if outer == brackets:
            break
        brackets = outer
    return b"()" in brackets or brackets.count(b"(") > limit


Stamp = tuple[int, int]


def stamp_of(path: Path) -> Stamp | None:
    """Size and time (ns) of a file, by which a change is known without reading it; None where there is none."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_size, found.st_mtime_ns


def digest_of(stamps: Mapping[str, Stamp]) -> str:
    """One word for how files look, by path."""
    found = hashlib.sha256()
    for path, (size, time) in sorted(stamps.items()):
        found.update(f"{Path(path).name}\t{size}\t{time}\n".encode("utf-8", "surrogatepass"))
    return found.hexdigest()


def write_atomic(
    path: Path, data: bytes | str, sync: bool = True, like: Path | None = None, expected: Stamp | None = None
) -> bool:
    """Write under a temporary name in the same folder, sync, rename; False when the file already holds exactly this.

    It may be read and written by whoever may do so with the file before it (or with like, where there was none).
    Raises ConflictError file-moved-on when the file that is replaced does not look as expected any more.
    """
    data = data.encode() if isinstance(data, str) else data
    try:
        if path.stat().st_size == len(data) and path.read_bytes() == data:
            return False
    except OSError:
        pass
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name[:40]}.", suffix=".part")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            if sync:
                os.fsync(file.fileno())
        _give_to(Path(temporary), path, like)
        if expected is not None and stamp_of(path) != expected:
            raise ConflictError("file-moved-on", path=str(path))
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
    return True


def _give_to(temporary: Path, path: Path, like: Path | None) -> None:
    """Owner and rights of the file that is replaced: people share it, and their program writes into it."""
    for model in filter(None, (path, like)):
        try:
            found = model.stat()
        except OSError:
            continue
        if hasattr(os, "chown") and (found.st_uid, found.st_gid) != (os.getuid(), os.getgid()):
            for owner in (found.st_uid, -1):  # Only root can give a file away; the group may still be ours to give.
                with suppress(OSError):
                    os.chown(temporary, owner, found.st_gid)
                    break
        temporary.chmod(stat.S_IMODE(found.st_mode))
        return
    temporary.chmod(0o644)
