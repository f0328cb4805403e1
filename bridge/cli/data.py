"""From labels to something trainable: cut, anchors."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from bridge.cli import files
from bridge.cli.command import Call, command, project_or_path
from bridge.cli.console import finding_json
from bridge.cli.side import CutWish
from bridge.cli.values import SEED, Fraction, Whole, Word, network_size

if TYPE_CHECKING:
    from bridge.loop.fitting import FitWish
    from bridge.model.anchors import Anchors, Fit, Head

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
@click.option("--size", "network", callback=network_size, metavar="SIZE")
@click.option("-n", "count", type=Whole(1, 100), metavar="N")
@click.option("--cfg", type=click.Path(path_type=Path), metavar="FILE")
@click.option("--long", is_flag=True)
@click.option("--seed", type=SEED, metavar="N", default=0, show_default=True)
@click.option("--images", type=click.Path(path_type=Path), metavar="FOLDER")
def anchors_(call: Call, project: str, images: Path | None, **given: Any) -> int:
    """Fit anchors to the training boxes of PROJECT (or of a bare file or folder)."""
    from bridge.loop import fitting

    wish = _fit_wish(call, **given)
    with call.console.progress("fitting", project=project):
        if call.is_path(project):
            from bridge.plugin import ReadOptions

            read = ReadOptions(images, "auto", None, call.settings.max_file_megabytes, call.settings.max_megapixels)
            fit = fitting.fit_path(call.plugins(), Path(project), read, wish)
        else:
            from bridge.loop import anchors

            with project_or_path(project):
                fit = anchors.fit(call.open(), project, wish)
    _say_fit(call, fit)
    call.console.emit(_fit_json(fit))
    return 0


def _fit_wish(
    call: Call, network: tuple[int, int] | None, count: int | None, cfg: Path | None, long: bool, seed: int
) -> FitWish:
    from bridge.loop.fitting import FitWish, given_by

    return FitWish(network, count, seed, given_by(call.plugins(), cfg) if cfg else None, long)


def _say_fit(call: Call, fit: Fit) -> None:
    """The line for a cfg, the ways beside each other, the heads, and what to know of it."""
    found, console = fit.anchors, call.console
    console.line("anchors = " + ", ".join(f"{w:.2f},{h:.2f}" for w, h in found.pairs))
    size = f"{found.width}x{found.height}"
    fields = {"iou": _percent(found.average_iou), "darknet": _percent(found.darknet_average_iou)}
    console.say("anchors", boxes=found.boxes, size=size, **fields)
    below = _percent(fit.overlap.below_half)
    rows = [(console.text("anchors-long" if fit.searched else "anchors-fitted"), _percent(found.average_iou), below)]
    rows.append((console.text("anchors-darknet"), _percent(found.darknet_average_iou), ""))
    if fit.given and fit.own:
        rows.append((fit.given.name, _percent(fit.own.average_iou), _percent(fit.own.below_half)))
    console.table(("anchors", "average-iou", "below-half"), rows)
    known = all(head.cell for head in fit.heads)
    columns = ("cell", "mask", "anchors") if known else ("mask", "anchors")
    console.table(columns, [_head_row(head, found)[-len(columns) :] for head in fit.heads])
    console.findings(fit.findings)


def _head_row(head: Head, found: Anchors) -> tuple[int, str, str]:
    """A head of the network: how wide its cells are, and its anchors by number and by size."""
    sizes = "  ".join(f"{found.pairs[i][0]:.0f}x{found.pairs[i][1]:.0f}" for i in head.mask)
    return head.cell, ",".join(map(str, head.mask)), sizes


def _percent(fraction: float) -> str:
    return f"{100 * fraction:.2f}"


def _fit_json(fit: Fit) -> dict[str, Any]:
    """What --json prints; of given anchors also where they come from and how well they fit."""
    fields = asdict(fit.anchors)
    given = None
    if fit.given and fit.own:
        given = {"name": fit.given.name, "anchors": fit.given.pairs, "width": fit.given.width}
        given |= {"height": fit.given.height, **asdict(fit.own)}
    advice = [f.rule for f in fit.findings if f.rule in ("anchors-keep", "anchors-either", "anchors-refit")]
    return {
        "anchors": fields.pop("pairs"),
        **fields,
        "below_half": fit.overlap.below_half,
        "best_known_iou": fit.best_known_iou,
        "masks": [head.mask for head in fit.heads],
        "cells": [head.cell or None for head in fit.heads],
        "given": given,
        "advice": advice[0].removeprefix("anchors-") if advice else None,
        "findings": [finding_json(f) for f in fit.findings],
    }
