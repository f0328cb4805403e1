"""The list of labels of a folder: pascal_label_map.pbtxt, as VoTT and TensorFlow write it, or CVAT's labelmap.txt."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

from bridge.document import read_text

FILE = "pascal_label_map.pbtxt"
_CVAT = "labelmap.txt"

_ITEM = re.compile(r"\bitem\s*\{")
_ID = re.compile(r"\bid\s*:\s*(\d{1,9})")
# VoTT writes a quote inside a name as it is, so that a name ends at the quote that something else follows.
_NAME = re.compile(r"""\bname\s*:\s*(['"])(.*?)\1[ \t,;]*(?=\}|$|\w+\s*:)""", re.MULTILINE)
_ESCAPE = re.compile(rb"\\([0-7]{1,3}|x[0-9a-fA-F]{1,2}|.)", re.DOTALL)
_NAMED = {b"n": b"\n", b"t": b"\t", b"r": b"\r"}


def read_label_map(root: Path, max_megabytes: int) -> tuple[str, ...] | None:
    """The labels in class order; None where the folder has no list of them."""
    named = root / FILE
    found = [named] if named.is_file() else sorted(path for path in root.glob("*.pbtxt") if path.is_file())
    if len(found) == 1:
        return parse(read_text(found[0], max_megabytes))
    if (root / _CVAT).is_file():
        lines = read_text(root / _CVAT, max_megabytes).split("\n")
        names = (line.partition(":")[0].strip() for line in lines if not line.startswith("#"))
        return tuple(dict.fromkeys(name for name in names if name and name != "background"))
    return None


def parse(text: str) -> tuple[str, ...]:
    """The names of all items, by id."""
    items = []
    for item in _ITEM.split(text)[1:]:
        number, name = _ID.search(item), _NAME.search(item)
        if name is not None and name[2]:
            items.append((int(number[1]) if number else 0, _plain(name[2])))
    return tuple(dict.fromkeys(name for _, name in sorted(items, key=lambda item: item[0])))


def render(labels: Iterable[str]) -> str:
    """The file of these labels, numbered from 1."""
    return "".join(f"item {{\n id: {n}\n name: '{_escaped(label)}'\n}}\n" for n, label in enumerate(labels, 1))


def _plain(name: str) -> str:
    """A name without escapes; TensorFlow writes the bytes of every character beyond ASCII as one."""
    if "\\" not in name:
        return name
    try:
        return _ESCAPE.sub(_unescaped, name.encode()).decode()
    except (UnicodeError, ValueError):
        return name


def _unescaped(found: re.Match[bytes]) -> bytes:
    code = found[1]
    if code[:1].isdigit():
        return bytes([int(code, 8)])
    if code[:1] == b"x" and len(code) > 1:
        return bytes([int(code[1:], 16)])
    return _NAMED.get(code, code)


def _escaped(name: str) -> str:
    for sign, code in (("\\", "\\\\"), ("'", "\\'"), ("\n", "\\n"), ("\r", "\\r")):
        name = name.replace(sign, code)
    return name
