"""The side of the data folder: commands act through the loop on the store, also while `labelbridge up` runs."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import astuple, replace
from typing import Any

import msgspec
from sqlalchemy import Connection

from bridge.cli.side import (
    OPEN,
    Clash,
    CutWish,
    Difference,
    Frozen,
    Head,
    Outline,
    Pulled,
    Tally,
    TokenSeen,
    TrainWish,
    unless_unscored,
)
from bridge.loop import cut, predict, report, resolve, train, transcript, undecided, waiting
from bridge.loop.check import check
from bridge.loop.matching import Change, bounds
from bridge.loop.push import push
from bridge.loop.reconcile import pull
from bridge.loop.tally import tally
from bridge.loop.validate import Checked
from bridge.model.annotation import Region, Revision
from bridge.model.delivery import Delivery, Order
from bridge.model.job import Job, JobState, Node
from bridge.model.prediction import Fared
from bridge.model.project import Project
from bridge.model.scores import Scores
from bridge.model.training import Checkpoint, Run
from bridge.plugin import Progress, PushOutcome
from bridge.store import deliveries, jobs, nodes, projects, revisions, runs, tokens
from bridge.workspace import Workspace

_MOST = 10_000


class Local:
    """The store of one data folder; who is written into its ledger."""

    def __init__(self, ws: Workspace, who: str) -> None:
        self._ws, self._who = ws, who

    # ------------------------------------------------------------ projects

    def projects(self) -> list[tuple[Project, Tally]]:
        """All projects by name."""
        with self._ws.db.read() as tx:
            return [(p, _tally(tx, p.id)) for p in projects.listing(tx)]

    def project_names(self) -> dict[str, str]:
        """The names of all projects by id."""
        with self._ws.db.read() as tx:
            return {p.id: p.name for p in projects.listing(tx)}

    def project(self, wanted: str) -> Project:
        """A project by id or name; raises NotFoundError."""
        with self._ws.db.read() as tx:
            return projects.find(tx, wanted)

    def create_project(self, name: str) -> Project:
        """A new project; raises ConflictError when there is one of that name."""
        with self._ws.db.write() as tx:
            made = projects.create(tx, name)
            tokens.record(tx, self._who, "create", made.id, {"name": made.name})
        return made

    def remove_project(self, wanted: str) -> None:
        """Forget a project with its labels, versions and runs."""
        with self._ws.db.write() as tx:
            found = projects.find(tx, wanted)
            projects.remove(tx, found.id)
            tokens.record(tx, self._who, "remove", None, {"project": found.id, "name": found.name})

    # ------------------------------------------------------------ labels

    def check(self, project: str, fix: bool, network: tuple[int, int], progress: Progress) -> Checked:
        """Run every validator; with fix, mend what is safe."""
        return check(self._ws, project, fix, network, self._who, progress)

    def conflicts(self, project: str) -> list[Clash]:
        """The pictures whose labels clash."""
        with self._ws.db.read() as tx:
            return [_clash(one) for one in resolve.conflicts(tx, projects.find(tx, project))]

    def resolve(self, project: str, image: str, keep: int | None) -> int:
        """Let one set of labels hold, or all; raises ConflictError resolve-nothing, NotFoundError."""
        return resolve.resolve(self._ws, project, image, keep, self._who)

    def cut(self, project: str, wish: CutWish, progress: Progress) -> Frozen:
        """Freeze the present labels."""
        done = cut.cut(self._ws, project, cut.CutOptions(**_fields(wish), who=self._who), progress)
        train_, valid = (len(done.version.part(part)) for part in ("train", "valid"))
        return Frozen(done.version.id, done.new, done.version.labels, train_, valid, done.findings)

    # ------------------------------------------------------------ training

    def plan(self, project: str, wish: TrainWish) -> Outline:
        """A training as it would start."""
        made = self._plan(project, wish)
        return Outline(
            made.project,
            made.version.id,
            len(made.version.part("train")),
            len(made.version.part("valid")),
            made.recipe,
            made.findings,
            made.hours,
            made.disk_bytes,
            made.outlook.checkpoints,
        )

    def _plan(self, project: str, wish: TrainWish) -> train.Plan:
        return train.plan(self._ws, project, train.PlanOptions(**_fields(wish)), self._who)

    def start(self, project: str, wish: TrainWish) -> Run:
        """Start a training; raises RefusedError plan-broken, MissingPartError worker-missing."""
        return train.start(self._ws, self._plan(project, wish), self._who)

    def runs(self, project: str | None) -> list[Run]:
        """Runs, newest first."""
        with self._ws.db.read() as tx:
            name = projects.find(tx, project).id if project else None
            return [_reached(tx, run) for run in runs.listing(tx, name, _MOST)]

    def run(self, wanted: str) -> Run:
        """A run as it is now."""
        with self._ws.db.read() as tx:
            return _reached(tx, runs.find(tx, wanted))

    def checkpoints(self, run_id: str) -> list[tuple[Checkpoint, Scores | None]]:
        """A run's checkpoints with their scores."""
        with self._ws.db.read() as tx:
            scores = runs.scores(tx, run_id)
            return [(c, scores.get(c.id)) for c in runs.checkpoints(tx, run_id)]

    def judged(self, project: str) -> list[Fared]:
        """How a project's checkpoints fared with the people who judged their boxes."""
        return tally(self._ws, project)

    def cancel(self, wanted: str) -> Run:
        """Ask a run to stop."""
        return train.cancel(self._ws, self.run(wanted).id, self._who)

    def resume(self, wanted: str) -> Run:
        """Go on with a run that has stopped; raises ConflictError run-not-resumable, and when no worker is there."""
        run = self.run(wanted)
        train.require_worker(self._ws, "train")
        return train.resume(self._ws, run.id, self._who)

    def log(self, wanted: str, lines: int) -> list[str]:
        """The last lines that a run's program wrote."""
        return transcript.tail(self._ws, self.run(wanted).id, lines)

    # ------------------------------------------------------------ results

    def promote(self, checkpoint: str | None, project: str | None) -> tuple[str, str]:
        """Let a checkpoint pre-label the project of its run, or the one that is named."""
        if project is None:
            with self._ws.db.read() as tx:
                found = runs.find_checkpoint(tx, str(checkpoint))
                project = runs.find(tx, found.run_id).project
        return self.project(project).id, predict.publish(self._ws, project, checkpoint, self._who).id

    def report(self, wanted: str) -> dict[str, Any]:
        """The figures of a run's report."""
        from bridge.reporting.record import report_json

        return report_json(report.build(self._ws, wanted))

    def report_page(self, wanted: str, language: str) -> str:
        """A run's report as one HTML file."""
        return report.render(self._ws, wanted, language)

    def predict(self, project: str, checkpoint: str | None, only_unlabelled: bool) -> str:
        """Make a job that lets a checkpoint look at the pictures."""
        return predict.predict(self._ws, project, checkpoint, self._who, only_unlabelled)

    def job(self, job_id: str) -> Job:
        """One job."""
        with self._ws.db.read() as tx:
            return jobs.find(tx, job_id)

    def jobs(self, project: str, kind: str, states: Sequence[JobState] = OPEN) -> list[Job]:
        """Jobs of a kind in these states."""
        with self._ws.db.read() as tx:
            return [job for state in states for job in jobs.listing(tx, project, state, _MOST, kind)]

    # ------------------------------------------------------------ tools

    def sync(self, project: str, source: str | None) -> tuple[list[Pulled], list[PushOutcome]]:
        """Pull from the connected tools and push to them."""
        done = pull(self._ws, project, source, wait=time.sleep)
        pulled = [Pulled(p.images, p.boxes, p.revisions, p.findings) for p in done]
        return pulled, unless_unscored(lambda: self.push(project, source))

    def push(self, project: str, source: str | None) -> list[PushOutcome]:
        """Push labels and predictions to the connected tools."""
        return push(self._ws, project, source, wait=time.sleep)

    # ------------------------------------------------------------ the server

    def deliveries(self, project: str | None, settled: bool) -> list[Delivery]:
        """What waits for a person, newest first."""
        with self._ws.db.read() as tx:
            return undecided.listing(tx, project, settled)

    def delivery(self, number: int) -> Delivery:
        """One delivery; raises NotFoundError."""
        with self._ws.db.read() as tx:
            return deliveries.find(tx, number)

    def resume_delivery(self, number: int, order: Order | None, leave_newer: bool) -> Delivery:
        """Read again what was refused; raises RefusedError, ConflictError delivery-settled."""
        return waiting.resume(self._ws, number, order, self._who, leave_newer)

    def dismiss_delivery(self, number: int) -> Delivery:
        """Put a delivery aside; raises ConflictError delivery-settled."""
        return waiting.dismiss(self._ws, number, self._who)

    def nodes(self) -> list[Node]:
        """The machines that work for the bridge."""
        with self._ws.db.read() as tx:
            return nodes.listing(tx)

    def drain(self, node: str, draining: bool) -> None:
        """Let a node take no new training, or take it again."""
        with self._ws.db.write() as tx:
            nodes.drain(tx, node, draining)
            tokens.record(tx, self._who, "drain" if draining else "undrain", None, {"node": node})

    def tokens(self) -> list[TokenSeen]:
        """All tokens."""
        with self._ws.db.read() as tx:
            return [_token(token) for token in tokens.listing(tx)]

    def create_token(self, name: str, role: str) -> tuple[TokenSeen, str]:
        """A new token and its secret."""
        with self._ws.db.write() as tx:
            token, secret = tokens.create(tx, name, role)  # type: ignore[arg-type]
            tokens.record(tx, self._who, "token-create", None, {"token": token.id, "name": name, "role": role})
        return _token(token), secret

    def revoke_token(self, token: str) -> None:
        """Make a token useless; raises NotFoundError."""
        with self._ws.db.write() as tx:
            tokens.revoke(tx, token)
            tokens.record(tx, self._who, "token-revoke", None, {"token": token})


def _fields(wish: CutWish | TrainWish) -> dict[str, Any]:
    return {name: getattr(wish, name) for name in type(wish).__dataclass_fields__}


def _tally(tx: Connection, project: str) -> Tally:
    counts = revisions.counts(tx, project)
    return Tally(counts.images, counts.labelled, counts.reviewed_empty, counts.unknown, counts.boxes)


def _reached(tx: Connection, run: Run) -> Run:
    """The run with the iteration that its worker told last."""
    return replace(run, iteration=int(jobs.find(tx, run.job_id).progress.get("iteration", run.iteration)))


def _token(token: tokens.Token) -> TokenSeen:
    return msgspec.convert(token, TokenSeen, from_attributes=True)


def _clash(found: resolve.Conflict) -> Clash:
    return Clash(found.image.name, tuple(_head(found, head) for head in found.heads))


def _head(found: resolve.Conflict, head: Revision) -> Head:
    changes = tuple(_difference(change) for change in found.changes(head))
    return Head(head.id, head.source, head.author, head.at, len(head.regions), changes)


def _difference(change: Change) -> Difference:
    now, was = change.region, change.was if change.kind != "removed" else None
    former = (was.labels, _corners(was)) if was is not None else (None, None)
    return Difference(change.kind, now.labels, _corners(now), *former)


def _corners(region: Region) -> tuple[float, ...] | None:
    box = bounds(region)
    return astuple(box) if box is not None else None
