"""Other people's validators, each in a child process with a deadline: one that hangs or crashes ends alone.

The child (`python -m bridge.loop.foreign`) reads one JSON line from its standard input: what to load, how to look, and
which file holds the documents, one JSON line each. A file and no pipe, because a validator may read them more than
once. It answers with one JSON line: {"findings": […]} or {"error": "…"}.
"""

from __future__ import annotations

import json
import math
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO, Any, TypeVar

import msgspec

from bridge.errors import MissingPartError
from bridge.model.annotation import Document
from bridge.model.finding import Finding
from bridge.plugin import View
from bridge.registry import Plugin, make
from bridge.settings import PREFIX

T = TypeVar("T")

# A validator that reports without end must not fill memory or disk before its deadline.
MOST_FINDINGS = 1_000_000
_MOST_BYTES = 1 << 30
# The child ends itself so long after its deadline when nobody is left to end it.
_ALONE_SECONDS = 5


class Broken(Exception):
    """The validator gave no findings; the text says why."""


@dataclass(frozen=True, slots=True)
class Orders:
    """What a child is told: the validator, how long it may take, the file of documents, and the rest of the view."""

    plugin: Plugin
    seconds: float
    documents: str
    labels: tuple[str, ...]
    network: tuple[int, int]
    max_megapixels: int
    sizes: tuple[tuple[int, int], tuple[int, int]] | None = None
    bare: bool = False


@dataclass(frozen=True, slots=True)
class Answer:
    """What a child says at the end."""

    findings: tuple[Finding, ...] = ()
    error: str | None = None


# ---------------------------------------------------------------- the parent


class Quarantine:
    """Runs other people's validators over one view; its documents are written down once, when the first one comes.

    Use it in a with block: the files lie in a temporary folder.
    """

    def __init__(self, view: View, seconds: float) -> None:
        self._view, self._seconds = view, seconds
        self._temporary: tempfile.TemporaryDirectory[str] | None = None

    def __enter__(self) -> Quarantine:
        return self

    def __exit__(self, *_: object) -> None:
        if self._temporary is not None:
            self._temporary.cleanup()

    def check(self, plugin: Plugin) -> list[Finding]:
        """The findings of one validator; raises Broken, or MissingPartError disk-full."""
        try:
            folder = self._folder()
            view, documents = self._view, str(folder / "documents.jsonl")
            limits = view.network, view.max_megapixels, view.sizes, view.bare
            orders = Orders(plugin, self._seconds, documents, view.labels, *limits)
            (folder / "orders").write_bytes(_line(orders))
        except OSError as error:
            reason = error.strerror or str(error)
            raise MissingPartError("disk-full", path=tempfile.gettempdir(), reason=reason) from None
        return _findings(*_run(folder, self._seconds))

    def _folder(self) -> Path:
        if self._temporary is None:
            self._temporary = tempfile.TemporaryDirectory(prefix="labelbridge-check-")
            with (Path(self._temporary.name) / "documents.jsonl").open("wb") as file:
                file.writelines(_line(_each(document)) for document in self._view.documents)
        return Path(self._temporary.name)


def _run(folder: Path, seconds: float) -> tuple[bytes, str, int]:
    """What the child answered, the last line it wrote beside, and how it ended; raises Broken after the deadline."""
    argv = [sys.executable, "-m", "bridge.loop.foreign"]
    # It needs none of our secrets.
    env = {key: value for key, value in os.environ.items() if not key.startswith(PREFIX)}
    answer, beside = folder / "answer", folder / "beside"
    # Files and no pipes: what a child leaves behind cannot hold us up.
    with (folder / "orders").open("rb") as given, answer.open("wb") as out, beside.open("wb") as err:
        child = subprocess.Popen(argv, stdin=given, stdout=out, stderr=err, env=env, start_new_session=True)
        try:
            code = child.wait(seconds)
        except subprocess.TimeoutExpired:
            raise Broken(f"no end after {seconds:g} s") from None
        finally:
            _kill(child)
    return answer.read_bytes(), _last_line(beside), code


def _kill(child: subprocess.Popen[bytes]) -> None:
    """End the child and all that it started, as far as it has not ended."""
    if hasattr(os, "killpg"):
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(child.pid, signal.SIGKILL)
    else:
        child.kill()
    child.wait()


def _last_line(path: Path) -> str:
    with path.open("rb") as file:
        file.seek(max(path.stat().st_size - 4096, 0))
        lines = file.read().decode("utf-8", "replace").split("\n")
    return next((line.strip()[:500] for line in reversed(lines) if line.strip()), "")


def _findings(said: bytes, beside: str, code: int) -> list[Finding]:
    if code != 0:
        raise Broken(": ".join(filter(None, (_ending(code), beside))))
    try:
        answer = _noun(said, Answer)
    except (msgspec.MsgspecError, ValueError, AttributeError) as error:
        raise Broken(f"its answer cannot be read: {error}") from None
    if answer.error is not None:
        raise Broken(answer.error)
    return list(answer.findings)


def _ending(code: int) -> str:
    try:
        return signal.Signals(-code).name
    except ValueError:
        return f"exit code {code}"


# ---------------------------------------------------------------- the child


@dataclass(frozen=True, slots=True)
class _Written:
    """Documents in a file, read from its beginning whenever somebody iterates."""

    path: Path

    def __iter__(self) -> Iterator[Document]:
        with self.path.open("rb") as file:
            for line in file:
                yield _each(_noun(line, Document))


def _each(document: Document) -> Document:
    """The document with each region a noun of its own."""
    return document if document.regions is None else replace(document, regions=tuple(document.regions))


def main() -> int:
    """Check once and answer; gives 0 also for a validator that raised, since that is an answer."""
    orders = _noun(sys.stdin.buffer.readline(), Orders)
    _stay_within(orders.seconds + _ALONE_SECONDS)
    with _own_stdout() as answer:
        try:
            said = _line(Answer(_bounded(_found(orders))))
        except (Exception, SystemExit) as error:  # Somebody else's code.
            said = _line(Answer(error=f"{type(error).__name__}: {error}"))
        answer.write(said)
    return 0


def _found(orders: Orders) -> Iterable[Finding]:
    documents = _Written(Path(orders.documents))
    found: Iterable[Finding] = make(orders.plugin).check(
        View(orders.labels, documents, orders.network, orders.max_megapixels, orders.sizes, orders.bare)
    )
    return found


def _bounded(found: Iterable[Finding]) -> tuple[Finding, ...]:
    kept: list[Finding] = []
    for finding in found:
        if not isinstance(finding, Finding):
            raise TypeError(f"{finding!r:.200} is no Finding")
        if len(kept) == MOST_FINDINGS:
            raise OverflowError(f"more than {MOST_FINDINGS} findings")
        kept.append(finding)
    return tuple(kept)


def _stay_within(seconds: float) -> None:
    """Bounds that also hold when whoever started us is gone; Windows has none of them."""
    if hasattr(signal, "alarm"):
        import resource

        signal.alarm(math.ceil(seconds))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        resource.setrlimit(resource.RLIMIT_FSIZE, (_MOST_BYTES, _MOST_BYTES))


@contextmanager
def _own_stdout() -> Iterator[IO[bytes]]:
    """The standard output for us alone; what a validator prints goes where errors go."""
    sys.stdout.flush()
    with os.fdopen(os.dup(1), "wb") as ours:
        os.dup2(2, 1)
        yield ours


# ---------------------------------------------------------------- nouns as lines


def _line(noun: Any) -> bytes:
    try:
        return msgspec.json.encode(noun, enc_hook=str) + b"\n"
    except UnicodeEncodeError:  # A name with half a character in it, from a broken file system or tool.
        return json.dumps(msgspec.to_builtins(noun, enc_hook=str)).encode("ascii") + b"\n"


def _noun(line: bytes, kind: type[T]) -> T:
    try:
        return msgspec.json.decode(line, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return msgspec.convert(_with_nan(json.loads(line)), kind)


def _with_nan(plain: dict[str, Any]) -> dict[str, Any]:
    """Damaged regions have points that are no numbers, and JSON says null for that."""
    for region in (*(plain.get("regions") or ()), *plain.get("predictions", ())):
        region["points"] = [[math.nan if value is None else value for value in point] for point in region["points"]]
    return plain


if __name__ == "__main__":
    sys.exit(main())
