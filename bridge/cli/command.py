"""What every command has: --json, --data, --lang, and for some a server elsewhere."""

from __future__ import annotations

import functools
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from bridge.cli.console import Console
from bridge.cli.spoken import Spoken
from bridge.errors import AccessError, BridgeError, NotFoundError, UsageError
from bridge.settings import Settings
from bridge.texts import language_of

if TYPE_CHECKING:
    from bridge.cli.side import Side
    from bridge.registry import Registry
    from bridge.workspace import Workspace

_PATHS = (".json", ".vott", ".data", ".xml", ".csv")


class Call:
    """One call of a command: its console, its settings, and what it acts on once that is asked for.

    here tells that --data was given: an option is nearer than a variable of the surroundings that names a server.
    """

    def __init__(self, json: bool, lang: str | None, **options: Any) -> None:
        self.settings = Settings.from_env(lang=lang, **options)
        self.console = Console(json, language_of(self.settings.lang))
        self.here = options.get("data") is not None
        self.there = options.get("server") is not None
        self._closing: list[Callable[[], None]] = []
        self._workspace: Workspace | None = None

    def open(self, create: bool = False) -> Workspace:
        """The workspace of the data folder."""
        if self._workspace is None:
            from bridge.workspace import open_workspace

            log_to_stderr(self.settings.log_level)
            self._workspace = open_workspace(self.settings, create)
            self._closing.append(self._workspace.close)
        return self._workspace

    def side(self, create: bool = False) -> Side:
        """The server that is named, else the data folder; raises UsageError when both are."""
        if self.here and self.there:
            raise UsageError("server-and-data")
        if not self.settings.server or self.here:
            from bridge.cli.local import Local

            return Local(self.open(create), self.who)
        if not self.settings.token:
            raise AccessError("server-token-unset", url=self.settings.server)
        from bridge.cli.remote import Remote

        remote = Remote(self.settings.server, self.settings.token)
        self._closing.append(remote.close)
        return remote

    def is_path(self, text: str) -> bool:
        """Whether what stands in place of PROJECT is a path: it contains a slash or ends in a known suffix.

        Names of projects may have slashes too: where nothing lies at the path, such a project is meant.
        """
        looks = "/" in text or "\\" in text or text.lower().endswith(_PATHS)
        return looks and (Path(text).exists() or not self._is_project(text))

    def _is_project(self, name: str) -> bool:
        try:
            return name in self.side().project_names().values()
        except BridgeError:
            return False

    def plugins(self) -> Registry:
        """The plugins that bare files are read with."""
        from bridge.registry import Registry

        return Registry(self.settings.data / "plugins")

    @property
    def who(self) -> str:
        """The name in the ledger of somebody at this terminal."""
        return os.environ.get("USER") or os.environ.get("USERNAME") or "local"

    def close(self) -> None:
        """Let go of what was opened."""
        for close in self._closing:
            close()


def log_to_stderr(level: str) -> None:
    """Logs never mix with what is printed."""
    import sys

    import structlog

    structlog.configure(
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )


def command(
    group: click.Group, name: str, remote: bool = False, join: str = "--server"
) -> Callable[[Callable[..., int | None]], click.Command]:
    """Make a command of a function(call, …) that returns its exit code (None = 0).

    remote: it works on a server elsewhere too; the others refuse one that is given as an option. join is how the
    option is called.
    """

    def decorate(function: Callable[..., int | None]) -> click.Command:
        @functools.wraps(function)
        def run(
            json: bool, data: Path | None, lang: str | None, server: str | None, token: str | None, **given: Any
        ) -> int:
            if not remote and (server, token) != (None, None):
                raise UsageError("server-not-here", command=click.get_current_context().command_path)
            call = Call(json, lang, data=data, server=server, token=token)
            try:
                return function(call, **given) or 0
            finally:
                call.close()

        for option in (*_connecting(join, hidden=not remote), *_OPTIONS):
            run = option(run)
        made: click.Command = group.command(name, cls=Spoken)(run)
        return made

    return decorate


def _connecting(join: str, hidden: bool) -> tuple[Any, ...]:
    return (
        click.option("--token", metavar="TOKEN", hidden=hidden),
        click.option(join, "server", metavar="URL", hidden=hidden),
    )


_OPTIONS = (
    click.option("--lang", type=click.Choice(["en", "ja"]), is_eager=True),
    click.option("--data", type=click.Path(path_type=Path), metavar="FOLDER"),
    click.option("--json", is_flag=True),
)


@contextmanager
def project_or_path(project: str) -> Iterator[None]:
    """When there is no such project but a file or folder of that name, say how a path is written."""
    try:
        yield
    except NotFoundError as error:
        if error.rule in ("project-missing", "data-missing") and Path(project).exists():
            raise NotFoundError("project-or-path", project=project) from None
        raise
