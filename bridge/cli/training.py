"""Training: train, with a look at what it will take first."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import msgspec

from bridge.cli import files
from bridge.cli.command import Call, command
from bridge.cli.console import finding_json
from bridge.cli.side import Outline, TrainWish
from bridge.cli.values import SEED, Whole, Word, gpu_numbers, network_size
from bridge.errors import BridgeError
from bridge.model.finding import Severity
from bridge.model.job import ENDED, JobState

if TYPE_CHECKING:
    from bridge.cli.side import Side
    from bridge.model.training import Run

commands = click.Group()

_LOOK_SECONDS = 0.5
# The jobs by which a checkpoint gets its scores.
_SCORING = ("detect", "evaluate")


@command(commands, "train", remote=True)
@click.argument("project", type=Word())
@click.option("--cfg", type=click.Path(path_type=Path), metavar="FILE")
@click.option("--adapt", is_flag=True)
@click.option("--template", metavar="NAME", default="")
@click.option("--size", "network", callback=network_size, metavar="SIZE")
@click.option("--batch", type=Whole(1, 4096), metavar="N")
@click.option("--subdivisions", type=Whole(1, 4096), metavar="N")
@click.option("--max-batches", type=Whole(1, 10_000_000), metavar="N")
@click.option("--weights", metavar="FILE|best|last|none", default="none", show_default=True)
@click.option("--version", metavar="HASH")
@click.option("--node", type=Word(), metavar="NODE")
@click.option("--gpus", callback=gpu_numbers, metavar="0,1", default="")
@click.option("--seed", type=SEED, metavar="N", default=0, show_default=True)
@click.option("--dry-run", is_flag=True)
@click.option("--watch", is_flag=True)
def train_(call: Call, project: str, dry_run: bool, watch: bool, **given: Any) -> int:
    """Train on the newest dataset version of PROJECT."""
    wish = TrainWish(**given)
    if wish.cfg is not None:
        files.cfg_text(wish.cfg)  # Else it would be missed only once a dataset version has been cut.
    side = call.side()
    with call.console.progress("planning", project=project):
        outline = side.plan(project, wish)
    call.console.findings(outline.findings)
    _say_outline(call, outline)
    if dry_run:
        call.console.emit(_outline_json(outline))
        return 1 if any(f.severity is Severity.ERROR for f in outline.findings) else 0
    run = side.start(project, replace(wish, version=outline.version))
    call.console.say("run-started", run=run.id)
    if watch:
        run = _watch(call, side, run)
    call.console.emit({"run": run.id, "state": run.state.value, **_outline_json(outline)})
    return 1 if run.state in (JobState.FAILED, JobState.CANCELLED) else 0


def _say_outline(call: Call, made: Outline) -> None:
    recipe = made.recipe
    call.console.say(
        "plan",
        size=f"{recipe.width}x{recipe.height}",
        batch=recipe.batch,
        subdivisions=recipe.subdivisions,
        max_batches=recipe.max_batches,
        classes=len(recipe.classes),
        train=made.train,
        valid=made.valid,
        version=made.version[:12],
    )
    call.console.say("plan-disk", megabytes=-(-made.disk_bytes // 1_000_000), checkpoints=made.checkpoints)
    if made.hours is None:
        call.console.say("plan-hours-unknown")
    elif made.hours < 2:
        call.console.say("plan-minutes", minutes=max(round(60 * made.hours), 1))
    else:
        call.console.say("plan-hours", hours=f"{made.hours:.1f}")


def _outline_json(made: Outline) -> dict[str, Any]:
    recipe = msgspec.to_builtins(made.recipe)
    del recipe["clear"]  # How darknet is told where to begin; of no use to anybody else.
    return {
        "version": made.version,
        "recipe": recipe,
        "hours": made.hours,
        "disk_bytes": made.disk_bytes,
        "checkpoints": made.checkpoints,
        "findings": [finding_json(f) for f in made.findings],
    }


def _watch(call: Call, side: Side, run: Run) -> Run:
    """Stay until the run has ended and what it saved is scored."""
    try:
        with call.console.progress("training", run=run.id) as progress:
            while run.state not in ENDED:
                time.sleep(_LOOK_SECONDS)
                run = side.run(run.id)
                progress(run.iteration, run.recipe.max_batches)
        call.console.say(f"run-{run.state.value}", run=run.id)
        _watch_scoring(call, side, run)
    except KeyboardInterrupt:
        call.console.say("watch-left", run=run.id)
        raise
    return run


def _watch_scoring(call: Call, side: Side, run: Run) -> None:
    found = side.checkpoints(run.id)
    ids = {checkpoint.id for checkpoint, _ in found}
    with call.console.progress("scoring", run=run.id) as progress:
        while left := _waiting(side, run, ids):
            progress(len(ids) - len(left), len(ids))
            time.sleep(_LOOK_SECONDS)
    scored = [(c, scores) for c, scores in side.checkpoints(run.id) if scores is not None]
    _say_unscored(call, side, run, ids - {checkpoint.id for checkpoint, _ in scored})
    if scored:
        best, scores = max(scored, key=lambda pair: pair[1].map)
        call.console.say("report-best", map=f"{100 * scores.map:.1f}", iteration=best.iteration, id=best.id)


def _say_unscored(call: Call, side: Side, run: Run, left: set[str]) -> None:
    """A number that is missing has a reason."""
    if not left or call.console.json:
        return
    call.console.say("watch-unscored", n=len(left), run=run.id)
    broken = [job for kind in _SCORING for job in side.jobs(run.project, kind, (JobState.FAILED,))]
    told = [job.failure for job in broken if job.failure and job.payload.get("checkpoint") in left]
    for failure in {str(one): one for one in told}.values():
        call.console.error(BridgeError(str(failure["rule"]), **failure.get("fields", {})))


def _waiting(side: Side, run: Run, checkpoints: set[str]) -> set[str]:
    """The checkpoints that somebody is going to score, or does so now."""
    due = [job for kind in _SCORING for job in side.jobs(run.project, kind)]
    return checkpoints & {str(job.payload.get("checkpoint")) for job in due}
