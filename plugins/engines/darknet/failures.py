"""Why a training ended: success is the last iteration, the final weights and a finite loss, never the exit code alone.

pjreddie's darknet exits 0 on a missing file, AlexeyAB's on many corruptions, hank-ai's always dies by SIGABRT; so the
texts decide first, then the signal, and what is left is said to be unknown.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from bridge.model.training import Failure, RunEvent
from bridge.plugin import Output
from plugins.engines.darknet.lines import split
from plugins.engines.darknet.log import DarknetLog
from plugins.engines.darknet.signs import MILD, STRONG, Sign

# Events that carry a complaint, and what stood before its text in the line.
_COMPLAINTS = {
    "cuda-error": "CUDA Error: ",
    "cudnn-error": "",
    "cublas-error": "",
    "fatal": "* Error message: ",
    "message": "",
}
_KILLED = frozenset({-1, -2, -9, -15})
_NOISE = re.compile(r"^\d+/\d+: |^Region \d|^v3 \(|^total_bbox|^rank ?=")
# Windows tells a crash by one of these instead of a signal.
_WINDOWS = {0xC0000005: -11, 0xC000001D: -4, 0xC0000094: -8, 0xC0000374: -6, 0xC000013A: -2}
_TAIL = 12


@dataclass(frozen=True, slots=True)
class Story:
    """What one attempt did, gathered from its events: enough to judge it."""

    iterations: int
    last: int
    finite: bool
    saved: tuple[str, ...]
    complaints: tuple[str, ...]


def classify(events: Sequence[RunEvent], output: Output, max_batches: int) -> Failure | None:
    """Why it ended, or None if it trained to the end; only the latest attempt counts. The output may be its tail."""
    told = _story(events, output)
    tail = tuple(_tail(output))
    fields: dict[str, Any] = {"iteration": told.last, "max_batches": max_batches, "exit_code": output.exit_code}
    found = _reason(told, _signal(output.exit_code), max_batches)
    if found is None:
        return None
    kind, cause, action, more = found
    return Failure(kind, cause, action, fields | more, tail)


def succeeded(told: Story, max_batches: int) -> bool:
    """Whether the last iteration was reached, the final weights written and the loss a number to the end."""
    unwritten = {m.group(1) for line in told.complaints if (m := _UNWRITTEN.search(line))}
    final = any(_is_final(path) and path not in unwritten for path in told.saved)
    return told.iterations > 0 and told.last >= max_batches and final and told.finite


_UNWRITTEN = re.compile(r"(?:Couldn't open file: |failed to open the file \")(.+?\.(?:weights|backup))\"?$")
_Reason = tuple[str, str, str, dict[str, Any]]


def _is_final(path: str) -> bool:
    return path.endswith("_final.weights")


def _reason(told: Story, signal: int, max_batches: int) -> _Reason | None:
    # cuBLAS only prints its error and darknet trains on with rubbish, so it counts even when the end was reached.
    if succeeded(told, max_batches) and not any("cuBLAS" in line for line in told.complaints):
        return None
    if not told.finite:
        return "nan", "cause-nan", "action-nan", {}
    return (
        _by_text(STRONG, told)
        or _by_kill(told, signal)
        or _by_nothing(told)
        or _by_text(MILD, told)
        or _by_signal(signal)
        or _by_silence(told, signal)
    )


def _by_text(signs: Sequence[Sign], told: Story) -> _Reason | None:
    """The first sign of the table that any complaint shows."""
    for sign in signs:
        for line in told.complaints:
            found = sign.pattern.search(line)
            if found and (told.iterations == 0 or not sign.only_at_start):
                return _told(sign, found, line, told)
    return None


def _told(sign: Sign, found: re.Match[str], line: str, told: Story) -> _Reason:
    more: dict[str, Any] = {"detail": _without_errno(line)}
    path = found.groupdict().get("path")
    if path is not None:
        more["path"] = path.strip()
        if path.strip() in told.saved:
            return "missing-file", "cause-backup-folder", "action-backup-folder", more
    action = sign.later if sign.later and told.iterations > 0 else sign.action
    return sign.kind, sign.cause, action, more


def _by_kill(told: Story, signal: int) -> _Reason | None:
    asked = any("due to signal #15" in line or "due to signal #2" in line for line in told.complaints)
    if signal in _KILLED or asked or any(re.search(r"(?:Killed|Terminated)\b", line) for line in told.complaints):
        return "killed", "cause-killed", "action-killed", {"signal": -signal}
    return None


def _by_nothing(told: Story) -> _Reason | None:
    """Final weights without an iteration; pjreddie's often crashes on its way out then, its loaders still at work."""
    if told.iterations == 0 and any(map(_is_final, told.saved)):
        return "incomplete", "cause-nothing-trained", "action-nothing-trained", {}
    return None


def _by_signal(signal: int) -> _Reason | None:
    """Crashes without a word: what they were whenever it could be found out."""
    if signal == -8:
        return "data", "cause-arithmetic", "action-data", {}
    if signal == -4:
        return "environment", "cause-instruction", "action-environment", {}
    if signal == -11:
        return "data", "cause-crash", "action-data", {}
    return None


def _by_silence(told: Story, signal: int) -> _Reason:
    if signal == 0:
        return "incomplete", "cause-stopped-early" if told.iterations else "cause-never-started", "action-unknown", {}
    fatal = [line for line in told.complaints if "Error message:" in line or "Assertion" in line]
    if fatal:
        return "unknown", "cause-fatal", "action-unknown", {"detail": _without_errno(fatal[0])}
    return "unknown", "cause-unknown", "action-unknown", {"signal": max(-signal, 0)}


def _story(events: Sequence[RunEvent], output: Output) -> Story:
    """The latest attempt's events, and what the output itself says (it may hold lines that no event kept)."""
    latest = max((e.attempt for e in events), default=1)
    mine = [e for e in events if e.attempt == latest]
    heard = _heard(output)
    steps = [e for e in mine if e.kind == "iteration"] or [e for e in heard if e.kind == "iteration"]
    both = [*mine, *heard]
    return Story(
        iterations=len(steps),
        last=max((int(e.fields["iteration"]) for e in steps), default=0),
        finite=not steps or _is_number(steps[-1].fields["avg_loss"]),
        saved=tuple(str(e.fields["path"]) for e in both if e.kind == "saved"),
        complaints=tuple(dict.fromkeys(_complaints(both))),
    )


def _complaints(events: Iterable[RunEvent]) -> Iterable[str]:
    return (_COMPLAINTS[e.kind] + str(e.fields["text"]) for e in events if e.kind in _COMPLAINTS)


def _heard(output: Output) -> list[RunEvent]:
    log = DarknetLog()
    out, err = output.out.encode("utf-8", "replace"), output.err.encode("utf-8", "replace")
    return [*log.feed("out", out), *log.feed("err", err), *log.end()]


def _is_number(value: object) -> bool:
    """A loss may have become None on its way through JSON, which has no nan."""
    return isinstance(value, (int, float)) and math.isfinite(value)


def _signal(code: int) -> int:
    """The exit code as a signal where it stands for one: shells add 128, Windows has codes of its own."""
    code = _WINDOWS.get(code & 0xFFFFFFFF, code)
    return 128 - code if 128 < code < 128 + 65 else code


def _without_errno(line: str) -> str:
    """Darknet prints errors through perror, which hangs the last errno on: noise such as ": Success"."""
    return re.sub(r": (?:Success|No such file or directory|Inappropriate ioctl for device)$", "", line)


def _tail(output: Output) -> Iterable[str]:
    """The last lines of each stream, for a person to read."""
    for text in (output.err, output.out):
        lines = [line for line in split(text[-20_000:]) if not _NOISE.search(line)]
        yield from lines[-_TAIL:]
