"""Lines out of a stream of bytes: whatever the chunks, without colours, titles and cleared screens."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

# A line longer than this is cut: progress drawn without any newline must not fill the memory.
LONGEST = 1 << 16

_SCREEN = re.compile(r"\x1b\[H\x1b\[J")
_TITLE = re.compile(r"\x1b\](?:\d+;)?([^\x07\x1b]*)(?:\x07|\x1b\\)")
_COLOUR = re.compile(r"\x1b\[[0-9;?]*[@-~]")
_END = re.compile(rb"[\r\n]")


def plain(text: str) -> str:
    """Text without escape sequences and bells.

    A cleared screen counts as a newline (AlexeyAB's clears it per iteration), a window title as a line of its own: both
    are followed by the progress of the training.
    """
    if "\x1b" in text:
        text = _COLOUR.sub("", _TITLE.sub("\\1\n", _SCREEN.sub("\n", text)))
    return text.replace("\x07", "")


def split(text: str) -> list[str]:
    """The lines of a finished text, as Lines gives them."""
    lines = Lines()
    return [*lines.feed(text.encode("utf-8", "surrogateescape")), *lines.end()]


@dataclass(slots=True)
class Lines:
    """Collects the bytes of one stream; empty lines are dropped, "\\r" ends a line as "\\n" does."""

    _rest: bytearray = field(default_factory=bytearray)

    def feed(self, chunk: bytes) -> list[str]:
        """The lines completed by this chunk."""
        *done, rest = _END.split(chunk)
        found: list[str] = []
        for part in done:
            self._keep(part)
            found += self.end()
        self._keep(rest)
        return found

    def end(self) -> list[str]:
        """What is left without a newline, as a last line."""
        text = plain(decode(bytes(self._rest)))
        self._rest.clear()
        return [line.strip(" ") for line in text.split("\n") if line.strip()]

    def _keep(self, part: bytes) -> None:
        self._rest += part[: LONGEST - len(self._rest)]


def decode(line: bytes) -> str:
    """One line in UTF-8 or CP932 (a darknet on Japanese Windows prints paths in it); never raises."""
    try:
        return line.decode("utf-8")
    except UnicodeDecodeError:
        pass
    try:
        return line.decode("cp932")
    except UnicodeDecodeError:
        return line.decode("utf-8", "replace")
