"""From labels to something trainable: cut, anchors."""

from __future__ import annotations

from pathlib import Path

import click

from bridge.cli.command import Call, command, is_path, network_size
from bridge.cli.console import finding_json
from bridge.plugin import ReadOptions

commands = click.Group()


@command(commands, "cut")
@click.argument("project")
@click.option(
    "--split", "fraction", type=click.FloatRange(0, 1), default=0.9, show_default=True, help="Share to train on."
)
@click.option("--seed", type=int, default=0, show_default=True)
@click.option(
    "--valid", type=click.Path(path_type=Path, exists=True), help="A list of the pictures to hold out, one a line."
)
@click.option("--keep-pictures", is_flag=True, help="Copy the pictures into the data folder.")
def cut_(call: Call, project: str, fraction: float, seed: int, valid: Path | None, keep_pictures: bool) -> int:
    """Freeze the present labels of PROJECT as a dataset version, and print its hash."""
    from bridge.loop.cut import CutOptions, cut

    held_out = _names(valid) if valid else None
    with call.console.progress("cutting", project=project) as progress:
        done = cut(call.open(), project, CutOptions(fraction, seed, held_out, keep_pictures, call.who), progress)
    train, held = len(done.version.part("train")), len(done.version.part("valid"))
    call.console.findings(done.findings)
    call.console.say("cut" if done.new else "cut-same", version=done.version.id, train=train, valid=held)
    call.console.emit(
        {
            "version": done.version.id,
            "new": done.new,
            "labels": done.version.labels,
            "train": train,
            "valid": held,
            "findings": [finding_json(f) for f in done.findings],
        }
    )
    return 0


def _names(path: Path) -> frozenset[str]:
    from bridge.document import read_text

    return frozenset(line.strip() for line in read_text(path).splitlines() if line.strip())


@command(commands, "anchors")
@click.argument("project")
@click.option("--size", "network", callback=network_size, default="416x416", show_default=True, help="Network size.")
@click.option("-n", "count", type=click.IntRange(1, 100), default=9, show_default=True, help="How many.")
@click.option("--seed", type=int, default=0, show_default=True)
@click.option("--images", type=click.Path(path_type=Path), help="Folder of the pictures, if not where the file says.")
def anchors_(call: Call, project: str, network: tuple[int, int], count: int, seed: int, images: Path | None) -> int:
    """Fit anchors to the training boxes of PROJECT (or of a bare file or folder)."""
    from bridge.loop import anchors, fitting
    from bridge.registry import Registry

    known = Registry(call.settings.data / "plugins")
    if is_path(project):
        found = fitting.fit_path(known, Path(project), ReadOptions(images), network, count, seed)
    else:
        found = anchors.fit(call.open(), project, network, count, seed)
    if not call.console.json:
        call.console.line("anchors = " + ", ".join(f"{w:.2f},{h:.2f}" for w, h in found.pairs))
    call.console.say(
        "anchors",
        iou=f"{100 * found.average_iou:.2f}",
        darknet=f"{100 * found.darknet_average_iou:.2f}",
        boxes=found.boxes,
        size=f"{network[0]}x{network[1]}",
    )
    call.console.emit(fitting.as_json(known, found))
    return 0
