"""A darknet cfg as text that can be read and edited: changing a value changes that line and no other.

The rules are darknet's own: blanks and tabs do not count anywhere, lines that begin with # or ; are comments, the first
of two equal keys wins, and numbers are read as far as they go (so `batch=64 # note` is 64).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from bridge.errors import InputError

_INTEGER = re.compile(r"[+-]?\d+")
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
_BLANKS = str.maketrans("", "", " \t\r")
# The short names that darknet takes for the same layer.
_ALIASES = {
    "network": "net",
    "conv": "convolutional",
    "max": "maxpool",
    "avg": "avgpool",
    "local_avg": "local_avgpool",
    "conn": "connected",
    "soft": "softmax",
    "lrn": "normalization",
    "deconv": "deconvolutional",
    "silence": "empty",
}
HEADS = frozenset({"yolo", "Gaussian_yolo", "region"})


@dataclass(frozen=True, slots=True)
class Entry:
    """One `key=value` line: where it stands (1 = first line of the file), blanks removed."""

    key: str
    value: str
    line: int


@dataclass(frozen=True, slots=True)
class Section:
    """One `[section]`: its own name, the layer kind it stands for, the header's line number, all its lines as text."""

    name: str
    line: int
    header: str
    body: tuple[str, ...] = ()

    @property
    def kind(self) -> str:
        """The layer kind, darknet's short names resolved."""
        return _ALIASES.get(self.name, self.name)

    def entries(self) -> Iterator[Entry]:
        """All `key=value` lines, also repeated ones; a value may be empty."""
        for number, text in enumerate(self.body, self.line + 1):
            bare = text.translate(_BLANKS)
            if bare and bare[0] not in "#;" and "=" in bare:
                key, _, value = bare.partition("=")
                yield Entry(key, value, number)

    def value(self, key: str, default: str = "") -> str:
        """The text of a key's first occurrence (darknet ignores an empty one)."""
        return next((e.value for e in self.entries() if e.key == key and e.value), default)

    def has(self, key: str) -> bool:
        """Whether the key has a value."""
        return bool(self.value(key))

    def integer(self, key: str, default: int = 0) -> int:
        """The key as a whole number, read as C's atoi does; text that is no number is 0."""
        text = self.value(key)
        found = _INTEGER.match(text)
        return int(found.group()) if found else (0 if text else default)

    def number(self, key: str, default: float = 0.0) -> float:
        """The key as a number, read as C's atof does."""
        text = self.value(key)
        found = _NUMBER.match(text)
        return float(found.group()) if found else (0.0 if text else default)

    def numbers(self, key: str) -> tuple[float, ...]:
        """A comma list of numbers; it ends at a comment."""
        text = self.value(key).partition("#")[0]
        found = (_NUMBER.match(part) for part in text.split(",") if part)
        return tuple(float(m.group()) if m else 0.0 for m in found)

    def integers(self, key: str) -> tuple[int, ...]:
        """A comma list of whole numbers."""
        return tuple(int(n) for n in self.numbers(key))

    def with_value(self, key: str, value: str) -> Section:
        """The section with one key changed in its own line, or added after the last line that holds a key."""
        lines, last = list(self.body), 0
        for entry in self.entries():
            place = entry.line - self.line - 1
            last = place + 1
            if entry.key == key:
                lines[place] = _edited(lines[place], value)
                return replace(self, body=tuple(lines))
        lines.insert(last, f"{key}={value}")
        return replace(self, body=tuple(lines))


@dataclass(frozen=True, slots=True)
class Cfg:
    """A whole cfg in order; text() gives back exactly what was read, but for the values changed."""

    sections: tuple[Section, ...]
    preamble: tuple[str, ...] = ()

    @property
    def net(self) -> Section:
        """The [net] section; raises InputError cfg-first-section when the file does not begin with one."""
        if not self.sections or self.sections[0].kind != "net":
            found = self.sections[0].name if self.sections else ""
            raise InputError("cfg-first-section", found=found)
        return self.sections[0]

    @property
    def layers(self) -> tuple[Section, ...]:
        """All sections but [net]; their index is darknet's layer number."""
        return self.sections[1:]

    def heads(self) -> list[int]:
        """Layer numbers of the detection heads."""
        return [i for i, s in enumerate(self.layers) if s.kind in HEADS]

    def with_net(self, **values: object) -> Cfg:
        """The cfg with keys of [net] changed."""
        section = self.net
        for key, value in values.items():
            section = section.with_value(key, str(value))
        return replace(self, sections=(section, *self.sections[1:]))

    def with_layer(self, index: int, **values: object) -> Cfg:
        """The cfg with keys of one layer changed."""
        section = self.layers[index]
        for key, value in values.items():
            section = section.with_value(key, str(value))
        return replace(self, sections=(*self.sections[: index + 1], section, *self.sections[index + 2 :]))

    def text(self) -> str:
        """The cfg as text, with newlines as "\\n": pjreddie's darknet cannot read "\\r\\n"."""
        lines = [*self.preamble]
        for section in self.sections:
            lines += [section.header, *section.body]
        return "\n".join(lines)


def read(text: str) -> Cfg:
    """Split a cfg into sections; raises InputError cfg-empty when it has none."""
    preamble: list[str] = []
    found: list[tuple[int, str, list[str]]] = []
    lines = text.removeprefix("\ufeff").replace("\r\n", "\n").split("\n")
    for number, line in enumerate(lines, 1):
        if line.translate(_BLANKS).startswith("["):
            found.append((number, line, []))
        else:
            (found[-1][2] if found else preamble).append(line)
    if not found:
        raise InputError("cfg-empty")
    sections = tuple(Section(_name(header), number, header, tuple(body)) for number, header, body in found)
    return Cfg(sections, tuple(preamble))


def effective_batch(batch: int, subdivisions: int) -> int:
    """Pictures per iteration: darknet divides first (8 in 3 subdivisions trains on 6), and never below one each."""
    subdivisions = max(subdivisions, 1)
    return max(batch // subdivisions, 1) * subdivisions


def _name(header: str) -> str:
    return header.translate(_BLANKS).strip("[").partition("]")[0]


def _edited(line: str, value: str) -> str:
    """The line with another value; what stands before it, and a comment after it, stay."""
    left, _, right = line.partition("=")
    blank = right[: len(right) - len(right.lstrip(" \t"))]
    comment = re.search(r"\s+[#;].*$", right)
    return f"{left}={blank}{value}{comment.group() if comment else ''}"
