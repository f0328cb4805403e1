"""What came of trainings: runs, run show|cancel|resume|log, promote."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from bridge import texts
from bridge.cli.command import Call, command
from bridge.cli.spoken import SpokenGroup
from bridge.cli.values import Whole, Word
from bridge.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from bridge.cli.side import Side
    from bridge.model.prediction import Counts, Fared
    from bridge.model.scores import Scores
    from bridge.model.training import Checkpoint, Failure, Run

    Scored = Iterable[tuple[Checkpoint, Scores | None]]

commands = click.Group()
run_ = SpokenGroup("run")
commands.add_command(run_)

VERDICTS = ("kept", "moved", "relabelled", "deleted", "added")
_COLUMNS = ("run", "project", "state", "iteration", "max_batches", "map", "node", "created")


@command(commands, "runs", remote=True)
@click.argument("project", type=Word(), required=False)
def runs_(call: Call, project: str | None) -> int:
    """All runs (of PROJECT), newest first."""
    side = call.side()
    listed = [_summary(run, side.checkpoints(run.id)) for run in side.runs(project)]
    if listed and not call.console.json:
        names = side.project_names()
        shown = [{**one, "project": names.get(one["project"]), "map": _percent(one["map"])} for one in listed]
        call.console.table(_COLUMNS, [[one[c] for c in _COLUMNS] for one in shown])
    else:
        call.console.table(_COLUMNS, [], "runs-none")
    call.console.emit({"runs": listed})
    return 0


def _summary(run: Run, found: Scored) -> dict[str, Any]:
    best = max((scores.map for _, scores in found if scores is not None), default=None)
    return {
        "run": run.id,
        "project": run.project,
        "state": run.state.value,
        "iteration": run.iteration,
        "max_batches": run.recipe.max_batches,
        "map": best,
        "created": run.created,
        "version": run.version,
        "node": run.node,
    }


def _percent(fraction: float | None) -> str | None:
    return None if fraction is None else f"{100 * fraction:.1f} %"


@command(run_, "show", remote=True)
@click.argument("wanted", type=Word(), metavar="RUN")
def show(call: Call, wanted: str) -> int:
    """What a run is doing, its checkpoints and their scores."""
    side = call.side()
    run = side.run(wanted)
    found = side.checkpoints(run.id)
    summary = _summary(run, found)
    _say_facts(call, side, run, summary)
    if run.failure is not None:
        _say_failure(call, run.failure)
    listed = [
        {"checkpoint": c.id, "iteration": c.iteration, "kind": c.kind, "map": scores.map if scores else None}
        for c, scores in found
    ]
    call.console.line("")
    rows = [(c.id, c.iteration, c.kind, _percent(scores.map if scores else None)) for c, scores in found]
    call.console.table(("checkpoint", "iteration", "kind", "map"), rows, "checkpoints-none")
    judged = [one for one in side.judged(run.project) if one.checkpoint in {c.id for c, _ in found}]
    _say_judged(call, judged, {c.id: c.iteration for c, _ in found})
    told = {"failure": _failure_json(run.failure), "checkpoints": listed, "judged": [asdict(one) for one in judged]}
    call.console.emit({**summary, **told})
    return 0


def _say_judged(call: Call, judged: list[Fared], iterations: dict[str, int]) -> None:
    """What people did with the run's boxes: all of a checkpoint's, then those of each class."""
    if not judged:
        return
    rows = []
    for one in judged:
        first = (iterations[one.checkpoint], call.console.text("judged-all"), one.pictures)
        rows.append((*first, *_verdicts(one.total)))
        rows += [(iterations[one.checkpoint], label, None, *_verdicts(n)) for label, n in one.labels.items()]
    call.console.line("")
    call.console.say("judged")
    call.console.table(("iteration", "label", "pictures", "kept-share", *VERDICTS), rows)


def _verdicts(counts: Counts) -> tuple[Any, ...]:
    return _percent(counts.kept_share), *(getattr(counts, name) for name in VERDICTS)


def _say_facts(call: Call, side: Side, run: Run, summary: dict[str, Any]) -> None:
    if call.console.json:
        return
    told = {
        **summary,
        "project": side.project_names().get(run.project),
        "iteration": f"{run.iteration} / {run.recipe.max_batches}",
        "map": _percent(summary["map"]),
    }
    names = ("run", "project", "state", "iteration", "map", "node", "created", "version")
    call.console.facts([(name, told[name]) for name in names])


def _say_failure(call: Call, failure: Failure) -> None:
    for key, style in ((failure.cause, "red"), (failure.action, None)):
        call.console.line(texts.render("failures", key, failure.fields, call.console.language), style)
    for line in failure.tail:
        call.console.raw("  " + line, "dim")


def _failure_json(failure: Failure | None) -> dict[str, Any] | None:
    """A failure in the words of `labelbridge explain`."""
    if failure is None:
        return None
    cause, action = (texts.render("failures", key, failure.fields) for key in (failure.cause, failure.action))
    return {"class": failure.kind, "cause": cause, "action": action, "tail": failure.tail}


@command(run_, "cancel", remote=True)
@click.argument("wanted", type=Word(), metavar="RUN")
def cancel_(call: Call, wanted: str) -> int:
    """Ask a run to stop; what it saved stays."""
    run = call.side().cancel(wanted)
    call.console.say("run-cancelling", run=run.id)
    call.console.emit({"run": run.id, "state": run.state.value})
    return 0


@command(run_, "resume", remote=True)
@click.argument("wanted", type=Word(), metavar="RUN")
def resume_(call: Call, wanted: str) -> int:
    """Go on with a run that failed or was cancelled, from its last good checkpoint."""
    run = call.side().resume(wanted)
    call.console.say("run-started", run=run.id)
    call.console.emit({"run": run.id, "state": run.state.value})
    return 0


@command(run_, "log", remote=True)
@click.argument("wanted", type=Word(), metavar="RUN")
@click.option("-n", "lines", type=Whole(1, 10_000), metavar="N", default=40, show_default=True)
def log(call: Call, wanted: str, lines: int) -> int:
    """The last lines of a run's raw output."""
    side = call.side()
    run = side.run(wanted)
    found = side.log(run.id, lines)
    for line in found:
        call.console.raw(line)
    if not found:
        call.console.say("log-none", run=run.id)
    call.console.emit({"run": run.id, "lines": found})
    return 0


@command(commands, "promote", remote=True)
@click.argument("checkpoint", type=Word())
@click.option("--project", type=Word(), metavar="PROJECT")
def promote(call: Call, checkpoint: str, project: str | None) -> int:
    """Make CHECKPOINT (an id, or best) the one that pre-labels."""
    if checkpoint == "best" and project is None:
        raise UsageError("promote-best-of")
    name, chosen = call.side().promote(None if checkpoint == "best" else checkpoint, project)
    call.console.say("promoted", checkpoint=chosen, project=project or name)
    call.console.emit({"checkpoint": chosen, "project": name})
    return 0
