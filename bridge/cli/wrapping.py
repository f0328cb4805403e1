"""Text in lines of a terminal, where a Japanese character takes two columns and a line may break between any two."""

from __future__ import annotations

import re
import shutil
import unicodedata
from collections.abc import Iterable, Iterator

import click

_LONGEST = 100
# A line never begins with these.
_CLOSING = "、。，．,.:;!?！？）」』】〉》・ー…〜"
# What stays together: a wide character alone, else all up to the next blank or wide character.
_PIECE = re.compile(r"\s+|[^\s\u2e80-\uffef]+|[\u2e80-\uffef]")


def columns(text: str) -> int:
    """How many columns a text takes."""
    return sum(_width(c) for c in text)


def _width(character: str) -> int:
    if unicodedata.combining(character):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


def wrap(text: str, width: int) -> list[str]:
    """The text in lines of at most so many columns; a piece that is longer than a line stays whole."""
    lines = [""]
    for piece in _pieces(text):
        if columns(lines[-1]) + columns(piece.rstrip()) > width and lines[-1].strip():
            lines.append("")
        lines[-1] += piece if lines[-1] or not piece.isspace() else ""
    return [line.rstrip() for line in lines]


def folded(line: str, width: int) -> list[str]:
    """A line as it is where it fits; else in lines that begin where it began."""
    if columns(line) <= width:
        return [line]
    blank = " " * (len(line) - len(line.lstrip()))
    return [blank + part for part in wrap(line, max(width - len(blank), 10))]


def _pieces(text: str) -> Iterator[str]:
    held = ""
    for piece in _PIECE.findall(" ".join(text.split())):
        if held and not (piece[0] in _CLOSING and not held.isspace()):
            yield held
            held = ""
        held += piece
    if held:
        yield held


class Formatter(click.HelpFormatter):
    """click's help page with lines that fit, whatever the script."""

    def __init__(self, *_: object, **__: object) -> None:
        super().__init__(width=max(min(shutil.get_terminal_size().columns, _LONGEST) - 1, 40))

    def write_text(self, text: str) -> None:
        """A paragraph."""
        assert self.width is not None
        blank = " " * self.current_indent
        for line in wrap(text, self.width - self.current_indent):
            self.write(f"{blank}{line}\n")

    def write_dl(self, rows: Iterable[tuple[str, str]], col_max: int = 32, col_spacing: int = 2) -> None:
        """Words on the left, what they mean on the right."""
        assert self.width is not None
        rows = list(rows)
        left = min(max((columns(word) for word, _ in rows), default=0), col_max, self.width // 3) + col_spacing
        blank = " " * self.current_indent
        for word, meaning in rows:
            lines = wrap(meaning, max(self.width - self.current_indent - left, 10))
            first = word + " " * (left - columns(word))
            if columns(word) > left - col_spacing:
                self.write(f"{blank}{word}\n")
                first = " " * left
            self.write(f"{blank}{first}{lines[0]}\n")
            for line in lines[1:]:
                self.write(f"{blank}{' ' * left}{line}\n")
