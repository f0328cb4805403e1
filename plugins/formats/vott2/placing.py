"""Where the pictures of a written project lie: where they are, or put into its own folder of pictures."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from bridge.model.annotation import Document, Image
from bridge.model.finding import Finding, Severity
from plugins.formats.pictures import place, unsafe
from plugins.formats.vott2.asset import Record, common_folder, decoded_path, frame_time, new_asset, new_frame
from plugins.formats.vott2.elsewhere import Elsewhere, respelled
from plugins.formats.vott2.identity import IdRule

FOLDER = "images"


@dataclass(slots=True)
class Placing:
    """Gives pictures their assets; roots are the folders that names of assets made or moved here count from.

    root is the folder, as the project spells it, where its pictures lie already: VoTT lists it itself, so a new
    asset must be the one that VoTT would make of it, by that VoTT's rule. "" for a new project. elsewhere tells how
    another machine spells the folder; left are the roots of the places that assets had before.
    """

    out: Path
    how: Literal["link", "copy", "none"]
    root: str = ""
    roots: set[str] = field(default_factory=set)
    findings: list[Finding] = field(default_factory=list)
    placed: bool = False
    rule: IdRule = field(default_factory=IdRule)
    elsewhere: Elsewhere | None = None
    left: set[str] = field(default_factory=set)

    def asset(self, document: Document, kept: Record | None) -> Record:
        """The asset record of a picture: the one it came with while that says where the picture is, else a new one."""
        image = document.image
        if self.elsewhere is None and kept is not None and self._stays(image, kept):
            return dict(kept)
        path = self._put(image) if self.elsewhere is None else self._put_elsewhere(image, self.elsewhere)
        self.roots.add(root_of(path, image.name))
        if kept is not None:
            self.left.add(root_of(decoded_path(kept), image.name))
            return respelled(kept, path)
        if frame := frame_time(image.name):
            record = new_frame(path.rpartition("#t=")[0] or path, frame[1], image.width, image.height)
            return record | {"parent": self.rule.applied(record["parent"])}
        return self.rule.applied(new_asset(path, image.width, image.height))

    def _stays(self, image: Image, kept: Record) -> bool:
        return self.how == "none" or image.file is None or _is_there(kept)

    def _put_elsewhere(self, image: Image, elsewhere: Elsewhere) -> str:
        """The path of a picture on the other machine, after it was put here where that will find it."""
        folder = self.out / FOLDER
        placed = folder / kept_name(image.name) if self.how == "none" else Path(self._put(image))
        return elsewhere.root + placed.relative_to(folder).as_posix()

    def _put(self, image: Image) -> str:
        """The path of a picture after it was put where VoTT will look for it."""
        there = self.root + image.name
        if self.root and (self.how == "none" or image.file is None or Path(there).is_file()):
            return there
        if self.how == "none" and image.file is not None:
            return str(Path(image.file.path).absolute())
        target = self.out / FOLDER / kept_name(image.name)
        if image.file is None:
            if frame_time(image.name) is None:
                self._miss(image, target)
            return str(target)
        source = Path(image.file.path)
        if self.how != "none":
            target = _free(target, source)
            try:
                place(source.resolve(), target, self.how)
                self.placed = True
            except FileNotFoundError:
                self._miss(image, source)
        return str(target)

    def _miss(self, image: Image, path: Path) -> None:
        fields = {"name": image.name, "folder": str(path.parent)}
        self.findings.append(Finding("missing-image", Severity.WARNING, image.name, fields))


def root_of(path: str, name: str) -> str:
    """The folder, with a slash at its end, that the name of the picture at a path counts from."""
    return path.removesuffix(name) if path.endswith(f"/{name}") else common_folder([path])


def _is_there(record: Record) -> bool:
    path = Path(decoded_path(record))
    return path.is_absolute() and path.is_file()


def kept_name(name: str) -> str:
    """The name of a picture inside the folder: its own, unless that leads out of it or would be read otherwise."""
    return _short(name) + Path(name).suffix if unsafe(name) or "\\" in name else name


def _free(target: Path, source: Path) -> Path:
    """The target, or beside it a name of its own where another picture lies there already."""
    if not target.exists() or not source.exists():
        return target
    there, here = target.stat(), source.stat()
    same = target.samefile(source) or (there.st_size, there.st_mtime_ns) == (here.st_size, here.st_mtime_ns)
    return target if same else target.with_stem(f"{target.stem}-{_short(str(source))}")


def _short(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:8]
