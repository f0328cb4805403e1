"""Numbers on files and runs: report, evaluate, explain."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import msgspec

from bridge.cli.command import Call, command
from bridge.cli.console import finding_json
from bridge.cli.values import Fraction, Word
from bridge.errors import UsageError

if TYPE_CHECKING:
    from bridge.model.scores import Scores

commands = click.Group()


@command(commands, "report", remote=True)
@click.argument("wanted", type=Word(), metavar="RUN")
@click.option("--out", type=click.Path(path_type=Path), metavar="FILE")
def report_(call: Call, wanted: str, out: Path | None) -> int:
    """The report of RUN: one HTML file that opens offline, or JSON."""
    from bridge.document import write_atomic

    side = call.side()
    with call.console.progress("reporting", run=wanted):
        found = side.report(wanted)
        target = out or (None if call.console.json else Path(f"report-{found['run']}.html"))
        if target is not None:
            write_atomic(target, side.report_page(found["run"], call.console.language))
    best = found["best"]
    if best is None:
        call.console.say("report-unscored", run=found["run"])
    else:
        told = {"map": f"{100 * (best['map'] or 0):.1f}", "iteration": best["iteration"], "id": best["id"]}
        call.console.say("report-best", **told)
    if target is not None:
        call.console.say("report-written", path=target)
    call.console.emit({**found, "out": str(target) if target else None})
    return 0


@command(commands, "evaluate")
@click.option("--truth", type=click.Path(path_type=Path), metavar="FILE", required=True)
@click.option("--detections", type=click.Path(path_type=Path), metavar="FILE", required=True)
@click.option("--protocol", metavar="darknet|coco")
@click.option("--iou", type=Fraction(), metavar="FRACTION", default=0.5, show_default=True)
@click.option("--points", type=click.Choice(["0", "11", "101"]), default="0", show_default=True)
@click.option("--threshold", type=Fraction(), metavar="FRACTION", default=0.25, show_default=True)
def evaluate_(
    call: Call, truth: Path, detections: Path, protocol: str | None, iou: float, points: str, threshold: float
) -> int:
    """Average precision of DETECTIONS against TRUTH, by darknet's rule and COCO's, or by one of them."""
    from bridge.loop.files import score_files
    from bridge.plugin import ScoreOptions

    known = call.plugins().names("evaluator")
    if protocol is not None and protocol not in known:
        raise UsageError("protocol-missing-here", protocol=protocol, known=", ".join(known))
    options = ScoreOptions(iou, int(points), threshold)
    wanted = (protocol,) if protocol else ("darknet", "coco")
    scores, found = score_files(call.settings, truth, detections, wanted, options)
    call.console.findings(found)
    _say_classes(call, scores)
    for one in scores:
        _say_scores(call, one)
    told = _scores_json(scores[0])
    if len(scores) > 1:
        told |= _beside(call, *scores)
    call.console.emit({**told, "findings": [finding_json(f) for f in found]})
    return 0


def _say_classes(call: Call, scores: Sequence[Scores]) -> None:
    """The classes in one table, with the AP of each protocol."""
    first, *others = scores
    aps = zip(*((_percent(c.ap) for c in one.classes) for one in scores), strict=True)
    rows = [(c.id, c.name, *ap, c.truths, c.detections) for c, ap in zip(first.classes, aps, strict=True)]
    columns = ("class", "name", "ap", *(f"ap-{one.protocol}" for one in others), "truths", "detections")
    call.console.table(columns, rows)


def _say_scores(call: Call, scores: Scores) -> None:
    if scores.protocol == "darknet":
        call.console.say("map", iou=f"{scores.options['iou']:g}", map=f"{100 * scores.map:.2f}")
        call.console.say("counted", **{**scores.stats, **_in_percent(scores.stats)})
        return
    for name, value in scores.stats.items():
        call.console.line(f"{name:10} {value:.4f}")


def _percent(fraction: float) -> str:
    return f"{100 * fraction:.2f}" if fraction >= 0 else "–"


def _in_percent(stats: Mapping[str, float]) -> dict[str, str]:
    return {name: f"{100 * stats[name]:.1f}" for name in ("precision", "recall", "F1", "average_iou")}


def _scores_json(scores: Scores) -> dict[str, Any]:
    """What a protocol gives: darknet its mean and classes, COCO its twelve stats, another one all it has."""
    classes = [msgspec.to_builtins(c) for c in scores.classes]
    mean = {"map": scores.map, "classes": classes} if scores.protocol != "coco" else {"classes": classes}
    stats = {"counts" if scores.protocol == "darknet" else "stats": scores.stats}
    return {**mean, **stats, "protocol": scores.protocol, "options": scores.options}


def _beside(call: Call, darknet: Scores, coco: Scores) -> dict[str, Any]:
    """COCO's numbers beside darknet's, and why they differ."""
    from bridge.model.difference import difference
    from bridge.reporting.difference import why_different

    why = why_different(darknet, coco, call.console.language)
    if why:
        call.console.line(why)
    steps = [msgspec.to_builtins(step) for step in difference(darknet, coco)]
    return {"coco": _scores_json(coco), "difference": {"message": why_different(darknet, coco), "steps": steps}}


@command(commands, "explain")
@click.argument("log", type=click.Path(path_type=Path))
def explain_(call: Call, log: Path) -> int:
    """What happened in a darknet run, from its saved output (text, or our transcript .jsonl)."""
    from bridge.loop.files import explain

    found = explain(call.settings, log, "en" if call.console.json else call.console.language)
    failure = found["failure"]
    if found["iterations"] or found["saved"]:
        call.console.say("explain-reached", iteration=found["last_iteration"], saved=len(found["saved"]))
    for value in found["map"][-1:]:
        call.console.say("explain-map", map=f"{100 * value:.2f}")
    if failure is None:
        call.console.say("explain-fine")
    else:
        call.console.line(f"{failure['class']}: {failure['cause']}", "red")
        call.console.line(failure["action"])
    call.console.emit(found)
    return 0
