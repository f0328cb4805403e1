"""Numbers on files and runs: evaluate, report, explain."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click
import msgspec

from bridge.cli.command import Call, command
from bridge.cli.console import finding_json
from bridge.plugin import ScoreOptions

commands = click.Group()


@command(commands, "evaluate")
@click.option("--truth", type=click.Path(path_type=Path), required=True, help="COCO file with the labels.")
@click.option("--detections", type=click.Path(path_type=Path), required=True, help="COCO results file.")
@click.option("--protocol", default="darknet", show_default=True, help="Whose rule: darknet, coco, or a plugin's.")
@click.option(
    "--iou", type=click.FloatRange(0, 1), default=0.5, show_default=True, help="Least overlap (darknet: above it)."
)
@click.option(
    "--points",
    type=click.Choice(["0", "11", "101"]),
    default="0",
    show_default=True,
    help="darknet: 0 = area under the curve.",
)
def evaluate_(call: Call, truth: Path, detections: Path, protocol: str, iou: float, points: str) -> int:
    """Average precision of DETECTIONS against TRUTH, by darknet's rule or COCO's."""
    from bridge.loop.files import score_files

    scores, found = score_files(call.settings, truth, detections, protocol, ScoreOptions(iou, int(points)))
    call.console.findings(found)
    rows = [(c.id, c.name, f"{100 * c.ap:.2f}", c.truths, c.detections) for c in scores.classes]
    call.console.table("", ["class", "name", "ap", "truths", "detections"], rows)
    for name, value in scores.stats.items():
        if not call.console.json:
            call.console.line(f"{name:10} {value:.4f}")
    if protocol == "darknet":
        call.console.say("map", iou=f"{iou:g}", map=f"{100 * scores.map:.2f}")
    classes = [msgspec.to_builtins(c) for c in scores.classes]
    body: dict[str, Any] = {"map": scores.map, "classes": classes} if protocol != "coco" else {}
    if protocol != "darknet":
        body["stats"] = scores.stats
    call.console.emit(
        {**body, "protocol": protocol, "options": scores.options, "findings": [finding_json(f) for f in found]}
    )
    return 0


@command(commands, "report")
@click.argument("run_id", metavar="RUN")
@click.option("--out", type=click.Path(path_type=Path), help="Write the report to this HTML file.")
def report_(call: Call, run_id: str, out: Path | None) -> int:
    """The report of RUN: one HTML file that opens offline, or JSON."""
    from bridge.document import write_atomic
    from bridge.loop.report import build
    from bridge.reporting.page import render_report
    from bridge.reporting.record import report_json

    report = build(call.open(), run_id)
    target = out or (Path(f"report-{report.run_id}.html") if not call.console.json else None)
    if target is not None:
        write_atomic(target, render_report(report, call.console.language))
        call.console.say("report-written", path=target)
    best = next((row for row in report.checkpoints if row.checkpoint_id == report.best), None)
    if best is not None:
        call.console.say(
            "report-best", map=f"{100 * best.scores.map:.1f}", iteration=best.iteration, id=best.checkpoint_id
        )
    call.console.emit({**report_json(report), "out": str(target) if target else None})
    return 0


@command(commands, "explain")
@click.argument("log", type=click.Path(path_type=Path))
def explain_(call: Call, log: Path) -> int:
    """What happened in a darknet run, from its saved output (text, or our transcript .jsonl)."""
    from bridge.loop.files import explain

    found = explain(call.settings, log, "en" if call.console.json else call.console.language)
    call.console.say("explain-reached", iteration=found["last_iteration"], saved=len(found["saved"]))
    for value in found["map"][-1:]:
        call.console.say("explain-map", map=f"{100 * value:.2f}")
    failure = found["failure"]
    if failure is None:
        call.console.say("explain-fine")
    elif not call.console.json:
        for key in ("cause", "action"):
            call.console.line(failure[key])
    call.console.emit(found)
    return 0
