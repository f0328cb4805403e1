"""From labels to something trainable: cut, anchors."""

from __future__ import annotations

from pathlib import Path

import click

from bridge.cli import files
from bridge.cli.command import Call, command, project_or_path
from bridge.cli.console import finding_json
from bridge.cli.side import CutWish
from bridge.cli.values import SEED, Fraction, Whole, Word, network_size

commands = click.Group()


@command(commands, "cut", remote=True)
@click.argument("project", type=Word())
@click.option("--split", "fraction", type=Fraction(least_open=True), default=0.9, show_default=True)
@click.option("--seed", type=SEED, metavar="N", default=0, show_default=True)
@click.option("--valid", type=click.Path(path_type=Path), metavar="FILE")
@click.option("--keep-pictures", is_flag=True)
def cut_(call: Call, project: str, fraction: float, seed: int, valid: Path | None, keep_pictures: bool) -> int:
    """Freeze the present labels of PROJECT as a dataset version, and print its hash."""
    wish = CutWish(fraction, seed, files.names(valid) if valid else None, keep_pictures)
    with call.console.progress("cutting", project=project) as progress:
        done = call.side().cut(project, wish, progress)
    call.console.findings(done.findings)
    call.console.say("cut" if done.new else "cut-same", version=done.version, train=done.train, valid=done.valid)
    call.console.emit(
        {
            "version": done.version,
            "new": done.new,
            "labels": done.labels,
            "train": done.train,
            "valid": done.valid,
            "findings": [finding_json(f) for f in done.findings],
        }
    )
    return 0


@command(commands, "anchors")
@click.argument("project", type=Word())
@click.option("--size", "network", callback=network_size, metavar="SIZE", default="416x416", show_default=True)
@click.option("-n", "count", type=Whole(1, 100), metavar="N", default=9, show_default=True)
@click.option("--seed", type=SEED, metavar="N", default=0, show_default=True)
@click.option("--images", type=click.Path(path_type=Path), metavar="FOLDER")
def anchors_(call: Call, project: str, network: tuple[int, int], count: int, seed: int, images: Path | None) -> int:
    """Fit anchors to the training boxes of PROJECT (or of a bare file or folder)."""
    from bridge.loop import fitting

    if call.is_path(project):
        from bridge.plugin import ReadOptions

        read = ReadOptions(images, "auto", None, call.settings.max_file_megabytes, call.settings.max_megapixels)
        found = fitting.fit_path(call.plugins(), Path(project), read, network, count, seed)
    else:
        from bridge.loop import anchors

        with project_or_path(project):
            found = anchors.fit(call.open(), project, network, count, seed)
    call.console.line("anchors = " + ", ".join(f"{w:.2f},{h:.2f}" for w, h in found.pairs))
    call.console.say(
        "anchors",
        iou=f"{100 * found.average_iou:.2f}",
        darknet=f"{100 * found.darknet_average_iou:.2f}",
        boxes=found.boxes,
        size=f"{network[0]}x{network[1]}",
    )
    call.console.emit(fitting.as_json(call.plugins(), found))
    return 0
