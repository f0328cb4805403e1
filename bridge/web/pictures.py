"""Picture files to browsers and annotation tools: known pictures only, never a path from a request."""

from __future__ import annotations

import hmac
import mimetypes
import time
from pathlib import Path

from flask import Blueprint, Response, request, send_file

from bridge import picture
from bridge.errors import AccessError, NotFoundError
from bridge.loop.links import picture_link, signature
from bridge.model.annotation import Image
from bridge.store import images
from bridge.web import auth
from bridge.web.current import workspace
from bridge.web.previews import Previews
from bridge.workspace import Workspace

THUMB, PREVIEW = 320, 1600
_KEPT = "private, max-age=604800"


def blueprint() -> Blueprint:
    """Routes of picture files: for sessions, and with a signature for annotation tools."""
    found = Blueprint("pictures", __name__)
    found.get("/pictures/<int:image>/thumb")(thumb)
    found.get("/pictures/<int:image>/preview")(preview)
    found.get("/pictures/<int:image>/original")(original)
    found.get("/pictures/<int:image>/<path:name>")(signed)
    found.before_request(_session_or_signature)
    return found


def sign(ws: Workspace, image_id: int, seconds: float) -> str:
    """An address under which anybody may fetch this picture until it expires; raises NotFoundError."""
    with ws.db.read() as tx:
        _, image = images.find_id(tx, image_id)
    return picture_link(ws.settings, image, int(time.time() + seconds))


def _session_or_signature() -> None:
    if request.endpoint != "pictures.signed":
        auth.require_session()


def thumb(image: int) -> Response:
    """A small picture for lists."""
    return _drawn(image, THUMB)


def preview(image: int) -> Response:
    """A picture for the screen, in the stored pixel grid, whatever its format."""
    return _drawn(image, PREVIEW)


def original(image: int) -> Response:
    """The file as it is."""
    return _sent(workspace(), image)


def signed(image: int, name: str) -> Response:
    """The file for whoever has a valid link; the name in it is only for people."""
    ws = workspace()
    expires = request.args.get("expires", type=int) or 0
    wanted, shown = signature(ws.settings, image, expires), request.args.get("sig", "")
    if not hmac.compare_digest(wanted.encode(), shown.encode()):
        raise AccessError("link-wrong", name=name)
    if expires < time.time():
        raise AccessError("link-expired", name=name)
    answer = _sent(ws, image)
    # Label Studio draws pictures on a canvas, for which a browser wants this. The signature is the lock.
    answer.headers["Access-Control-Allow-Origin"] = "*"
    return answer


def _drawn(image_id: int, longest: int) -> Response:
    ws = workspace()
    found = Previews(ws.settings.data / "cache" / "previews").get(place(ws, image_id), longest)
    answer = send_file(found, mimetype="image/jpeg", conditional=True, etag=True)
    answer.headers["Cache-Control"] = _KEPT
    return answer


def _sent(ws: Workspace, image_id: int) -> Response:
    path = place(ws, image_id)
    kind = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
    # A file that a browser could run as a page of ours is never sent as such.
    kind = kind if kind.startswith("image/") and "svg" not in kind else "application/octet-stream"
    answer = send_file(path, mimetype=kind, conditional=True, etag=True)
    answer.headers["Cache-Control"] = _KEPT
    return answer


def place(ws: Workspace, image_id: int) -> Path:
    """Where a known picture's bytes lie now: its own file, else a kept copy; raises NotFoundError."""
    with ws.db.read() as tx:
        _, image = images.find_id(tx, image_id)
    return _file(image) or _copy(ws, image)


def _file(image: Image) -> Path | None:
    path = Path(image.file.path) if image.file else None
    return path if path is not None and path.is_file() and path.suffix.lower() in picture.EXTENSIONS else None


def _copy(ws: Workspace, image: Image) -> Path:
    if image.sha256 is None or not ws.blobs.has(image.sha256):
        raise NotFoundError("picture-missing", path=image.file.path if image.file else image.name)
    return ws.blobs.path(image.sha256)
