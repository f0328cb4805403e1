"""A training job from its lease to its end: pictures, work folder, the program, checkpoints, the last word."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from contextlib import closing
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import structlog

from bridge import picture
from bridge.errors import BridgeError, ConflictError
from bridge.model.training import Failure
from bridge.model.work import End, Manifest
from bridge.plugin import Command, Engine, EngineInfo, RunFiles
from workers import orphan, workdir
from workers.attempt import Attempt, Ended
from workers.cache import Cache
from workers.halt import Halt, Outcome, Reasons, attempted
from workers.journal import Journal
from workers.lease import Hold, take
from workers.node import Station, engine_info
from workers.outbox import Courier, Outbox
from workers.weights import Kept

log = structlog.get_logger()

# A training that got further than the last time is worth going on with, but not for ever.
_RESUMES = 2


@dataclass(frozen=True, slots=True)
class Start:
    """Where an attempt begins: weights (None = random ones), their iteration, and whether the count goes on."""

    weights: Path | None
    iteration: int = 0
    resume: bool = False


def train(station: Station, job_id: str, stopping: Callable[[], bool]) -> None:
    """Do a training job that we were woken for; stopping says that this worker is to end."""
    try:
        with orphan.alone(station), closing(Outbox(station.folder / "outbox.sqlite3")) as outbox:
            orphan.clear(station, outbox)
            hold = take(station, job_id)
            if hold is None:
                return
            with hold, Courier(outbox, station.desk, job_id, hold.grant.number) as courier:
                Training(station, hold, outbox, courier, stopping).run()
    except ConflictError as error:  # Another worker of this node trains; the job stays due.
        log.warning("job-not-taken", job=job_id, rule=error.rule)


class Training:
    """One leased training on this node."""

    def __init__(
        self, station: Station, hold: Hold, outbox: Outbox, courier: Courier, stopping: Callable[[], bool]
    ) -> None:
        self._station, self._hold, self._outbox, self._courier = station, hold, outbox, courier
        self._reasons = Reasons(hold.cancelled, (hold.lost, courier.lost), stopping)
        self._grant = hold.grant
        self._recipe = hold.grant.run.recipe
        self._engine: Engine
        self._folder = orphan.run_folder(station, hold.grant.run.id)
        self._kept = Kept(self._folder / "kept", hold.job_id, outbox)
        self._cache = Cache(station.folder / "cache", station.desk.bridge)
        self._journal = Journal(outbox, courier, hold.job_id, hold.grant.attempt)
        self._transcript: Path | None = None

    def run(self) -> None:
        """Work, and say how it ended; nothing is said under a lost lease."""
        outcome = attempted(self._work, self._hold.job_id)
        self._journal.flush()
        if outcome is None or not self._courier.drain(self._may_go_on):
            return
        transcript = self._hand_in_transcript() if outcome.state != "queued" else None
        end = End(self._grant.number, outcome.state, outcome.failure, transcript)
        if self._hold.finish(end, self._reasons.may_wait) and outcome.state != "queued":
            shutil.rmtree(self._folder, ignore_errors=True)
            self._outbox.forget(self._hold.job_id)

    def _may_go_on(self) -> bool:
        return self._reasons.may_wait() if self._courier.held_up.is_set() else self._reasons.time_left()

    # ------------------------------------------------------------ the work

    def _work(self) -> Outcome:
        self._engine = self._station.registry.engine(self._recipe.engine)
        info = engine_info(self._station, self._engine)
        self._journal.note("engine", **_plain(info))
        manifest = self._station.desk.dataset(self._grant.run.version)
        self._hold.tell({"phase": "pictures", "pictures": len(manifest.members)})
        self._cache.fetch_all(manifest.members, self._reasons.check)
        resumed = 0
        while True:
            start = self._start()
            if start.resume and start.iteration >= self._recipe.max_batches:
                return Outcome("done")  # The end was reached, but nobody could say so then.
            ended = self._attempt(info, manifest, start, resumed)
            if ended.stopped in ("lost", "cancelled", "stopping"):
                raise Halt(ended.stopped)
            failure = self._judge(ended)
            if failure is None:
                return Outcome("done")
            if resumed == _RESUMES or self._reached() <= start.iteration:
                return Outcome("failed", asdict(failure))
            resumed += 1
            self._journal.note("resumed", why=failure.kind, cause=failure.cause, iteration=self._reached())

    def _start(self) -> Start:
        """The checkpoint that got furthest, here or at the bridge; else what the recipe begins with."""
        here, there = self._kept.newest(), self._grant.resume
        if here is not None and (there is None or here[1] >= there.iteration):
            return Start(here[0], here[1], resume=True)
        if there is not None:
            return Start(self._cache.fetch(there.blob), there.iteration, resume=True)
        begin = self._recipe.weights
        return Start(self._cache.fetch(begin) if begin else None)

    def _attempt(self, info: EngineInfo, manifest: Manifest, start: Start, resumed: int) -> Ended:
        folder = self._fresh_folder(resumed)
        with workdir.plain_name(folder) as plain:
            laid = workdir.lay_out(plain, manifest, self._cache, self._reasons.check)
            files = self._engine.prepare(plain, self._recipe, laid.train, laid.valid)
            if start.weights is not None:
                # hank-ai's takes only names that end so, and passes over any other without a word.
                workdir.link_or_copy(start.weights, plain / "start.weights")
                files = replace(files, weights=plain / "start.weights")
            command = self._engine.command(files, self._recipe, info, start.resume)
            self._journal.note("state", state="training", node=self._station.name, iteration=start.iteration)
            self._transcript = folder / "transcript.jsonl"
            attempt = Attempt(self._engine, files, self._recipe, self._kept, self._journal, self._transcript)
            ended = self._run_program(attempt, command, files)
            if ended.stopped != "nan":
                self._kept.collect(self._engine, files, self._recipe, all_kinds=True)
            orphan.forget(self._station)
        self._courier.wake()
        return ended

    def _run_program(self, attempt: Attempt, command: Command, files: RunFiles) -> Ended:
        self._record(files)
        try:
            return attempt.run(command, lambda *who: self._record(files, *who), self._reasons.why, self._hold.tell)
        except BridgeError:  # It did not start. Any other way out leaves the record for the next worker to clear up.
            orphan.forget(self._station)
            raise

    def _fresh_folder(self, resumed: int) -> Path:
        """A new folder; those of earlier attempts have nothing left that is not kept."""
        for old in self._folder.glob("attempt-*"):
            shutil.rmtree(old, ignore_errors=True)
        folder = self._folder / f"attempt-{self._grant.attempt}-{resumed}"
        folder.mkdir(parents=True)
        return folder

    def _record(self, files: RunFiles, pid: int | None = None, created: float | None = None) -> None:
        running = orphan.Running(
            self._hold.job_id,
            self._grant.number,
            self._grant.run.id,
            self._recipe.engine,
            self._recipe,
            orphan.paths_of(files),
            pid,
            created,
        )
        orphan.record(self._station, running)

    # ------------------------------------------------------------ its end

    def _judge(self, ended: Ended) -> Failure | None:
        found = self._engine.classify(ended.events, ended.output, self._recipe.max_batches)
        if ended.stopped == "silent":
            return _silent(found, ended, self._recipe.max_batches)
        if found is None and self._reached() < self._recipe.max_batches:
            # It says that it is done, but the weights are missing, torn or not a number.
            fields = {"iteration": self._reached(), "max_batches": self._recipe.max_batches}
            return Failure("incomplete", "cause-no-final-weights", "action-no-final-weights", fields)
        return found

    def _reached(self) -> int:
        newest = self._kept.newest()
        return newest[1] if newest else 0

    def _hand_in_transcript(self) -> str | None:
        """The blob of the last attempt's output; a run without one is still a run."""
        if self._transcript is None or not self._transcript.is_file():
            return None
        try:
            sha256 = picture.sha256(self._transcript)
            self._station.desk.upload(self._transcript, sha256)
        except BridgeError as error:
            log.warning("transcript-not-told", job=self._hold.job_id, rule=error.rule)
            return None
        return sha256


def _silent(found: Failure | None, ended: Ended, max_batches: int) -> Failure:
    """We ended it, so that what the trainer's end looks like is our own doing; its last lines may still tell."""
    fields = {"iteration": ended.iteration, "max_batches": max_batches}
    return Failure("killed", "cause-silent", "action-silent", fields, found.tail if found else ())


def _plain(info: EngineInfo) -> dict[str, Any]:
    return {**asdict(info), "capabilities": sorted(info.capabilities)}
