"""What every command has: --json, --data, --lang, and errors as sentences with the right exit code."""

from __future__ import annotations

import functools
import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from bridge.cli.console import Console
from bridge.errors import BridgeError
from bridge.settings import Settings
from bridge.texts import language_of

if TYPE_CHECKING:
    from bridge.workspace import Workspace

OUTSIDE = "outside"


class Call:
    """One call of a command: its console, its settings, and the workspace when it is asked for."""

    def __init__(self, json: bool, data: Path | None, lang: str | None) -> None:
        self.settings = Settings.from_env(data=data, lang=lang)
        self.console = Console(json, language_of(self.settings.lang))
        self._workspace: Workspace | None = None

    def open(self, create: bool = False) -> Workspace:
        """The workspace of the data folder."""
        if self._workspace is None:
            from bridge.workspace import open_workspace

            self._workspace = open_workspace(self.settings, create)
        return self._workspace

    @property
    def who(self) -> str:
        """The name in the ledger of somebody at this terminal."""
        return os.environ.get("USER") or "local"

    def close(self) -> None:
        """Let go of what was opened."""
        if self._workspace is not None:
            self._workspace.close()


def command(group: click.Group, *args: Any, **attributes: Any) -> Callable[[Callable[..., int | None]], click.Command]:
    """Make a command of a function(call, …) that returns its exit code (None = 0)."""

    def decorate(function: Callable[..., int | None]) -> click.Command:
        @functools.wraps(function)
        def run(json: bool, data: Path | None, lang: str | None, **given: Any) -> None:
            call = Call(json, data, lang)
            try:
                code = function(call, **given)
            except BridgeError as error:
                call.console.error(error)
                code = error.exit_code
            finally:
                call.close()
            raise SystemExit(code or 0)

        for option in _OPTIONS:
            run = option(run)
        made: click.Command = group.command(*args, **attributes)(run)
        return made

    return decorate


_OPTIONS = (
    click.option("--lang", type=click.Choice(["en", "ja"]), default=None, help="Language (else from LANG)."),
    click.option(
        "--data",
        type=click.Path(path_type=Path),
        default=None,
        help="Data folder (else LABELBRIDGE_DATA, else ./labelbridge-data).",
    ),
    click.option("--json", is_flag=True, help="Print JSON, and JSON only, on stdout."),
)


def network_size(_context: click.Context, _parameter: click.Parameter, value: str | None) -> tuple[int, int] | None:
    """A network size such as 416x416."""
    if value is None:
        return None
    width, _, height = value.lower().partition("x")
    if not (width.isdigit() and (height or width).isdigit()):
        raise click.BadParameter("WIDTHxHEIGHT, such as 416x416")
    return int(width), int(height or width)


def is_path(text: str) -> bool:
    """Whether what stands in place of PROJECT is a path: it contains a slash or ends in a known suffix."""
    return "/" in text or "\\" in text or text.lower().endswith((".json", ".vott", ".data", ".xml", ".csv"))
