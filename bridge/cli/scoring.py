"""Numbers on files and runs: report, evaluate, explain."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click
import msgspec

from bridge.cli.command import Call, command
from bridge.cli.console import finding_json
from bridge.cli.values import Fraction, Word
from bridge.errors import UsageError

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
@click.option("--protocol", metavar="darknet|coco", default="darknet", show_default=True)
@click.option("--iou", type=Fraction(), metavar="FRACTION", default=0.5, show_default=True)
@click.option("--points", type=click.Choice(["0", "11", "101"]), default="0", show_default=True)
def evaluate_(call: Call, truth: Path, detections: Path, protocol: str, iou: float, points: str) -> int:
    """Average precision of DETECTIONS against TRUTH, by darknet's rule or COCO's."""
    from bridge.loop.files import score_files
    from bridge.plugin import ScoreOptions

    known = call.plugins().names("evaluator")
    if protocol not in known:
        raise UsageError("protocol-missing-here", protocol=protocol, known=", ".join(known))
    scores, found = score_files(call.settings, truth, detections, protocol, ScoreOptions(iou, int(points)))
    call.console.findings(found)
    rows = [(c.id, c.name, f"{100 * c.ap:.2f}", c.truths, c.detections) for c in scores.classes]
    call.console.table(("class", "name", "ap", "truths", "detections"), rows)
    for name, value in scores.stats.items():
        call.console.line(f"{name:10} {value:.4f}")
    if protocol == "darknet":
        call.console.say("map", iou=f"{iou:g}", map=f"{100 * scores.map:.2f}")
    classes = [msgspec.to_builtins(c) for c in scores.classes]
    body: dict[str, Any] = {"map": scores.map, "classes": classes} if protocol != "coco" else {}
    if protocol != "darknet":
        body["stats"] = scores.stats
    told = {"protocol": protocol, "options": scores.options, "findings": [finding_json(f) for f in found]}
    call.console.emit({**body, **told})
    return 0


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
