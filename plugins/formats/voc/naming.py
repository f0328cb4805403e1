"""Which picture an annotation file is for, and under which name a written one goes.

VOC knows a picture by the stem of its annotation file, and <filename> is what programs get wrong: VoTT 2 leaves it
percent-encoded, VoTT 1 cuts it, others leave the extension out or never change it when pictures are renamed.
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import PurePosixPath

from bridge.model.finding import Finding, Severity
from bridge.picture import EXTENSIONS
from plugins.formats.pictures import PictureFolder
from plugins.formats.voc.survey import Seen
from plugins.formats.vott2.asset import decoded

# VoTT 2 calls the picture of a video frame by the frame and adds an extension.
_FRAME = re.compile(r"(.+#t=\d+(?:\.\d+)?)\.(?:jpe?g|png)", re.IGNORECASE)
_LIKELY = (".jpg", *sorted(EXTENSIONS - {".jpg"}))
# What Windows forbids in a name; lists of single classes are cut at blanks.
_UNSAFE = re.compile(r'[\x00-\x20\x7f<>:"/\\|?*\u3000]+')
_LONGEST = 80


@dataclass(frozen=True, slots=True)
class Entry:
    """An annotation file and its picture: the name a person knows, and the file as spelled where it lies (or would)."""

    seen: Seen
    name: str
    file: str
    path: str | None = None
    findings: tuple[Finding, ...] = ()


def entry_of(seen: Seen, pictures: PictureFolder) -> Entry:
    """The picture of an annotation file."""
    exact, spellings = _spellings(seen)
    for spelling in spellings:
        found = pictures.find(spelling)
        if found.path is not None:
            name = exact or spelling
            return Entry(seen, name, spelling, str(found.path), _other(seen, name) if exact is None else ())
    likely = next((spelling for spelling in spellings if _is_picture(spelling)), seen.stem + ".jpg")
    return Entry(seen, exact or likely, likely)


def _spellings(seen: Seen) -> tuple[str | None, list[str]]:
    """The picture's name, if that is certain, and all ways in which its file may be spelled, the likeliest first."""
    told, exact = seen.filename, seen.name or seen.uncut
    spellings = [told, told.rpartition("/")[2]]
    if seen.flavour == "vott-v2" and told:
        plain = decoded(told)
        frame = _FRAME.fullmatch(plain)
        exact = frame[1] if frame else plain
        spellings.append(plain)
    elif seen.uncut:
        spellings.insert(0, seen.uncut)
    spellings += [seen.stem + extension for extension in _LIKELY]
    return exact, list(dict.fromkeys(filter(None, spellings)))


def _is_picture(name: str) -> bool:
    return PurePosixPath(name).suffix.lower() in EXTENSIONS


def _other(seen: Seen, name: str) -> tuple[Finding, ...]:
    """That the annotation file speaks of another picture than the one that was taken."""
    told = seen.filename.rpartition("/")[2]
    if not told or told == name.rpartition("/")[2] or told == PurePosixPath(name).stem:
        return ()
    fields = {"case": "picture", "path": seen.path.name, "theirs": told, "ours": name}
    return (Finding("disagreement", Severity.WARNING, name, fields),)


def file_names(names: Iterable[str], extensions: dict[str, str]) -> dict[str, str]:
    """A file name for each picture: flat, no two with one stem (not even but for case), the old one where it can be.

    extensions are those of pictures whose names have none.
    """
    wanted = {name: _flat(name, extensions.get(name, ".jpg")) for name in names}
    owners = Counter(stem.casefold() for stem, _ in wanted.values())
    taken = {stem.casefold() for stem, _ in wanted.values() if owners[stem.casefold()] == 1}
    files = {}
    for name, (stem, extension) in wanted.items():
        if owners[stem.casefold()] > 1:
            stem = _apart(name, stem, taken)
            taken.add(stem.casefold())
        files[name] = stem + extension
    return files


def _flat(name: str, extension: str) -> tuple[str, str]:
    stem, dot, own = name.rpartition(".")
    if not dot or f".{own.lower()}" not in EXTENSIONS:
        stem, own = name, extension.lstrip(".")
    flat = _UNSAFE.sub("_", stem).strip(".")[:_LONGEST]
    return flat or "picture", f".{own}"


def _apart(name: str, stem: str, taken: set[str]) -> str:
    digest = hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()
    lengths = range(6, len(digest) + 1)
    return next(made for n in lengths if (made := f"{stem}-{digest[:n]}").casefold() not in taken)
