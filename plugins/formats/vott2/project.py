"""A VoTT 2 project on disk: the .vott file and one <id>-asset.json per tagged asset, or one VoTT JSON export."""

from __future__ import annotations

import os
from dataclasses import dataclass, field, replace
from pathlib import Path

from bridge.errors import InputError, NotFoundError, RefusedError
from bridge.model.finding import Finding, Severity
from plugins.formats.halves import bad_text
from plugins.formats.mending import read_settled
from plugins.formats.vott2.asset import Record
from plugins.formats.vott2.labels import Labels, read_labels
from plugins.formats.vott2.plain import Plain, read_plain
from plugins.formats.vott2.sealed import unseal

SUFFIX = ".vott"
ASSET_SUFFIX = "-asset.json"
EXPORT_SUFFIX = "-export.json"

# The smallest whole things of a damaged project are its assets, which lie so deep.
_DEPTH = 2


@dataclass(frozen=True, slots=True)
class VottProject:
    """One project as it lies on disk: its assets by id, in its order, and the paths of its asset files by asset id.

    unsealed are the options of its encrypted connections, where a key was given; content keeps them as they are.
    """

    path: Path
    content: Record
    assets: dict[str, Record]
    files: dict[str, str] = field(default_factory=dict)
    findings: tuple[Finding, ...] = ()
    max_megabytes: int = 512
    inline: dict[str, Labels] = field(default_factory=dict)
    unsealed: dict[str, Record] = field(default_factory=dict, repr=False)

    @property
    def tags(self) -> list[Record]:
        """Tag records in class order."""
        found = self.content.get("tags")
        tags = [{"name": tag} if isinstance(tag, str) else tag for tag in found] if isinstance(found, list) else []
        return [tag for tag in tags if isinstance(tag, dict) and isinstance(tag.get("name"), str) and tag["name"]]

    def labels(self, asset_id: str) -> Labels | None:
        """The asset's labels; None where it has no asset file."""
        path = self.files.get(asset_id)
        return read_labels(path, self.max_megabytes) if path is not None else self.inline.get(asset_id)

    def plain(self, asset_id: str, extras: bool) -> Plain | None:
        """The asset's file where it holds rectangles only."""
        path = self.files.get(asset_id)
        return read_plain(path, self.max_megabytes, extras) if path is not None else None


def candidates(path: Path) -> list[Path]:
    """All .vott files that a path is or holds, or else all VoTT JSON exports."""
    if path.is_file():
        return [path] if path.name.endswith((SUFFIX, EXPORT_SUFFIX)) else []
    try:
        with os.scandir(path) as entries:
            names = sorted(e.name for e in entries if e.name.endswith((SUFFIX, EXPORT_SUFFIX)) and _is_file(e))
    except OSError:
        return []
    projects = [name for name in names if name.endswith(SUFFIX)]
    return [path / name for name in projects or names]


def open_project(path: Path, max_megabytes: int = 512, token: str = "") -> VottProject:
    """The project at a path, its connections opened with a security token if one is given.

    Raises NotFoundError, RefusedError (several in a folder) or InputError (unreadable).
    """
    found = candidates(path)
    if len(found) > 1:
        raise RefusedError("vott-several", path=str(path), found=", ".join(p.name for p in found))
    if not found:
        raise NotFoundError("vott-missing", path=str(path))
    mended = read_settled(found[0], max_megabytes, _DEPTH)
    content = mended.value
    if not isinstance(content, dict) or not isinstance(content.get("assets", {}), dict):
        raise InputError("vott-not-a-project", path=str(found[0]))
    fields = {"path": found[0].name, "how": mended.how, "lost": mended.lost}
    damage = [Finding("damaged", Severity.WARNING, None, fields)] if mended.how else []
    assets = {key: asset for key, asset in content.get("assets", {}).items() if isinstance(asset, dict)}
    opened = unseal(content, token)
    notes = (*damage, *bad_text(found[0], mended.halves), *opened.findings)
    project = VottProject(
        found[0], content, assets, findings=notes, max_megabytes=max_megabytes, unsealed=opened.options
    )
    if found[0].name.endswith(EXPORT_SUFFIX):
        return _unfolded(project)
    return replace(project, files=_asset_files(found[0].parent))


def _asset_files(folder: Path) -> dict[str, str]:
    try:
        with os.scandir(folder) as entries:
            paths = sorted(entry.path for entry in entries if entry.name.endswith(ASSET_SUFFIX) and _is_file(entry))
    except OSError as error:
        raise InputError("file-unreadable", path=str(folder), reason=error.strerror or str(error)) from error
    return {os.path.basename(path).removesuffix(ASSET_SUFFIX): path for path in paths}  # noqa: PTH119 - ten thousand


def _is_file(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_file()
    except OSError:  # A link that leads in a circle must not cost the whole folder.
        return False


def _unfolded(project: VottProject) -> VottProject:
    """A VoTT JSON export holds each asset together with its regions."""
    inline = {
        asset_id: Labels(entry)
        for asset_id, entry in project.assets.items()
        if isinstance(entry.get("asset"), dict) and isinstance(entry.get("regions"), list)
    }
    assets = {asset_id: labels.content["asset"] for asset_id, labels in inline.items()}
    return replace(project, content={**project.content, "assets": assets}, assets=assets, inline=inline)
