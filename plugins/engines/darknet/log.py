"""Reading a training's output as it comes: bytes of two streams in, events out, the same whatever the chunks.

Forks differ in wording and in which stream they use (AlexeyAB's prints weights and layer lines to stderr, hank-ai's all
to stdout), so every line is tried against every pattern. Events beyond those of RunEvent: started {learning_rate},
finished {max_batches}, new-best {}, cuda-error, cudnn-error, cublas-error {text}, fatal {text}.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from bridge.model.training import RunEvent, Stream
from plugins.engines.darknet.lines import Lines

# A number as any C library prints it; "-nan(ind)" is Microsoft's.
_N = r"([+-]?(?:\d+(?:\.\d+)?(?:e[+-]?\d+)?|nan(?:\(ind\)|\(snan\))?|inf))"
# Distinct complaints kept per stream: a bad label is told again every time its picture is loaded.
_MOST_MESSAGES = 200

Fields = dict[str, Any]
Found = tuple[str, Fields]

# The counter of a merged log may be glued to another stream's text, so what comes before it is not looked at.
_ITERATION = re.compile(
    rf"(?:^|[^\d.])(\d+): {_N}, {_N} avg(?: loss)?, {_N} rate, {_N} seconds, (-?\d+) images(?:, {_N} hours left)?$"
)
_HANK_ITERATION = re.compile(
    rf"(?:^|[^\d.])(\d+): loss={_N}, avg loss={_N}.*?, rate={_N}, (?:load \d+=.+?, train=)?([^,]+?), (-?\d+) images,"
    r" time remaining=(.+)$"
)
_TOTAL = re.compile(r"^\d+/(\d+): loss=")
_STARTED = re.compile(rf"^Learning Rate: {_N}, Momentum: ")
_FINISHED = re.compile(r"^Training iteration has reached max batch limit of (\d+)")
_FINISHED_ALEXEYAB = re.compile(r"^If you want to train from the beginning, then use flag")
# With its ending, since a last line may be cut short and a merged log glues other text behind it.
_SAVED = re.compile(r"Saving weights to (.+?\.(?:weights|backup))(?=\s|$)")
_LOADED = re.compile(rf"^Loaded: {_N} seconds")
_MAP = re.compile(
    r"^(?:-> )?mean average precision \(mAP(?:@[\d.]+)?\)"
    rf"(?: = {_N}, or [^ ]+ %| ?= ?([+-]?(?:[\d.]+|nan|inf)) ?%)$"
)
_CLASS = re.compile(r"class_id = (\d+), name = (.*?),\s+ap = ([\d.]+) ?%")
_HANK_CLASS = re.compile(r"^(\d+) (.+?) +([\d.]+) +\d+ +\d+ +\d+ +\d+ +[\d.]+ +[\d.]+$")
_RESIZING = re.compile(r"^Resizing\b")
_SIZE = re.compile(r"(\d+) ?x ?(\d+)(?: +\(batch ?= ?\d+\))?$")
_SQUARE = re.compile(r"^(\d+)$")

_CUDA = re.compile(r"CUDA Error(?: Prev)?: (.+)$|((?:most recent|current) CUDA error: .+|CUDA memory allocation .+)$")
_CUDNN = re.compile(r"(cuDNN(?: current)? [Ee]rror:? .+|cuDNN (?:isn't found|did not find) .+|CUDNN_STATUS_\w+.*)$")
_CUBLAS = re.compile(r"(cuBLAS (?:status )?[Ee]rror.*|CUBLAS_STATUS_\w+.*)$")
_FATAL = re.compile(r"^\* Error message: +(.+)$")
_ODD = re.compile(
    r"error|warning|wrong|can't|cannot|couldn't|could not|could parse|unable|fail|kill|terminated|assert|abort"
    r"|segmentation|floating point|illegal|exception|corrupt|overflow|not recognized|not supported|isn't supported"
    r"|unused|invalid|missing|mismatch|stalled|core dumped|free\(\)|using default 'data|signal|must |should "
    r"|supplied|has no|slow cudnn|unexpected end|different|without a (?:gpu|filename)|does not|doesn't|no training"
    r"|expected to|duplicate|out of memory|isn't found|did not find|annot load|very small path|cancel|\(null\)|mosaic",
    re.IGNORECASE,
)
# The bulk of a log, which says nothing that is kept; whole lines only, for others may be glued together.
_DULL = re.compile(
    r"^(?:Region \d.*count: \d+|v3 \(.*total_loss = \S+|total_bbox = .* %|\(next mAP calculation.*\)|rank ?= ?\d.*"
    r"|\d+ (?:conv|max|route|upsample|Shortcut).*BF\w*|\d+/\d+: /.*)$"
)
# Lines that only look like complaints.
_CALM = re.compile(r"average precision|IoU threshold|false positive|^Saving|-points ")
# How long a unit of hank-ai's durations is, in seconds.
_UNITS = {
    "nanosecond": 1e-9,
    "microsecond": 1e-6,
    "millisecond": 1e-3,
    "second": 1.0,
    "minute": 60.0,
    "hour": 3600.0,
    "day": 86400.0,
    "week": 604800.0,
}
_DURATION = re.compile(r"([\d.]+) (nanosecond|microsecond|millisecond|second|minute|hour|day|week)s?")


def number(text: str) -> float:
    """A printed number; every spelling of not-a-number is nan."""
    return math.nan if "nan" in text else float(text)


def seconds(text: str) -> float | None:
    """A duration in words ("11.8 milliseconds", "2 hours"); None for "unknown"."""
    parts = _DURATION.findall(text)
    return sum(float(value) * _UNITS[unit] for value, unit in parts) if parts else None


class DarknetLog:
    """A LogParser for every fork; keeps two streams apart and numbers the events it gives."""

    def __init__(self) -> None:
        self._streams: dict[Stream, _Reader] = {"out": _Reader(), "err": _Reader()}
        self._seq = 0

    def feed(self, stream: Stream, chunk: bytes) -> list[RunEvent]:
        """The events of the lines that this chunk completed."""
        reader = self._streams[stream]
        return self._numbered(e for line in reader.lines.feed(chunk) for e in reader.read(line))

    def end(self) -> list[RunEvent]:
        """The events of last lines without a newline; a cut number does not count, since the pattern wants its unit."""
        found: list[RunEvent] = []
        for reader in self._streams.values():
            found += self._numbered(e for line in reader.lines.end() for e in reader.read(line))
        return found

    def _numbered(self, found: Iterator[Found]) -> list[RunEvent]:
        events = []
        for kind, fields in found:
            self._seq += 1
            events.append(RunEvent(kind, fields, self._seq))
        return events


@dataclass(slots=True)
class _Reader:
    """One stream: what earlier lines said that later ones need."""

    lines: Lines = field(default_factory=Lines)
    iteration: int = 0
    max_batches: int | None = None
    finite: bool = True
    resizing: bool = False
    told: set[str] = field(default_factory=set)

    def read(self, line: str) -> Iterator[Found]:
        """What one line says; most lines say nothing."""
        if _DULL.match(line):
            return
        if self.resizing:
            yield from self._size(line)
        total = _TOTAL.match(line)
        if total:
            self.max_batches = int(total.group(1))
            return
        for pattern, maker in _MAKERS:
            found = pattern.search(line)
            if found:
                yield from maker(self, found)
                return
        if _ODD.search(line) and not _CALM.search(line):
            yield from self._told("message", line)

    def iterated(self, fields: Fields) -> Iterator[Found]:
        """An iteration, and the moment its average loss stops being a number."""
        self.iteration = fields["iteration"]
        yield "iteration", fields | {"max_batches": self.max_batches}
        finite = math.isfinite(fields["avg_loss"])
        if self.finite and not finite:
            yield "nan", {"iteration": self.iteration}
        self.finite = finite

    def complained(self, kind: str, text: str) -> Iterator[Found]:
        """A complaint of a named kind, told once."""
        yield from self._told(kind, text.strip())

    def _told(self, kind: str, text: str) -> Iterator[Found]:
        if text not in self.told and len(self.told) < _MOST_MESSAGES:
            self.told.add(text)
            yield kind, {"text": text}

    def _size(self, line: str) -> Iterator[Found]:
        """The size named on the line after "Resizing": "160 x 160", or pjreddie's single number."""
        self.resizing = False
        size, square = _SIZE.search(line), _SQUARE.match(line)
        if size:
            yield "resized", {"width": int(size.group(1)), "height": int(size.group(2))}
        elif square:
            yield "resized", {"width": int(square.group(1)), "height": int(square.group(1))}


def _iteration(reader: _Reader, m: re.Match[str]) -> Iterator[Found]:
    left = number(m[7]) if m[7] else -1.0
    fields = {
        "iteration": int(m[1]),
        "loss": number(m[2]),
        "avg_loss": number(m[3]),
        "rate": number(m[4]),
        "seconds": number(m[5]),
        "images": int(m[6]),
        "hours_left": left if left >= 0 else None,  # The first line says -1: not known yet.
    }
    return reader.iterated(fields)


def _hank_iteration(reader: _Reader, m: re.Match[str]) -> Iterator[Found]:
    left = seconds(m[7])
    fields = {
        "iteration": int(m[1]),
        "loss": number(m[2]),
        "avg_loss": number(m[3]),
        "rate": number(m[4]),
        "seconds": seconds(m[5]),
        "images": int(m[6]),
        "hours_left": None if left is None else left / 3600,
    }
    return reader.iterated(fields)


def _map(reader: _Reader, m: re.Match[str]) -> Iterator[Found]:
    value = number(m[1]) if m[1] else round(number(m[2]) / 100, 6)
    yield "map", {"map": value, "iteration": reader.iteration}


def _class(reader: _Reader, m: re.Match[str]) -> Iterator[Found]:
    yield "class-ap", {"id": int(m[1]), "name": m[2].strip(), "ap": round(float(m[3]) / 100, 6)}


def _resizing(reader: _Reader, m: re.Match[str]) -> Iterator[Found]:
    size = _SIZE.search(m.string)
    if size:
        yield "resized", {"width": int(size.group(1)), "height": int(size.group(2))}
    else:
        reader.resizing = True


def _started(reader: _Reader, m: re.Match[str]) -> Iterator[Found]:
    yield "started", {"learning_rate": number(m[1])}


def _finished(reader: _Reader, m: re.Match[str]) -> Iterator[Found]:
    yield "finished", {"max_batches": int(m[1]) if m.lastindex else reader.max_batches}


def _saved(reader: _Reader, m: re.Match[str]) -> Iterator[Found]:
    yield "saved", {"path": m[1].strip()}


def _loaded(reader: _Reader, m: re.Match[str]) -> Iterator[Found]:
    yield "loaded", {"seconds": number(m[1])}


def _complaint(kind: str) -> Callable[[_Reader, re.Match[str]], Iterator[Found]]:
    def made(reader: _Reader, m: re.Match[str]) -> Iterator[Found]:
        return reader.complained(kind, next(part for part in m.groups() if part))

    return made


# First match wins; what comes most often stands first.
_MAKERS: tuple[tuple[re.Pattern[str], Callable[[_Reader, re.Match[str]], Iterator[Found]]], ...] = (
    (_LOADED, _loaded),
    (_ITERATION, _iteration),
    (_HANK_ITERATION, _hank_iteration),
    (_SAVED, _saved),
    (_MAP, _map),
    (_CLASS, _class),
    (_HANK_CLASS, _class),
    (_RESIZING, _resizing),
    (_STARTED, _started),
    (_FINISHED, _finished),
    (_FINISHED_ALEXEYAB, _finished),
    (_CUDA, _complaint("cuda-error")),
    (_CUBLAS, _complaint("cublas-error")),
    (_CUDNN, _complaint("cudnn-error")),
    (_FATAL, _complaint("fatal")),
)
