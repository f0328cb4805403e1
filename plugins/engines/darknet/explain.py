"""What happened in a darknet run, from its saved output: a console log of any fork, or a transcript of ours.

A console log holds both streams in one (so lines may be glued together) and no exit code; Windows writes it in UTF-16
or CP932. It is read in pieces, so that a log of any size takes little memory beside what is told of it.
"""

from __future__ import annotations

import base64
import codecs
import json
import math
import re
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bridge.errors import InputError, NotFoundError
from bridge.model.training import Failure, RunEvent, Stream
from bridge.plugin import Output
from bridge.texts import render
from plugins.engines.darknet.failures import classify
from plugins.engines.darknet.log import DarknetLog

_PIECE = 1 << 18
# The end of each stream that is kept as text, to judge it and to show.
_TAIL_PIECES, _TAIL = 2, 20_000
# Kinds of events that tell why a run ended; those before a new start are of the run before.
_JUDGED = frozenset({"cuda-error", "cudnn-error", "cublas-error", "fatal", "message", "saved"})
_START = "Learning Rate:"
# What other commands than `detector train` print when they have done their work.
_OTHER_WORK = (b"Predicted in", b"Saving anchors to", b"Enter Image Path", b"Total Detection Time")
# What only darknet prints, of every fork, before its first iteration.
_OURS = re.compile(
    rb"darknet|Not an option:|layer +filters|\d conv +\d|CUDA-version|compute_capability|OpenCV (?:isn't used|version)"
    rb"|Learning Rate:|mini_batch|Loading weights from|Region \d|v3 \(|\d BF",
    re.IGNORECASE,
)


def explain(path: Path, language: str = "en") -> dict[str, Any]:
    """Iterations, saved weights, mAP, class names and the failure of the (last) run in a log, ready for JSON.

    nan is None; failure is None when it trained to the end, or when the log is of something else that went well
    (`detector map`, `calc_anchors` …). Raises NotFoundError file-missing, InputError file-unreadable, or InputError
    log-not-darknet where nothing in it can be of darknet.
    """
    told = _Told()
    try:
        for stream, piece in _pieces(path, told):
            told.hear(stream, piece)
    except FileNotFoundError:
        raise NotFoundError("file-missing", path=str(path)) from None
    except OSError as error:
        raise InputError("file-unreadable", path=str(path), reason=error.strerror or str(error)) from None
    told.end()
    failure = told.failure()
    if failure is not None and failure.kind == "incomplete" and not told.recognised:
        raise InputError("log-not-darknet", path=str(path))
    return {
        "last_iteration": told.iterations[-1]["iteration"] if told.iterations else 0,
        "iterations": told.iterations,
        "saved": told.saved,
        "map": told.maps,
        "class_names": [told.classes[index] for index in sorted(told.classes)],
        "first_nan_iteration": told.first_nan,
        "failure": _rendered(failure, language),
    }


def _rendered(failure: Failure | None, language: str) -> dict[str, str] | None:
    if failure is None:
        return None
    cause = render("failures", failure.cause, failure.fields, language)
    return {
        "class": failure.kind,
        "cause": cause,
        "action": render("failures", failure.action, failure.fields, language),
    }


@dataclass(slots=True)
class _Told:
    """What was heard so far."""

    log: DarknetLog = field(default_factory=DarknetLog)
    iterations: list[dict[str, Any]] = field(default_factory=list)
    saved: list[str] = field(default_factory=list)
    maps: list[float | None] = field(default_factory=list)
    classes: dict[int, str] = field(default_factory=dict)
    first_nan: int | None = None
    exit_code: int | None = None
    recognised: bool = False
    _steps: list[RunEvent] = field(default_factory=list)
    _judged: list[RunEvent] = field(default_factory=list)
    _max_batches: int = 0
    _restarted: bool = False
    _tails: dict[Stream, deque[bytes]] = field(
        default_factory=lambda: {"out": deque(maxlen=_TAIL_PIECES), "err": deque(maxlen=_TAIL_PIECES)}
    )

    def hear(self, stream: Stream, piece: bytes) -> None:
        """Take in a piece of one stream."""
        self.recognised = self.recognised or _OURS.search(piece) is not None
        self._tails[stream].append(piece[-_TAIL:])
        self._take(self.log.feed(stream, piece))

    def end(self) -> None:
        """Take in what was left without a newline."""
        self._take(self.log.end())

    def failure(self) -> Failure | None:
        """The judgement, with the end of the text beside the events."""
        if not self.iterations and not self.saved and self._other_work():
            return None
        out, err = (b"".join(self._tails[s])[-_TAIL:].decode("utf-8", "replace") for s in ("out", "err"))
        if self._restarted:
            out = out[max(out.rfind(_START), 0) :]
        final = any(e.kind == "saved" and e.fields["path"].endswith("_final.weights") for e in self._judged)
        last = int(self.iterations[-1]["iteration"]) if self.iterations else 0
        # Without a maximum in the log, final weights are the sign that it was reached.
        wanted = self._max_batches or (last if final else last + 1)
        return classify([*self._steps, *self._judged], Output(out, err, self.exit_code or 0), wanted)

    def _other_work(self) -> bool:
        """Whether the log is of `detector map` or the like, which went well if nothing complains."""
        text = b"".join(piece for tail in self._tails.values() for piece in tail)
        worked = bool(self.maps) or any(mark in text for mark in _OTHER_WORK)
        return worked and not self.exit_code and not any(e.kind != "message" for e in self._judged)

    def _take(self, events: Iterable[RunEvent]) -> None:
        for event in events:
            fields = event.fields
            self.recognised = self.recognised or event.kind != "message"  # Any program can complain.
            if event.kind == "iteration":
                self._step(event)
            elif event.kind == "saved":
                self.saved.append(fields["path"])
            elif event.kind == "map":
                self.maps.append(_json(fields["map"]))
            elif event.kind == "class-ap":
                self.classes[fields["id"]] = fields["name"]
            elif event.kind == "nan" and self.first_nan is None:
                self.first_nan = fields["iteration"]
            elif event.kind == "finished":
                self._max_batches = fields["max_batches"] or self._max_batches
            elif event.kind == "started" and self._steps:
                self._restart()
            if event.kind in _JUDGED:
                self._judged.append(event)

    def _restart(self) -> None:
        """Another run follows in the same log: what was complained of before is over."""
        self._steps, self._judged, self._restarted = [], [], True

    def _step(self, event: RunEvent) -> None:
        fields = event.fields
        self._max_batches = fields["max_batches"] or self._max_batches
        self._steps = [event]  # The last one is enough to judge by.
        self.iterations.append(
            {
                "iteration": fields["iteration"],
                "loss": _json(fields["loss"]),
                "avg_loss": _json(fields["avg_loss"]),
            }
        )


def _json(number: float) -> float | None:
    return number if math.isfinite(number) else None


def _pieces(path: Path, told: _Told) -> Iterator[tuple[Stream, bytes]]:
    if _is_transcript(path):
        yield from _transcript(path, told)
    else:
        for piece in _console(path):
            yield "out", piece


def _is_transcript(path: Path) -> bool:
    with path.open("rb") as file:
        start = file.readline(_PIECE)
    return path.suffix == ".jsonl" or isinstance(_line(start), dict)


def _line(text: bytes) -> dict[str, Any] | None:
    """One line of a transcript; None for a broken one, such as a last line half written."""
    try:
        value = json.loads(text)
    except ValueError:
        return None
    return value if isinstance(value, dict) and ("stream" in value or "exit" in value) else None


def _transcript(path: Path, told: _Told) -> Iterator[tuple[Stream, bytes]]:
    with path.open("rb") as file:
        for text in file:
            line = _line(text)
            if line is None:
                continue
            if "exit" in line:
                told.exit_code = int(line["exit"] or 0)
                told.recognised = True
                continue
            try:
                yield ("err" if line["stream"] == "err" else "out"), base64.b64decode(line.get("data", ""))
            except (ValueError, TypeError):
                continue


def _console(path: Path) -> Iterator[bytes]:
    """The log in UTF-8 pieces; UTF-8 and CP932 are told apart line by line later, UTF-16 here."""
    with path.open("rb") as file:
        start = file.read(4)
        file.seek(0)
        name = _wide(start)
        if name is None:
            while piece := file.read(_PIECE):
                yield piece
            return
        decoder = codecs.getincrementaldecoder(name)("replace")
        while piece := file.read(_PIECE):
            yield decoder.decode(piece).encode("utf-8", "replace")


def _wide(start: bytes) -> str | None:
    """UTF-16 by its mark, or by every other byte of the first letters being zero."""
    if start[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return "utf-16"
    if len(start) == 4 and start[1] == start[3] == 0 and start[0] and start[2]:
        return "utf-16-le"
    return None
