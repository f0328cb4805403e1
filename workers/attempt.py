"""One run of the trainer's program, watched from its start to its end."""

from __future__ import annotations

import os
import statistics
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import structlog

from bridge.model.training import Recipe, RunEvent
from bridge.plugin import Command, Engine, Output, RunFiles
from bridge.process import Chunk, Process, Stopped
from workers.halt import Why
from workers.journal import Journal, Memory, Transcript
from workers.weights import Kept

log = structlog.get_logger()

_TICK = 0.25
# A program that says nothing for ten iterations' time, and at least so long, hangs (NaN makes hank-ai's do so).
_SILENT_SECONDS = 600.0
_SILENT_ITERATIONS = 10
# Reading thousands of pictures and building the network comes before the first iteration.
_START_SECONDS = 1800.0
# After the line that announces weights, they are looked for until they are whole, but not for ever.
_SAVING_SECONDS = 120.0
# darknet has no graceful stop: what it has not saved is lost whether it gets a second or ten.
_GRACE = 3.0


@dataclass(frozen=True, slots=True)
class Ended:
    """How an attempt ended; stopped is None when the program ended by itself."""

    stopped: Why | None
    output: Output
    events: tuple[RunEvent, ...]
    iteration: int


class Pace:
    """Seconds per iteration, from the times between iteration lines (what the trainer prints leaves out loading)."""

    def __init__(self, max_batches: int) -> None:
        self.iteration = 0
        self._max = max_batches
        self._average: float | None = None
        self._last: tuple[int, float] | None = None
        self._gaps: deque[float] = deque(maxlen=50)

    def note(self, events: Sequence[RunEvent]) -> None:
        """Take in iteration events; with several GPUs one line stands for several iterations."""
        now = time.monotonic()
        for event in events:
            if event.kind == "iteration":
                self._average = event.fields.get("avg_loss")
                self._step(int(event.fields["iteration"]), now)

    def _step(self, iteration: int, now: float) -> None:
        if self._last is not None and iteration > self._last[0]:
            self._gaps.append((now - self._last[1]) / (iteration - self._last[0]))
        self.iteration, self._last = iteration, (iteration, now)

    @property
    def seconds(self) -> float | None:
        """The median of the last fifty."""
        return statistics.median(self._gaps) if self._gaps else None

    def progress(self) -> dict[str, Any]:
        """For the heartbeat."""
        each = self.seconds
        return {
            "phase": "training",
            "iteration": self.iteration,
            "max_batches": self._max,
            "avg_loss": self._average,
            "seconds_per_iteration": each,
            "seconds_left": each * max(self._max - self.iteration, 0) if each is not None else None,
        }


class Attempt:
    """Starts the program, reads it, keeps its checkpoints, and stops it when there is a reason to."""

    def __init__(
        self, engine: Engine, files: RunFiles, recipe: Recipe, kept: Kept, journal: Journal, transcript: Path
    ) -> None:
        self._engine, self._files, self._recipe, self._kept, self._journal = engine, files, recipe, kept, journal
        self._parser = engine.parser()
        self._memory = Memory()
        self._transcript = Transcript(transcript)
        self.pace = Pace(recipe.max_batches)
        self._heard = time.monotonic()
        self._saving_until = 0.0
        self._look_at = 0.0
        self._diverged = False

    def run(
        self,
        command: Command,
        started: Callable[[int, float], None],
        reason: Callable[[], Why | None],
        progress: Callable[[dict[str, Any]], None],
    ) -> Ended:
        """Run to the end. started gets the identity; reason is asked several times a second."""
        stopped: Why | None = None
        code = 0
        env = {"OMP_NUM_THREADS": os.environ.get("OMP_NUM_THREADS", str(_threads())), **command.env}
        with Process(
            command.argv, cwd=self._files.folder, env=env, stdin=command.stdin, dies_with_parent=True
        ) as process:
            started(*process.identity)
            self._heard = time.monotonic()
            for message in process.messages(tick=_TICK):
                if isinstance(message, Chunk):
                    self._hear(message)
                elif isinstance(message, Stopped):
                    code = message.exit_code
                progress(self.pace.progress())
                self._care()
                if stopped is None and not isinstance(message, Stopped):
                    stopped = reason() or self._own_reason()
                    if stopped is not None:
                        log.info("stopping-program", why=stopped, iteration=self.pace.iteration)
                        process.stop(_GRACE)
        self._note(self._parser.end())
        self._journal.flush()
        self._transcript.close(code)
        output = Output(self._memory.text("out"), self._memory.text("err"), code)
        return Ended(stopped, output, tuple(self._memory.events()), self.pace.iteration)

    def _hear(self, chunk: Chunk) -> None:
        self._heard = time.monotonic()
        self._transcript.write(chunk.stream, chunk.data)
        self._memory.hear(chunk.stream, chunk.data)
        self._note(self._parser.feed(chunk.stream, chunk.data))

    def _note(self, events: Sequence[RunEvent]) -> None:
        if not events:
            return
        self._memory.note(self._journal.write(events))
        self.pace.note(events)
        kinds = {event.kind for event in events}
        if "saved" in kinds:
            self._saving_until = time.monotonic() + _SAVING_SECONDS
        self._diverged = self._diverged or "nan" in kinds

    def _care(self) -> None:
        # Weights saved by a net that has diverged are worth nothing, and overwrite good ones.
        now = time.monotonic()
        if self._saving_until and not self._diverged and now >= self._look_at:
            self._look_at = now + _TICK
            whole = self._kept.collect(self._engine, self._files, self._recipe)
            if whole or now > self._saving_until:
                self._saving_until = 0.0
        self._journal.flush_if_due()

    def _own_reason(self) -> Why | None:
        if self._diverged:
            return "nan"
        each = self.pace.seconds
        patience = _START_SECONDS if each is None else max(_SILENT_SECONDS, each * _SILENT_ITERATIONS)
        return "silent" if time.monotonic() - self._heard > patience else None


def _threads() -> int:
    """One core is left for everything else: threads that wait for each other on a busy machine are very slow."""
    return max(1, (os.cpu_count() or 1) - 1)
