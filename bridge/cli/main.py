"""The command `labelbridge`; each group of commands has a file of its own, loaded when it is called."""

from __future__ import annotations

import importlib
import os
import sys
from typing import Any

import click

# Command → the file that holds it; none is imported before it is called, so that each starts at once.
COMMANDS: dict[str, str] = {
    "up": "serve",
    "web": "serve",
    "worker": "serve",
    "migrate": "serve",
    "demo": "demo",
    "project": "project",
    "label": "project",
    "import": "labels",
    "export": "labels",
    "check": "labels",
    "undo": "labels",
    "cut": "data",
    "anchors": "data",
    "train": "training",
    "runs": "training",
    "run": "training",
    "promote": "training",
    "evaluate": "scoring",
    "report": "scoring",
    "explain": "scoring",
    "source": "tools",
    "sync": "tools",
    "predict": "tools",
    "push": "tools",
    "nodes": "admin",
    "node": "admin",
    "plugins": "admin",
    "token": "admin",
    "doctor": "admin",
}


class Commands(click.Group):
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


@click.command(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="labelbridge")
def labelbridge() -> None:
    """From labels in VoTT or Label Studio to a trained darknet detector, and back as pre-annotations."""


def main(argv: list[str] | None = None) -> None:
    """Run, and end with an exit code; never with a traceback unless LABELBRIDGE_LOG_LEVEL=debug."""
    try:
        labelbridge.main(args=argv, prog_name="labelbridge", standalone_mode=True)
    except BrokenPipeError:  # `labelbridge … | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise SystemExit(0) from None
    except Exception as error:
        if os.environ.get("LABELBRIDGE_LOG_LEVEL") == "debug":
            raise
        _apologise(error)
        raise SystemExit(1) from None


def _apologise(error: Exception) -> None:
    from bridge.cli.console import Console
    from bridge.errors import BridgeError
    from bridge.texts import language_of

    wants_json = "--json" in sys.argv
    fields: dict[str, Any] = {"kind": type(error).__name__, "reason": str(error)[:500]}
    known = error if isinstance(error, BridgeError) else BridgeError("unexpected-here", **fields)
    Console(wants_json, language_of()).error(known)


if __name__ == "__main__":
    main()
