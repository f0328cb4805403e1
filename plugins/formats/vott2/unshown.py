"""Pictures that VoTT has not shown yet: it lists them from their folder, its project names only what it has shown."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path

from bridge.model.annotation import fold_name
from bridge.model.finding import Finding
from plugins.formats.halves import whole
from plugins.formats.namesakes import clashes, strangers
from plugins.formats.pictures import PictureFolder
from plugins.formats.vott2.entries import Entry, source_folder
from plugins.formats.vott2.identity import rule_of
from plugins.formats.vott2.project import VottProject
from plugins.formats.vott2.whereabouts import Whereabouts

# What VoTT takes for a picture.
_EXTENSIONS = frozenset({".gif", ".jpg", ".jpeg", ".tif", ".tiff", ".png", ".bmp"})
# After so many pictures that are not here the others will not be either.
_TRIES = 20


def unshown(
    project: VottProject, entries: Sequence[Entry], pictures: Whereabouts, images: Path | None
) -> tuple[tuple[Entry, ...], tuple[Finding, ...]]:
    """Entries for pictures that lie where those of the project do, and that it does not name; nobody has seen them.

    With what there is to say of like names there.
    """
    if project.inline:
        return (), ()  # An export says nothing of what was not exported.
    here, spelled = _folder(project, entries, pictures, images)
    if here is None:
        return (), ()
    known = {entry.name for entry in entries}
    folders = dict.fromkeys(("", *(entry.name.rpartition("/")[0] for entry in entries if not entry.is_frame)))
    found = [name for folder in folders for name in _names(here, folder)]
    rule = rule_of(tuple(entries), spelled)
    unseen = tuple(
        Entry(rule.id_of(spelled + name), {}, spelled + name, whole(name), file=f"{here}/{name}")
        for name in strangers(found, known)
    )
    return unseen, tuple(clashes(found, known))


def _folder(
    project: VottProject, entries: Sequence[Entry], pictures: Whereabouts, images: Path | None
) -> tuple[Path | None, str]:
    """The folder of the pictures on this machine, and as the project spells it with a slash at its end."""
    for entry in islice((entry for entry in entries if not entry.is_frame), _TRIES):
        image, _ = pictures.image(entry)
        if image.file is not None and entry.path.endswith(entry.name):
            root = _without(image.file.path, entry.name)
            if root is not None:
                return root, entry.path.removesuffix(entry.name)
    source = source_folder(project)
    if images is not None:
        return images.absolute(), source or f"{images.absolute()}/"
    return (Path(source), source) if source and Path(source).is_absolute() else (None, "")


def _without(path: str, name: str) -> Path | None:
    """The folder that a picture's name is relative to; None if it was found under another name."""
    parts, tail = path.split("/"), name.split("/")
    same = [fold_name(a).casefold() == fold_name(b).casefold() for a, b in zip(parts[-len(tail) :], tail, strict=False)]
    return Path("/".join(parts[: -len(tail)]) or "/") if all(same) else None


def _names(root: Path, folder: str) -> Iterator[str]:
    """Names of pictures in a folder under the root."""
    inside = PictureFolder(root / folder).names()
    for name in sorted(name for name, is_folder in inside if not is_folder and not name.startswith(".")):
        if name[name.rfind(".") :].lower() in _EXTENSIONS:
            yield f"{folder}/{name}" if folder else name
