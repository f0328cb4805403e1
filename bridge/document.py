"""Reading and writing the text files of other programs: bounded, any encoding, never half-written."""

from __future__ import annotations

import json
import os
import re
import stat
import tempfile
from pathlib import Path
from typing import Any

import msgspec

from bridge.errors import InputError, NotFoundError

_DEPTH = 64
# Strings are taken out whole, so that brackets in text do not count.
_STRING = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"', re.DOTALL)
_ROUND = bytes.maketrans(b"[{]}", b"(())")
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
        return json.loads(text)
    except ValueError as error:
        line = getattr(error, "lineno", 0)
        raise InputError("json-broken", path=name, line=line, reason=getattr(error, "msg", str(error))) from None


def too_deep(data: bytes, limit: int = _DEPTH) -> bool:
    """Whether brackets nest deeper than the limit (a decoder could be made to exhaust the stack)."""
    if data.count(b"[") + data.count(b"{") <= limit:
        return False
    brackets = _STRING.sub(b"", data).translate(_ROUND, delete=_NO_BRACKET)
    for _ in range(limit):  # Each round takes the innermost pairs away.
        outer = brackets.replace(b"()", b"")
        if outer == brackets:
            break
        brackets = outer
    return b"()" in brackets or brackets.count(b"(") > limit


def write_atomic(path: Path, data: bytes | str, sync: bool = True) -> bool:
    """Write under a temporary name in the same folder, sync, rename; False when the file already holds exactly this."""
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
        Path(temporary).chmod(0o644)
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
    return True
