"""The whole loop on the sample project, told step by step."""

from __future__ import annotations

import sys
import time
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import click

from bridge.cli.command import Call, command
from bridge.cli.console import Console
from bridge.cli.demo_steps import Demo
from bridge.errors import InputError
from bridge.running import Running

commands = click.Group()


@command(commands, "demo")
@click.option("--out", type=click.Path(path_type=Path), default=Path("labelbridge-demo"), show_default=True)
@click.option("--once", is_flag=True, help="Stop everything at the end (also when there is no terminal).")
@click.option("--label-studio", is_flag=True, help="Give the annotator a real Label Studio as well.")
@click.option(
    "--deadline",
    type=click.IntRange(20),
    default=300,
    show_default=True,
    help="Seconds to train at most; then it goes on with the checkpoints there are.",
)
@click.option("--iterations", type=click.IntRange(20, 900), default=900, show_default=True)
def demo_(call: Call, out: Path, once: bool, label_studio: bool, deadline: int, iterations: int) -> int:
    """Label → check → train → score → report → boxes back at the annotator: the whole loop on a sample project."""
    if out.exists() and any(out.iterdir()) and not (out / ".labelbridge-demo").exists():
        raise InputError("demo-folder-used", path=str(out))
    out.mkdir(parents=True, exist_ok=True)
    (out / ".labelbridge-demo").touch()
    settings = replace(call.settings, data=out.absolute() / "data", port=call.settings.port)
    demo = Demo(call.console, settings, out.absolute(), deadline, iterations)
    documents = demo.draw()
    demo.write_vott(documents)
    with ExitStack() as stack:
        running = stack.enter_context(demo.started())
        demo.take_labels(running.ws)
        demo.check(running.ws)
        demo.cut(running.ws, documents)
        demo.train(running.ws)
        demo.report(running.ws)
        demo.predict(running.ws)
        if label_studio:
            demo.label_studio(running.ws, stack)
        demo.settle(running.ws)
        call.console.emit(demo.told)
        _end(call.console, running, once or not sys.stdout.isatty() or call.console.json)
    return 0


def _end(console: Console, running: Running, at_once: bool) -> None:
    from bridge.web.auth import login_link

    if at_once:
        console.say("demo-over")
        return
    console.say("demo-look", link=login_link(running.ws))
    try:
        while True:
            time.sleep(3600)
    except KeyboardInterrupt:
        console.say("demo-over")
