"""The steps of the demo; each says what it does and what came of it."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from bridge.cli.console import Console, finding_json
from bridge.errors import InputError
from bridge.model.annotation import Document
from bridge.model.dataset import Dataset
from bridge.model.job import ENDED
from bridge.plugin import WriteOptions
from bridge.running import Running
from bridge.settings import Settings
from bridge.workspace import Workspace

PROJECT = "ハードウェア / hardware"
TRAIN, VALID, FRESH = 300, 80, 20
NETWORK = (128, 96)


@dataclass(slots=True)
class Demo:
    """One showing; told collects what --json prints at the end."""

    console: Console
    settings: Settings
    out: Path
    deadline: int
    iterations: int
    network: tuple[int, int] = NETWORK
    told: dict[str, Any] = field(default_factory=dict)
    step: int = 0

    def head(self, key: str, **fields: Any) -> None:
        """The head line of a step."""
        self.step += 1
        if not self.console.json:
            self.console.line("")
        self.console.say(key, n=self.step, **fields)

    def draw(self) -> list[Document]:
        """Draw the pictures; the last ones are fresh: nobody has labelled them yet."""
        from bridge.sample import draw_sample

        self.head("demo-draw", n_pictures=TRAIN + VALID + FRESH)
        with self.console.progress("demo-drawing") as progress:
            drawn = draw_sample(self.out / "pictures", TRAIN, VALID + FRESH, progress)
        return [*drawn[: TRAIN + VALID], *(replace(d, regions=None, held_out=None) for d in drawn[TRAIN + VALID :])]

    def write_vott(self, documents: list[Document]) -> None:
        """Write them as a VoTT project with some labelling mistakes in it, as people make them."""
        from bridge.registry import Registry
        from bridge.sample import LABELS, plant_defects

        spoilt, planted = plant_defects(documents)
        planted = [one for one in planted if one.rule != "swapped"]  # VoTT itself puts corners in order.
        self.head("demo-vott", path=self.out / "vott", n_planted=len(planted))
        for one in planted:
            self.console.say("demo-planted", rule=one.rule, image=one.image)
        vott = Registry().format("vott-v2")
        if not any((self.out / "vott").glob("*.vott")):
            vott.write(Dataset("hardware", tuple(LABELS), spoilt), self.out / "vott", WriteOptions("none"))
            _forget_tags(self.out / "vott", LABELS)
        self.told["planted"] = [one._asdict() for one in planted]

    def started(self) -> Running:
        """Broker, workers and pages, all of them children of this process."""
        self.head("demo-start")
        return Running(self.settings)

    def take_labels(self, ws: Workspace) -> None:
        """Import the VoTT project, and keep the folder connected for the way back."""
        from bridge.loop.connect import connect_folder
        from bridge.loop.intake import IntakeOptions, import_path
        from bridge.loop.reconcile import pull

        self.head("demo-import", url=ws.settings.url())
        with self.console.progress("importing", path="vott") as progress:
            done = import_path(ws, PROJECT, self.out / "vott", IntakeOptions("vott-v2", who="demo"), progress)
        connect_folder(ws, PROJECT, "vott-v2", self.out / "vott", "demo", "vott")
        pull(ws, PROJECT, "vott")
        self.console.findings(done.findings)
        self.console.say("imported", images=done.images, boxes=done.boxes, revisions=done.revisions, project=PROJECT)
        self.told["imported"] = {"images": done.images, "boxes": done.boxes}

    def check(self, ws: Workspace) -> None:
        """Show the findings, mend what is safe, and correct the slips of the pen as a person would."""
        from bridge.loop import labels
        from bridge.loop.check import check
        from bridge.store import projects

        self.head("demo-check")
        checked = check(ws, PROJECT, False, NETWORK, "demo")
        self.console.findings(checked.findings)
        self.told["findings"] = [finding_json(f) for f in checked.findings]
        self.head("demo-fix")
        fixed = check(ws, PROJECT, True, NETWORK, "demo").fixed
        self.console.say("fixed", n=fixed)
        with ws.db.read() as tx:
            names = projects.find(tx, PROJECT).label_names()
        for name in names:
            other = name.lower()
            if other != name and other in names:
                labels.merge(ws, PROJECT, name, other, "demo")
                self.console.say("label-merge", old=name, new=other, labels=", ".join(n for n in names if n != name))
        left = check(ws, PROJECT, False, NETWORK, "demo").findings
        self.console.say("demo-left", n=len(left), rules=", ".join(sorted({f.rule for f in left})) or "-")
        self.told["fixed"] = fixed

    def cut(self, ws: Workspace, documents: list[Document]) -> None:
        """Freeze the labels; the sample's own split is kept."""
        from bridge.loop.cut import CutOptions, cut

        held_out = frozenset(d.image.name for d in documents if d.held_out)
        done = cut(ws, PROJECT, CutOptions(held_out=held_out, who="demo"))
        self.head("demo-cut")
        train, valid = len(done.version.part("train")), len(done.version.part("valid"))
        self.console.findings(done.findings)
        self.console.say("cut" if done.new else "cut-same", version=done.version.id, train=train, valid=valid)
        self.told["version"] = done.version.id

    def train(self, ws: Workspace) -> None:
        """Train with a real darknet through the worker, at most until the deadline."""
        from bridge.loop import train
        from bridge.store import jobs, runs

        options = train.PlanOptions("demo-tiny", network=self.network, max_batches=self.iterations)
        plan = train.plan(ws, PROJECT, options, "demo")
        assert plan.anchors is not None
        self.head("demo-train", engine=self._engine(ws))
        anchors = ", ".join(f"{w:.0f}×{h:.0f}" for w, h in plan.anchors.pairs)
        self.console.say("demo-anchors", anchors=anchors, iou=f"{100 * plan.anchors.average_iou:.1f}")
        self.console.findings(plan.findings)
        run = train.start(ws, plan, "demo")
        began = time.monotonic()
        with self.console.progress("training", run=run.id) as progress:
            while run.state not in ENDED:
                time.sleep(0.3)
                with ws.db.read() as tx:
                    run = runs.find(tx, run.id)
                    done = jobs.find(tx, run.job_id).progress.get("iteration", run.iteration)
                progress(int(done), self.iterations)
                if time.monotonic() - began > self.deadline and not self.told.get("deadline"):
                    self.told["deadline"] = True
                    train.cancel(ws, run.id, "demo")
        self.console.say(
            "demo-trained", state=run.state.value, iteration=run.iteration, seconds=int(time.monotonic() - began)
        )
        self.told.update(run=run.id, state=run.state.value, iteration=run.iteration)
        if run.state.value == "failed":
            fields = {"run": run.id, "kind": run.failure.kind if run.failure else "unknown"}
            raise InputError("demo-run-failed", **fields)

    def _engine(self, ws: Workspace) -> str:
        from bridge.loop.train import living_nodes

        found = next((node.engine for node in living_nodes(ws) if node.engine), {})
        return f"{found.get('fork', 'darknet')} {found.get('version', '')}".strip()

    def report(self, ws: Workspace) -> None:
        """Wait until every checkpoint is scored, and write the report."""
        from bridge.document import write_atomic
        from bridge.loop.report import build
        from bridge.reporting.page import render_report
        from bridge.store import runs

        self.head("demo-score")
        run_id = str(self.told["run"])

        def unscored() -> int:
            with ws.db.read() as tx:
                return runs.unscored(tx, run_id)

        self._wait("demo-scoring", unscored)
        report = build(ws, run_id)
        target = self.out / "report.html"
        write_atomic(target, render_report(report, self.console.language))
        for row in report.checkpoints:
            self.console.say("demo-checkpoint", iteration=row.iteration, map=f"{100 * row.scores.map:5.1f}")
        best = report.best_row
        assert best is not None
        self.console.say(
            "report-best", map=f"{100 * best.scores.map:.1f}", iteration=best.iteration, id=best.checkpoint_id
        )
        self.console.say("report-written", path=target)
        self.told.update(map=best.scores.map, checkpoint=best.checkpoint_id, report=str(target))

    def _wait(self, key: str, left: Callable[[], int]) -> None:
        most, began = max(left(), 1), time.monotonic()
        with self.console.progress(key) as progress:
            while (n := left()) > 0:
                most = max(most, n)
                progress(most - n, most)
                if time.monotonic() - began > self.deadline:
                    raise InputError("demo-too-slow", what=key, left=n)
                time.sleep(0.3)

    def predict(self, ws: Workspace) -> None:
        """Let the best checkpoint draw on the fresh pictures, and give its boxes to the annotator."""
        from bridge.loop.predict import predict, publish
        from bridge.loop.push import push
        from bridge.store import jobs, predictions

        chosen = publish(ws, PROJECT, None, "demo")
        job_id = predict(ws, PROJECT, chosen.id, "demo", only_unlabelled=True)

        def left() -> int:
            with ws.db.read() as tx:
                return int(jobs.find(tx, job_id).state not in ENDED)

        self.head("demo-predict", checkpoint=chosen.id)
        self._wait("predicting", left)
        with ws.db.read() as tx:
            made = sum(predictions.counts(tx, chosen_project(tx)).values())
        outcomes = push(ws, PROJECT, "vott")
        for outcome in outcomes:
            self.console.findings(outcome.refused)
        accepted = sum(outcome.accepted for outcome in outcomes)
        self.console.say("demo-pushed", made=made, accepted=accepted, path=self.out / "vott")
        self.told.update(predicted=made, pushed=accepted)

    def settle(self, ws: Workspace) -> None:
        """Let the jobs that are due come to their end, the run's own report among them."""
        from bridge.model.job import JobState
        from bridge.store import jobs

        def left() -> int:
            with ws.db.read() as tx:
                open_ = [j for s in (JobState.QUEUED, JobState.RUNNING) for j in jobs.listing(tx, state=s)]
            return sum(job.due <= time.time() for job in open_)

        self._wait("demo-settling", left)

    def label_studio(self, ws: Workspace, stack: ExitStack) -> None:
        """The same boxes in a real Label Studio, which runs until the end of the demo."""
        from bridge import label_studio
        from bridge.loop.connect import connect
        from bridge.loop.push import push

        self.head("demo-label-studio")
        server = stack.enter_context(label_studio.fresh_server(self.out / "label-studio", self.console.say))
        connect(ws, PROJECT, server.url, server.access.token, who="demo", name="label-studio")
        outcomes = push(ws, PROJECT, "label-studio")
        for outcome in outcomes:
            self.console.findings(outcome.refused)
        accepted = sum(outcome.accepted for outcome in outcomes)
        access = {"user": server.access.user, "password": server.access.password}
        self.console.say("demo-label-studio-up", url=server.url, accepted=accepted, **access)
        self.told["label_studio"] = {"url": server.url, "pushed": accepted}


def _forget_tags(folder: Path, known: Sequence[str]) -> None:
    """Take mistyped labels out of the project's tag list again, as when somebody edits the files by hand."""
    from bridge.document import read_json, write_atomic

    for path in folder.glob("*.vott"):
        project = read_json(path)
        project["tags"] = [tag for tag in project["tags"] if tag["name"] in known]
        write_atomic(path, json.dumps(project, ensure_ascii=False, indent=4))


def chosen_project(tx: Any) -> str:
    """The id of the demo's project."""
    from bridge.store import projects

    return projects.find(tx, PROJECT).id
