"""Bytes by their SHA-256: weights and transcripts from the blob folder, pictures from where a project refers to them.

Whoever gets bytes from here gets the right ones: a blob is checked when it comes in, a referenced picture when it goes
out; a very large one is checked on the way and cut short before its last piece when it is not what it was.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

from flask import Blueprint, Response, request, send_file

from bridge import picture
from bridge.errors import BridgeError, InputError, NotFoundError
from bridge.model.annotation import FileStamp
from bridge.store import images
from bridge.web.auth import require
from bridge.web.current import workspace
from bridge.workspace import Workspace

_PIECE = 1 << 20
# Nearly all pictures: read and checked before the first byte is sent.
_WHOLE = 64 << 20


def blueprint() -> Blueprint:
    """The routes of blobs."""
    found = Blueprint("blobs", __name__, url_prefix="/api/v1/blobs")
    found.get("/<sha256>")(require("node", "admin")(fetch))
    found.put("/<sha256>")(require("node", "admin")(keep))
    return found


def fetch(sha256: str) -> Response:
    """The bytes; HEAD tells whether they are there and how many."""
    ws = workspace()
    if ws.blobs.has(sha256):
        return send_file(ws.blobs.path(sha256), "application/octet-stream", etag=sha256)
    for file in _referenced(ws, sha256):
        answer = _picture(file, sha256)
        if answer is not None:
            return answer
    raise NotFoundError("blob-missing", sha256=sha256)


def _referenced(ws: Workspace, sha256: str) -> list[FileStamp]:
    """Where pictures with these bytes lay when they were looked at."""
    with ws.db.read() as tx:
        return [image.file for image in images.by_sha(tx, sha256) if image.file]


def _picture(file: FileStamp, sha256: str) -> Response | None:
    """A picture from its place, or None when it is no longer what it was there: perhaps its twin still is."""
    path = Path(file.path)
    try:
        now = picture.stamp(path)
        if request.method == "HEAD":
            sound, body = now == file or picture.sha256(path) == sha256, iter([b""])
        elif now.size <= _WHOLE:
            data = path.read_bytes()
            sound, body = hashlib.sha256(data).hexdigest() == sha256, iter([data])
        else:
            sound, body = now == file or picture.sha256(path) == sha256, _checked(path, sha256)
    except (BridgeError, OSError):
        return None
    if not sound:
        return None
    answer = Response(body, content_type="application/octet-stream")
    answer.headers["Content-Length"] = str(now.size)
    answer.set_etag(sha256)
    return answer


def _checked(path: Path, sha256: str) -> Iterator[bytes]:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        piece = file.read(_PIECE)
        while True:
            digest.update(piece)
            following = file.read(_PIECE)
            if not following:
                break
            yield piece
            piece = following
    if digest.hexdigest() != sha256:
        # The length was announced, so that the receiver sees the answer torn.
        raise InputError("blob-differs", wanted=sha256, found=digest.hexdigest())
    yield piece


def keep(sha256: str) -> Response:
    """Keep the bytes of the body; 201, or 200 when they were there. Raises InputError blob-differs."""
    ws = workspace()
    request.max_content_length = None  # Weights are as large as they are; they go to disk as they come.
    known = ws.blobs.has(sha256)
    if not known:
        ws.blobs.put_stream(iter(lambda: request.stream.read(_PIECE), b""), expected=sha256)
    return Response(status=200 if known else 201)
