"""Asset records of a VoTT 2 project: what their paths mean, and how new ones are made."""

from __future__ import annotations

import hashlib
import posixpath
import re
from collections.abc import Iterable
from typing import Any
from urllib.parse import quote, unquote

from plugins.formats.pixels import finite

Record = dict[str, Any]

NOT_VISITED, VISITED, TAGGED = 0, 1, 2
IMAGE, VIDEO, VIDEO_FRAME = 1, 2, 3

# What JavaScript's encodeURI leaves as it is; VoTT then encodes # and ? as well.
_PLAIN = ";,/:@&=+$-_.!~*'()"
_REMOTE = re.compile(r"https?:", re.IGNORECASE)
_FRAME = "#t="
_LARGEST = 1e6


# What a path of this system may hold that has to be looked at more closely.
_SPECIAL = re.compile(r"[%\\\0]|/[/.]")


def decoded(path: str, frame: bool = False) -> str:
    """The path a person knows: no "file:", slashes forward, "%" decoded exactly once; a frame's time stays at the end.

    A literal "%25" becomes "%" and is not decoded again. What is no valid escape stays as it is.
    """
    if path[:6] == "file:/" and path[7:8] != ":" and not frame and not _SPECIAL.search(path):
        return path[5:]
    path, _, time = path.rpartition(_FRAME) if frame and _FRAME in path else (path, "", "")
    if _REMOTE.match(path):
        path = path.partition("?")[0]  # The query of an Azure address is its access token.
    path = path.removeprefix("file:").replace("\\", "/")
    if path.startswith("///"):
        path = path[2:]
    if re.match(r"/[A-Za-z]:/", path):
        path = path[1:]
    plain = path if "%" not in path else _unescaped(path)
    plain = plain.replace("\0", "\ufffd")  # No file name holds NUL.
    return _tidy(plain) + (_FRAME + time if time else "")


def _unescaped(path: str) -> str:
    try:
        return unquote(path, errors="strict")
    except UnicodeDecodeError:
        return path


def _tidy(path: str) -> str:
    """Without "." and ".." inside, so that a name never leads out of its folder."""
    if "/." not in path and not path.startswith("."):
        return path
    return re.sub(r"^(?:\.\./)+", "", posixpath.normpath(path))


def encoded(path: str) -> str:
    """The path as VoTT 2.0 to 2.2 write it: file:C:/%E7%94%BB%E5%83%8F/a%20b.jpg; addresses stay as they are."""
    if _REMOTE.match(path) or path.startswith("file:"):
        return path
    # A file name that is no UTF-8 keeps its bytes.
    return "file:" + quote(path.replace("\\", "/").encode("utf-8", "surrogateescape"), safe=_PLAIN)


def asset_id(path: str) -> str:
    """The id that VoTT 2.0 to 2.2 give to the asset with this encoded path."""
    return hashlib.md5(path.encode("utf-8", "surrogatepass"), usedforsecurity=False).hexdigest()


def new_asset(path: str, width: int, height: int) -> Record:
    """The record of a picture at a path of this machine, not yet visited."""
    place = encoded(path)
    name = place.rpartition("/")[2]
    record: Record = {
        "id": asset_id(place),
        "format": name.partition("?")[0].rpartition(".")[2],
        "state": NOT_VISITED,
        "type": IMAGE,
        "name": name,
        "path": place,
    }
    return record | ({"size": {"width": width, "height": height}} if width and height else {})


def new_frame(path: str, time: str, width: int, height: int) -> Record:
    """The record of one frame of the video at a path, time in seconds as VoTT prints it, with the video inside."""
    video = new_asset(path, width, height) | {"type": VIDEO, "state": TAGGED}
    place = f"{video['path']}{_FRAME}{time}"
    name = f"{video['name']}{_FRAME}{time}"
    frame = video | {"id": asset_id(place), "type": VIDEO_FRAME, "state": NOT_VISITED, "name": name, "path": place}
    return frame | {"parent": video, "timestamp": float(time)}


def frame_time(name: str) -> tuple[str, str] | None:
    """Video and seconds of a frame's name; None for a picture."""
    video, found, time = name.rpartition(_FRAME)
    return (video, time) if found and re.fullmatch(r"\d+(\.\d+)?", time) else None


def decoded_path(record: Record) -> str:
    """Where a record's picture was when it was labelled; "" if the record does not say."""
    path = record.get("path")
    if not isinstance(path, str) or not path:
        name = record.get("name")
        path = name if isinstance(name, str) else ""
    return decoded(path, record.get("type") == VIDEO_FRAME)


def size_of(record: Record) -> tuple[int, int]:
    """Width and height as recorded; 0, 0 if the asset was never shown."""
    size = record.get("size")
    if type(size) is dict and type(width := size.get("width")) is int and type(height := size.get("height")) is int:
        return (width, height) if 0 < width < _LARGEST and 0 < height < _LARGEST else (0, 0)
    width, height = (size.get("width"), size.get("height")) if isinstance(size, dict) else (0, 0)
    width, height = finite(width) or 0.0, finite(height) or 0.0
    return (round(width), round(height)) if 0 < width < _LARGEST and 0 < height < _LARGEST else (0, 0)


def common_folder(paths: Iterable[str]) -> str:
    """The deepest folder that holds all paths, with a slash at its end; "" if there is none."""
    folders = [path.split("/")[:-1] for path in paths]
    if not folders:
        return ""
    first, last = min(folders), max(folders)  # Everything in between shares what these two share.
    shared = next((n for n, (a, b) in enumerate(zip(first, last, strict=False)) if a != b), min(len(first), len(last)))
    return "".join(part + "/" for part in first[:shared])


def common_name(path: str, folder: str) -> str:
    """The name of a picture relative to a folder."""
    return path.removeprefix(folder).replace(":/", "/", 1).lstrip("/")  # Of two drives: C/a.jpg and D/b.jpg.
