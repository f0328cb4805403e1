"""Training and what came of it: train, runs, run show|cancel|resume|log, promote."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import msgspec

from bridge.cli.command import Call, command, network_size
from bridge.cli.console import finding_json
from bridge.model.job import ENDED

if TYPE_CHECKING:
    from bridge.loop.train import Plan
    from bridge.model.training import Run

commands = click.Group()


@command(commands, "train")
@click.argument("project")
@click.option("--cfg", type=click.Path(path_type=Path, exists=True), help="Train with this cfg, exactly as it is.")
@click.option("--adapt", is_flag=True, help="Edit the cfg for the project's classes, anchors and size first.")
@click.option("--template", default="yolov4-tiny", show_default=True, help="Network to fill in when no --cfg is given.")
@click.option("--size", "network", callback=network_size, help="Network size, such as 416x416.")
@click.option("--batch", type=click.IntRange(1))
@click.option("--subdivisions", type=click.IntRange(1))
@click.option("--max-batches", type=click.IntRange(1), help="Iterations.")
@click.option("--weights", default="none", show_default=True, help="Start from FILE, best, last, or none.")
@click.option("--version", help="Dataset version [the newest cut; made if there is none].")
@click.option("--node", help="Train on this node.")
@click.option("--gpus", default="", help="GPUs, such as 0,1.")
@click.option("--seed", type=int, default=0, show_default=True, help="For the anchors, and a cut that has to be made.")
@click.option("--dry-run", is_flag=True, help="Say what would happen, and start nothing.")
@click.option("--watch", is_flag=True, help="Stay and show how it goes.")
def train_(call: Call, project: str, gpus: str, dry_run: bool, watch: bool, **given: Any) -> int:
    """Train on the newest dataset version of PROJECT."""
    from bridge.loop.train import PlanOptions, plan, start

    ws = call.open()
    options = PlanOptions(gpus=_gpu_numbers(gpus), **given)
    made = plan(ws, project, options, call.who)
    call.console.findings(made.findings)
    _say_plan(call, made)
    if dry_run:
        call.console.emit(plan_json(made))
        return 1 if any(f.severity.value == "error" for f in made.findings) else 0
    run = start(ws, made, call.who)
    call.console.say("run-started", run=run.id)
    if watch:
        run = _watch(call, run)
    call.console.emit({"run": run.id, "state": run.state.value, **plan_json(made)})
    return 0 if run.state.value in ("queued", "running", "done") else 1


def _gpu_numbers(text: str) -> tuple[int, ...]:
    try:
        return tuple(int(part) for part in text.split(",") if part.strip())
    except ValueError:
        raise click.BadParameter("numbers with commas, such as 0,1", param_hint="--gpus") from None


def _say_plan(call: Call, made: Plan) -> None:
    recipe = made.recipe
    call.console.say(
        "plan",
        size=f"{recipe.width}x{recipe.height}",
        batch=recipe.batch,
        subdivisions=recipe.subdivisions,
        max_batches=recipe.max_batches,
        classes=len(recipe.classes),
        train=len(made.version.part("train")),
        valid=len(made.version.part("valid")),
        version=made.version.id[:12],
    )
    call.console.say("plan-disk", megabytes=made.disk_bytes // 1_000_000, checkpoints=made.outlook.checkpoints)
    if made.hours is None:
        call.console.say("plan-hours-unknown")
    else:
        call.console.say("plan-hours", hours=f"{made.hours:.2f}")


def plan_json(made: Plan) -> dict[str, Any]:
    """A plan as other programs read it."""
    recipe = msgspec.to_builtins(made.recipe)
    return {
        "version": made.version.id,
        "recipe": recipe,
        "hours": made.hours,
        "disk_bytes": made.disk_bytes,
        "checkpoints": made.outlook.checkpoints,
        "findings": [finding_json(f) for f in made.findings],
    }


def _watch(call: Call, run: Run) -> Run:
    from bridge.store import jobs, runs

    ws = call.open()
    with call.console.progress("training", run=run.id) as progress:
        while run.state not in ENDED:
            time.sleep(0.5)
            with ws.db.read() as tx:
                run = runs.find(tx, run.id)
                done = jobs.find(tx, run.job_id).progress.get("iteration", run.iteration)
            progress(int(done), run.recipe.max_batches)
    call.console.say(f"run-{run.state.value}", run=run.id)
    return run


@command(commands, "runs")
@click.argument("project", required=False)
def runs_(call: Call, project: str | None) -> int:
    """All runs (of PROJECT), newest first."""
    from bridge.store import projects, runs

    with call.open().db.read() as tx:
        name = projects.find(tx, project).id if project else None
        found = [(run, runs.scores(tx, run.id)) for run in runs.listing(tx, name)]
    listed = [_summary(run, scores) for run, scores in found]
    columns = ("run", "project", "state", "iteration", "max_batches", "map", "created")
    call.console.table("", columns, [[one[c] for c in columns] for one in listed])
    call.console.emit({"runs": listed})
    return 0


def _summary(run: Run, scores: Any) -> dict[str, Any]:
    best = max((s.map for s in scores.values()), default=None)
    return {
        "run": run.id,
        "project": run.project,
        "state": run.state.value,
        "iteration": run.iteration,
        "max_batches": run.recipe.max_batches,
        "map": None if best is None else round(best, 4),
        "created": run.created,
        "version": run.version,
        "node": run.node,
    }


@commands.group("run")
def run_() -> None:
    """One run: show, cancel, resume, log."""


@command(run_, "show")
@click.argument("run_id", metavar="RUN")
def show(call: Call, run_id: str) -> int:
    """What a run is doing, its checkpoints and their scores."""
    from bridge.store import runs

    with call.open().db.read() as tx:
        run = runs.find(tx, run_id)
        scores = runs.scores(tx, run.id)
        found = runs.checkpoints(tx, run.id)
    summary = _summary(run, scores)
    for key, value in summary.items():
        if not call.console.json:
            call.console.line(f"{key:12} {value}")
    if run.failure is not None:
        _say_failure(call, run)
    listed = [
        {
            "checkpoint": c.id,
            "iteration": c.iteration,
            "kind": c.kind,
            "map": scores[c.id].map if c.id in scores else None,
        }
        for c in found
    ]
    call.console.table("", ["checkpoint", "iteration", "kind", "map"], [list(one.values()) for one in listed])
    failure = msgspec.to_builtins(run.failure) if run.failure else None
    call.console.emit({**summary, "failure": failure, "checkpoints": listed})
    return 0


def _say_failure(call: Call, run: Run) -> None:
    from bridge import texts

    failure = run.failure
    assert failure is not None
    for key in (failure.cause, failure.action):
        call.console.line(texts.render("failures", key, failure.fields, call.console.language), "red")
    for line in failure.tail:
        call.console.line("  " + line)


@command(run_, "cancel")
@click.argument("run_id", metavar="RUN")
def cancel_(call: Call, run_id: str) -> int:
    """Ask a run to stop; what it saved stays."""
    from bridge.loop.train import cancel

    run = cancel(call.open(), run_id, call.who)
    call.console.say("run-cancelling", run=run.id)
    call.console.emit({"run": run.id, "state": run.state.value})
    return 0


@command(run_, "resume")
@click.argument("run_id", metavar="RUN")
def resume_(call: Call, run_id: str) -> int:
    """Go on with a run that failed or was cancelled, from its last good checkpoint."""
    from bridge.loop.train import require_worker, resume

    require_worker(call.open(), "train")
    run = resume(call.open(), run_id, call.who)
    call.console.say("run-started", run=run.id)
    call.console.emit({"run": run.id, "state": run.state.value})
    return 0


@command(run_, "log")
@click.argument("run_id", metavar="RUN")
@click.option("-n", "lines", type=click.IntRange(1), default=40, show_default=True, help="Last lines.")
def log(call: Call, run_id: str, lines: int) -> int:
    """The last lines of a run's raw output."""
    from bridge.loop.transcript import last_lines
    from bridge.store import runs

    ws = call.open()
    with ws.db.read() as tx:
        run = runs.find(tx, run_id)
        blob, _ = runs.blobs(tx, run.id)
    found = last_lines(ws.blobs.path(blob), lines) if blob else []
    for line in found:
        if not call.console.json:
            call.console.line(line)
    call.console.emit({"run": run.id, "lines": found})
    return 0


@command(commands, "promote")
@click.argument("checkpoint")
@click.option("--project", required=True, help="The project that it pre-labels.")
def promote(call: Call, checkpoint: str, project: str) -> int:
    """Make CHECKPOINT (an id, or best) the one that pre-labels."""
    from bridge.loop.predict import publish

    chosen = publish(call.open(), project, None if checkpoint == "best" else checkpoint, call.who)
    call.console.say("promoted", checkpoint=chosen.id, project=project)
    call.console.emit({"checkpoint": chosen.id, "project": project})
    return 0
