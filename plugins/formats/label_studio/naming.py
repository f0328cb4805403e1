"""The picture that a task is about: its name, read from the address that Label Studio shows it by."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import unquote, urlsplit

from plugins.formats.label_studio.config import LabelConfig

# Label Studio puts eight hex digits before the name of an uploaded file.
_UPLOAD = re.compile(r"(?:^|/)(?:data/)?upload/\d+/(?P<tag>[0-9a-f]{8})-(?P<name>[^/?#]+)")
_LOCAL = re.compile(r"local-files/?\?(?:.*&)?d=(?P<path>[^&#]+)")
_SCHEME = re.compile(r"[a-zA-Z][a-zA-Z0-9+.-]+://")
_USUAL = ("image", "img", "picture", "url")


def address(task: dict[str, Any], config: LabelConfig) -> str:
    """Where Label Studio gets the task's picture from; empty if the task has none."""
    data = task.get("data")
    data = data if isinstance(data, dict) else {}
    for key in (config.image_key, *_USUAL, *data):
        if isinstance(data.get(key), str) and data[key] and key != "labelbridge_name":
            return str(data[key])
    return ""


def picture_name(task: dict[str, Any], config: LabelConfig) -> str:
    """The picture's original name: the one we gave with the task, else what its address tells."""
    return own_name(task) or name_in(address(task, config)) or f"task-{task.get('id', '')}"


def own_name(task: dict[str, Any]) -> str:
    """The name that we put into the task ourselves; empty if we did not."""
    data, ours = task.get("data"), ours_in(task)
    told = [data.get("labelbridge_name") if isinstance(data, dict) else None, ours.get("name")]
    return next((name for name in told if isinstance(name, str) and name), "")


def ours_in(task: dict[str, Any]) -> dict[str, Any]:
    """What we noted in the task's meta: name, width, height, orientation."""
    meta = task.get("meta")
    ours = meta.get("labelbridge") if isinstance(meta, dict) else None
    return ours if isinstance(ours, dict) else {}


def name_in(url: str) -> str:
    """The name in an address, decoded once: of an upload, of a local file (with its folder), or the last part."""
    if url.startswith("data:"):
        return ""
    if found := _UPLOAD.search(url):
        return unquote(found["name"])
    if found := _LOCAL.search(url):
        return unquote(found["path"]).lstrip("/")
    if _SCHEME.match(url):
        return unquote(urlsplit(url).path.rstrip("/").rpartition("/")[2])
    return url.replace("\\", "/").rpartition(":/")[2].lstrip("/")


def longer_name(task: dict[str, Any], config: LabelConfig) -> str:
    """A name of its own for a picture whose plain name another picture has already."""
    url = address(task, config)
    if found := _UPLOAD.search(url):
        return f"{found['tag']}-{unquote(found['name'])}"
    name, number = picture_name(task, config), task.get("id", "")
    if _SCHEME.match(url):
        folder = unquote(urlsplit(url).path.rstrip("/").rpartition("/")[0].rpartition("/")[2])
        return f"{folder or number}/{name}"
    return f"{number}-{name}"
