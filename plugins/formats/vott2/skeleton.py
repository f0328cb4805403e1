"""The .vott file without its assets: connections, settings and tags as VoTT 2.2.0 wants them."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Iterable, Mapping
from typing import Any

from plugins.formats.vott2.asset import Record

VERSION = "2.2.0"

_FORBIDDEN = re.compile(r'[\\/:*?"<>|\x00-\x1f]')
# VoTT's own colours for new tags, in its order.
# fmt: off
_PALETTE = (
    "#5db300", "#e81123", "#6917aa", "#015cda", "#4894fe", "#6b849c", "#70c400", "#f7929a", "#257ffe", "#ddabe9",
    "#ff8c00", "#386300", "#b40e1b", "#68217a", "#33cccc", "#016afe", "#595959", "#808080", "#990066", "#00bcf2",
)
# fmt: on


def file_name(name: str) -> str:
    """A project's name without what VoTT forbids in it."""
    return _FORBIDDEN.sub("_", name).strip(" .") or "project"


def new_skeleton(name: str) -> Record:
    """A new project. Its connections are plain text: VoTT takes them so, and seals them when it saves next.

    VoTT refuses to open a project whose security token it does not know by name, plain or not.
    """
    name = file_name(name)
    return {
        "name": name,
        "securityToken": f"{name} Token",
        "tags": [],
        "sourceConnection": _connection(name, "pictures"),
        "targetConnection": _connection(name, "labels"),
        "videoSettings": {"frameExtractionRate": 15},
        "autoSave": True,
        "id": _short_id(name),
        "activeLearningSettings": {"autoDetect": False, "predictTag": True, "modelPathType": "coco"},
        "exportFormat": {
            "providerType": "vottJson",
            "providerOptions": {"assetState": "visited", "includeImages": True},
        },
        "version": VERSION,
        "assets": {},
    }


def _connection(name: str, what: str) -> Record:
    return {
        "id": _short_id(f"{name} {what}"),
        "name": f"{name} {what}",
        "providerType": "localFileSystemProxy",
        "providerOptions": {"folderPath": ""},
    }


def connected(skeleton: Record, pictures: str, target: str) -> Record:
    """The project with its pictures and labels in these folders of this machine."""
    folders = {"sourceConnection": pictures, "targetConnection": target}
    connections = {}
    for key, folder in folders.items():
        old = skeleton.get(key)
        kept = old if isinstance(old, dict) else _connection(str(skeleton.get("name")), key)
        provider = {"providerType": "localFileSystemProxy", "providerOptions": {"folderPath": folder}}
        connections[key] = kept | provider
    return skeleton | connections


def tag_records(present: list[Any], labels: Iterable[str], colors: Mapping[str, str]) -> list[Record]:
    """Tags in class order, those that the project had keep their other fields; new ones get a colour."""
    old = {tag["name"]: tag for tag in present if isinstance(tag, dict) and isinstance(tag.get("name"), str)}
    wanted = list(dict.fromkeys((*labels, *old)))
    if wanted == list(old) and all(old[label].get("color") == color for label, color in colors.items()):
        return list(present)  # Nothing to say that is not there, whatever else is.
    tags = [
        old.get(label) or {"name": label, "color": _PALETTE[number % len(_PALETTE)]}
        for number, label in enumerate(wanted)
    ]
    return [tag | {"color": colors[tag["name"]]} if tag["name"] in colors else tag for tag in tags]


def renamed_tags(present: list[Any], renamed: Mapping[str, str]) -> list[Any]:
    """Tags under the names they have now, each in its place; one whose new name stands there already goes."""
    told = [tag.get("name") if isinstance(tag, dict) else None for tag in present]
    names = {name for name in told if isinstance(name, str)}
    tags: list[Any] = []
    for tag, name in zip(present, told, strict=True):
        new = renamed.get(name) if isinstance(name, str) else None
        if new is None:
            tags.append(tag)
        elif new not in names:
            names.add(new)
            tags.append(tag | {"name": new})
    return tags


def _short_id(text: str) -> str:
    """Nine characters as VoTT's own short ids have them, always the same for one text."""
    return base64.urlsafe_b64encode(hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest())[:9].decode()
