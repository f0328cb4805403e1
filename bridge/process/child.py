"""One child program: started, read in chunks, stopped politely then firmly.

A Process runs on POSIX systems (elsewhere this file can only be imported). The child gets a session of its own, so
that Ctrl-C in our terminal does not reach it and a signal reaches all that it started itself. It is known to others,
also after we died, by its identity: process number and time of creation.
"""

from __future__ import annotations

import os
import selectors
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import IO

from bridge.errors import MissingPartError
from bridge.model.training import Stream
from bridge.process.group import created_at, end_members, signal_group

# Seconds between two looks at a child that says nothing.
_LOOK = 0.2
# A pipe holds at most this much (Linux lets a program grow it to 1 MiB), so one read empties it.
_PIPE_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class Started:
    """The child runs; pid and created (seconds since 1970) are its identity."""

    pid: int
    created: float


@dataclass(frozen=True, slots=True)
class Chunk:
    """Raw bytes as the child wrote them, cut anywhere."""

    stream: Stream
    data: bytes


@dataclass(frozen=True, slots=True)
class Stopped:
    """The child has ended; a negative exit code is the number of the signal that ended it."""

    exit_code: int

    @property
    def signal(self) -> str | None:
        """Name of the signal that ended it, such as SIGKILL; None when it ended by itself."""
        if self.exit_code >= 0:
            return None
        try:
            return signal.Signals(-self.exit_code).name
        except ValueError:  # Real-time signals have no names.
            return f"signal {-self.exit_code}"


Message = Started | Chunk | Stopped


class Process:
    """A child program, running from the moment this is made; read messages() in one thread, stop() from any.

    argv is a list and never a shell string. stdin is what the child can read before end of file, nothing by
    default (darknet waits for a key at an open terminal). With dies_with_parent (Linux) the child gets SIGTERM when
    the *thread* that made this ends, also by SIGKILL. Raises MissingPartError when it cannot be started.
    """

    def __init__(
        self,
        argv: Sequence[str],
        *,
        cwd: Path | None = None,
        env: Mapping[str, str] | None = None,
        stdin: bytes = b"",
        dies_with_parent: bool = False,
    ) -> None:
        self._child = _spawn(argv, cwd, {**os.environ, **(env or {})}, stdin, dies_with_parent)
        self._selector = selectors.DefaultSelector()
        for pipe, stream in ((self._child.stdout, "out"), (self._child.stderr, "err")):
            assert pipe is not None
            os.set_blocking(pipe.fileno(), False)
            self._selector.register(pipe, selectors.EVENT_READ, stream)
        # A child that ended at once is still there to be asked: nobody has fetched its exit code yet.
        self.identity: tuple[int, float] = (self._child.pid, created_at(self._child.pid))

    def messages(self, tick: float | None = None) -> Iterator[Message | None]:
        """Started, the Chunks, then Stopped; None whenever the child said nothing for tick seconds.

        Stopped comes when the child itself is gone and its output is read: a grandchild that holds the pipes open is
        not waited for, and what is left of the process group is killed.
        """
        yield Started(*self.identity)
        heard = time.monotonic()
        while not self._gone():
            chunks = self._read()
            yield from chunks
            now = time.monotonic()
            if chunks:
                heard = now
            elif tick is not None and now - heard >= tick:
                heard = now
                yield None
        signal_group(self._child.pid, signal.SIGKILL)
        yield from self._tail()
        yield Stopped(self._child.wait())

    def stop(self, grace: float = 5.0) -> bool:
        """End the child and its group: SIGTERM, after grace seconds SIGKILL; whether all of it is gone."""
        if self._gone():
            return True
        ended = end_members(*self.identity, grace)
        if ended:
            self._child.wait()
        return ended

    def __enter__(self) -> Process:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.stop()
        self._selector.close()
        for pipe in (self._child.stdout, self._child.stderr):
            assert pipe is not None
            pipe.close()

    def _gone(self) -> bool:
        return self._child.poll() is not None

    def _read(self) -> list[Chunk]:
        """What came within a short wait."""
        if not self._selector.get_map():
            time.sleep(_LOOK / 10)  # It closed both streams: it ends now, or runs on in silence.
            return []
        return [c for key, _ in self._selector.select(_LOOK) for c in self._take(key)]

    def _tail(self) -> list[Chunk]:
        """What still lies in the pipes of a child that has ended."""
        return [c for key in list(self._selector.get_map().values()) for c in self._take(key)]

    def _take(self, key: selectors.SelectorKey) -> list[Chunk]:
        try:
            data = os.read(key.fd, _PIPE_BYTES)
        except BlockingIOError:
            return []
        if not data:
            self._selector.unregister(key.fileobj)
            return []
        return [Chunk(key.data, data)]


def _spawn(
    argv: Sequence[str], cwd: Path | None, env: dict[str, str], stdin: bytes, dies_with_parent: bool
) -> subprocess.Popen[bytes]:
    # A file as standard input needs nobody to feed it, and ends by itself.
    with tempfile.TemporaryFile() as source:
        source.write(stdin)
        source.seek(0)
        given: IO[bytes] | int = source if stdin else subprocess.DEVNULL
        try:
            return subprocess.Popen(
                list(argv),
                cwd=cwd,
                env=env,
                stdin=given,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                bufsize=0,
                start_new_session=True,
                preexec_fn=death_of(os.getpid()) if dies_with_parent and sys.platform == "linux" else None,
            )
        except OSError as error:
            reason = f"{error.strerror}: {error.filename}" if error.filename else str(error)
            raise MissingPartError("program-not-started", program=str(argv[0]), reason=reason) from None


def death_of(parent: int) -> Callable[[], None]:
    """What a child must run between fork and exec (Linux) to get SIGTERM when the thread that forked it ends."""
    import ctypes

    prctl = ctypes.CDLL(None).prctl  # Looked up before the fork: after it, loading a library may lock up.

    def arm() -> None:
        prctl(1, signal.SIGTERM, 0, 0, 0)  # 1 = PR_SET_PDEATHSIG
        if os.getppid() != parent:  # It died in between.
            os._exit(1)

    return arm
