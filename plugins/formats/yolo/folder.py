"""A darknet folder: the data file, the names and the lists of pictures that it speaks of."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from bridge.document import read_text
from bridge.errors import BridgeError, NotFoundError, RefusedError
from bridge.model.finding import Finding, Severity
from bridge.picture import EXTENSIONS

# Names files that people use without a data file, the likeliest first.
_NAMES = ("obj.names", "classes.txt", "_darknet.labels", "classes.names", "data/obj.names")
_LISTS = {"train": ("train.txt",), "valid": ("valid.txt", "val.txt", "test.txt")}
# Where a data file lies below the folder that darknet is started in.
_BELOW = ("", "data", "cfg")
_KNOWN = ("classes", "train", "valid", "names", "backup")
# darknet opens all paths from the folder it was started in, which is not written down anywhere.
_UP = 3
# A file of another machine's path is looked for only this near.
_NEAR = 2


@dataclass(frozen=True, slots=True)
class DarknetFolder:
    """What a folder holds: names by class number, and the lines of the lists (None: there is no such list).

    root is what names of pictures are relative to; bases are the folders that paths may be relative to, the likeliest
    first; other are keys of the data file that we do not know.
    """

    root: Path
    names: tuple[str, ...]
    bases: tuple[Path, ...]
    train: tuple[str, ...] | None = None
    valid: tuple[str, ...] | None = None
    declared: bool = True
    other: dict[str, str] = field(default_factory=dict)
    findings: tuple[Finding, ...] = ()


def data_file(path: Path) -> Path | None:
    """The data file that a path is or holds; raises RefusedError if it holds several and none is called obj.data."""
    if path.is_file():
        return path if path.suffix == ".data" and is_data_file(path) else None
    for below in _BELOW:
        found = [found for found in sorted((path / below).glob("*.data")) if is_data_file(found)]
        named = [one for one in found if one.name == "obj.data"] or found
        if len(named) > 1:
            raise RefusedError("yolo-several", path=str(path), found=", ".join(one.name for one in named))
        if named:
            return named[0]
    return None


def is_data_file(path: Path) -> bool:
    """Whether a file says where names or a list of pictures are."""
    try:
        keys = parse_data(_text(path, 1))
    except BridgeError:
        return False
    return bool({"names", "train", "valid"} & keys.keys())


def parse_data(text: str) -> dict[str, str]:
    """The keys of a data file; of two equal ones darknet takes the first."""
    keys: dict[str, str] = {}
    for line in text.split("\n"):
        key, found, value = line.strip().partition("=")
        if found and not line.lstrip().startswith(("#", ";")):
            keys.setdefault(key.strip(), value.strip())
    return keys


def names_file(path: Path) -> Path | None:
    """The names file of a folder without a data file."""
    known = next((path / name for name in _NAMES if (path / name).is_file()), None)
    others = sorted(path.glob("*.names"))
    return known or (others[0] if len(others) == 1 else None)


def open_folder(path: Path, max_megabytes: int) -> DarknetFolder:
    """Read what a folder or data file says; raises NotFoundError where it says nothing, RefusedError if too much."""
    data = data_file(path)
    root = path if path.is_dir() else path.parent
    if data is not None:
        return _from_data(data, root.absolute(), max_megabytes)
    names = names_file(root) if path.is_dir() else None
    if names is None:
        raise NotFoundError("yolo-missing", path=str(path))
    labels, findings = parse_names(_text(names, max_megabytes), names.name)
    root = root.absolute()
    lists = {key: _list_beside(root, known, max_megabytes) for key, known in _LISTS.items()}
    return DarknetFolder(
        root, labels, (root, *_parents(root)), lists["train"], lists["valid"], findings=tuple(findings)
    )


def _from_data(data: Path, root: Path, max_megabytes: int) -> DarknetFolder:
    keys = parse_data(_text(data, max_megabytes))
    here = data.parent.absolute()
    bases = tuple(dict.fromkeys((root, here, *_parents(here))))
    findings: list[Finding] = []
    lists: dict[str, tuple[str, ...] | None] = {"train": None, "valid": None}
    for key in lists:
        found = _resolve(keys.get(key, ""), bases)
        if found is not None:
            lists[key] = _entries(_text(found[0], max_megabytes))
            bases = tuple(dict.fromkeys((found[1], *bases)))
        elif keys.get(key):
            findings.append(Finding("list-missing", Severity.ERROR, None, {"key": key, "path": keys[key]}))
    names, declared = _names(keys, bases, max_megabytes, findings)
    other = {key: value for key, value in keys.items() if key not in _KNOWN}
    return DarknetFolder(root, names, bases, lists["train"], lists["valid"], declared, other, tuple(findings))


def _names(
    keys: dict[str, str], bases: tuple[Path, ...], max_megabytes: int, findings: list[Finding]
) -> tuple[tuple[str, ...], bool]:
    """Names by class number, and whether they come from a file."""
    count = int(keys["classes"]) if re.fullmatch(r"\d{1,5}", keys.get("classes", "")) else None
    found = _resolve(keys.get("names", ""), bases)
    if found is None:
        fields = {"path": keys.get("names", "-"), "classes": count or 0}
        findings.append(Finding("names-missing", Severity.WARNING, None, fields))
        return tuple(f"class-{number}" for number in range(count or 0)), False
    names, flaws = parse_names(_text(found[0], max_megabytes), found[0].name)
    findings += flaws
    if count is not None and count != len(names):
        fields = {"case": "classes", "ours": len(names), "theirs": count}
        findings.append(Finding("disagreement", Severity.ERROR, None, fields))
    return names, True


def parse_names(text: str, file: str) -> tuple[tuple[str, ...], list[Finding]]:
    """Names by class number; a blank line counts too, and a name that stands twice gets its number.

    So every class keeps its number, and no two become one.
    """
    lines = [line.strip() for line in text.split("\n")]
    while lines and not lines[-1]:
        lines.pop()
    names: list[str] = []
    findings = []
    for number, line in enumerate(lines):
        name = line or f"class-{number}"
        if not line or name in names:
            name = name if not line else f"{name} ({number})"
            case = {"case": "doubled" if line else "blank"}
            fields = {"path": file, "number": number, "label": line, "name": name}
            findings.append(Finding("names", Severity.ERROR, None, case | fields))
        names.append(name)
    return tuple(names), findings


def _resolve(value: str, bases: tuple[Path, ...]) -> tuple[Path, Path] | None:
    """The file that a path in a data file means, and the folder it is relative to.

    Two forks delete every space in the value, the third keeps them; a path of another machine is known by its name.
    """
    if not value:
        return None
    spellings = dict.fromkeys((value, re.sub(r"[ \t]", "", value)))
    for spelling in (spelling.replace("\\", "/") for spelling in spellings):
        for base in bases:
            if (path := base / spelling).is_file():
                return path, base
        name = posixpath.basename(spelling)
        for base in bases[:_NEAR]:
            if (path := base / name).is_file():
                return path, base
    return None


def _text(path: Path, max_megabytes: int) -> str:
    """A text file; without NUL, which no path and no name can hold."""
    return read_text(path, max_megabytes).replace("\0", "\ufffd")


def _parents(folder: Path) -> Iterator[Path]:
    return iter(folder.parents[:_UP])


def _entries(text: str) -> tuple[str, ...]:
    return tuple(line.strip() for line in text.split("\n") if line.strip())


def _list_beside(root: Path, names: tuple[str, ...], max_megabytes: int) -> tuple[str, ...] | None:
    """A list of pictures in a folder without data file, if one of the usual names is a list indeed."""
    for name in names:
        if (root / name).is_file():
            entries = _entries(_text(root / name, max_megabytes))
            if entries and Path(entries[0]).suffix.lower() in EXTENSIONS:
                return entries
    return None
