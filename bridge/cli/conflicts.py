"""Pictures whose labels clash: conflicts, resolve."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from bridge.cli.command import Call, command
from bridge.cli.values import Whole, Word
from bridge.errors import UsageError

if TYPE_CHECKING:
    from bridge.cli.side import Clash

commands = click.Group()


@command(commands, "conflicts", remote=True)
@click.argument("project", type=Word())
def conflicts_(call: Call, project: str) -> int:
    """The pictures of PROJECT that have more than one set of labels, with the sets and what each changed."""
    found = call.side().conflicts(project)
    rows = [(one.image, h.number, h.source, h.author, h.at, h.boxes) for one in found for h in one.heads]
    call.console.table(("image", "number", "source", "author", "created", "boxes"), rows, "conflicts-none")
    if found:
        call.console.table(("image", "number", "change", "label", "box", "before"), list(_differences(call, found)))
        call.console.say("conflicts", n=len(found), project=project)
    call.console.emit({"conflicts": [asdict(one) for one in found]})
    return 0


def _differences(call: Call, found: Sequence[Clash]) -> Iterator[tuple[str, int, str, str, str, str]]:
    """What each set of labels changed, a line each."""
    for one in found:
        for head in one.heads:
            for change in head.changes:
                kind = call.console.text(f"change.{change.kind}")
                was = [", ".join(change.was_labels)] if change.was_labels and change.kind != "moved" else []
                was += [_place(change.was_box)] if change.was_box and change.kind != "relabelled" else []
                label = ", ".join(change.labels) or "-"
                yield one.image, head.number, kind, label, _place(change.box), " ".join(was)


def _place(box: Sequence[float] | None) -> str:
    """Where and how large: 10,20 30x40."""
    if box is None:
        return "-"
    left, top, right, bottom = box
    return f"{left:.0f},{top:.0f} {right - left:.0f}x{bottom - top:.0f}"


@command(commands, "resolve", remote=True)
@click.argument("project", type=Word())
@click.argument("image", type=Word())
@click.option("--keep", type=Whole(1, 2**63 - 1), metavar="NUMBER")
@click.option("--both", is_flag=True)
def resolve_(call: Call, project: str, image: str, keep: int | None, both: bool) -> int:
    """Let the set of labels with that number hold for IMAGE, or all sets together; they stay in its history."""
    side = call.side()
    if (keep is not None) == both:
        raise UsageError("resolve-how")
    new = side.resolve(project, image, keep)
    call.console.say("resolved" if keep is not None else "resolved-both", image=image, keep=keep)
    call.console.emit({"image": image, "kept": keep, "revision": new})
    return 0
