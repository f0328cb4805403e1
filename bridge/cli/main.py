"""The command `labelbridge`; each group of commands has a file of its own, loaded when it is called."""

from __future__ import annotations

import importlib
from collections.abc import Iterator, Sequence
from typing import NoReturn

import click

from bridge.cli.ending import run
from bridge.cli.spoken import SpokenGroup

# Heading → command → the file that holds it; none is imported before it is called, so that each starts at once.
SECTIONS: dict[str, dict[str, str]] = {
    "section-start": {"up": "serve", "demo": "demo"},
    "section-labels": {
        "import": "labels",
        "deliveries": "deliveries",
        "delivery": "deliveries",
        "check": "labels",
        "conflicts": "conflicts",
        "resolve": "conflicts",
        "undo": "labels",
        "accept": "accept",
        "label": "project",
        "export": "labels",
        "verify-export": "vott",
        "tidy": "vott",
        "project": "project",
    },
    "section-training": {
        "cut": "data",
        "anchors": "data",
        "train": "training",
        "runs": "runs",
        "run": "runs",
    },
    "section-numbers": {"report": "scoring", "evaluate": "scoring", "explain": "scoring"},
    "section-tools": {
        "source": "tools",
        "promote": "runs",
        "predict": "tools",
        "push": "tools",
        "sync": "tools",
    },
    "section-server": {
        "web": "serve",
        "worker": "serve",
        "migrate": "serve",
        "nodes": "admin",
        "node": "admin",
        "token": "admin",
        "plugins": "admin",
        "doctor": "admin",
    },
}
COMMANDS = {name: file for commands in SECTIONS.values() for name, file in commands.items()}


class Commands(SpokenGroup):
    """Finds a command in its file."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """All names, in the order of the loop."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command of that name."""
        if cmd_name not in COMMANDS:
            return None
        module = importlib.import_module(f"bridge.cli.{COMMANDS[cmd_name]}")
        found: click.Command | None = module.commands.commands.get(cmd_name)
        return found

    def sections(self, ctx: click.Context) -> Iterator[tuple[str, Sequence[str]]]:
        """The commands under their headings."""
        for heading, commands in SECTIONS.items():
            yield heading, list(commands)


@click.command(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="labelbridge")
def labelbridge() -> None:
    """From labels in VoTT or Label Studio to a trained darknet detector, and back as pre-annotations."""


def main(argv: Sequence[str] | None = None) -> NoReturn:
    """Run, and end with an exit code."""
    raise SystemExit(run(labelbridge, argv))


if __name__ == "__main__":
    main()
