"""Reaching a connected tool: its plugin with the credentials unsealed, and one hand on it at a time."""

from __future__ import annotations

import hmac
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import cast

from filelock import FileLock, Timeout

from bridge.errors import BridgeError, ConflictError, InputError, NotFoundError
from bridge.model.project import Project, Source
from bridge.plugin import SourceOpener, ToolFolder, ToolServer, ToolSource
from bridge.store import credentials, projects
from bridge.store.database import make_folder
from bridge.workspace import Workspace

# Kinds of tools that have a server of their own.
SERVERS = frozenset({"label-studio"})
# Kinds of tools whose project is files that they share with us.
FOLDERS = frozenset({"vott-v1", "vott-v2"})
# Another process may be in the middle of reading thousands of tasks.
_WAIT_SECONDS = 900.0


def connected(ws: Workspace, project: str, name: str | None = None) -> tuple[Project, list[Source]]:
    """The project and its connected tools (or the one of that name); raises NotFoundError source-missing."""
    with ws.db.read() as tx:
        found = projects.find(tx, project)
        if name is not None:
            return found, [projects.find_source(tx, found.id, name)]
        return found, [source for source in projects.sources(tx, found.id) if source.kind != "import"]


def secrets_of(ws: Workspace, source: Source) -> dict[str, str]:
    """The unsealed credentials of a source: token, webhook (secret header), backend (password)."""
    with ws.db.read() as tx:
        sealed = projects.sealed(tx, source.id)
    return credentials.unseal(ws.settings, sealed)


def holder_of(ws: Workspace, project: str, word: str, shown: str) -> Source | None:
    """The server tool of a project whose credential of this name (webhook, backend) was shown to us; None: nobody's."""
    with ws.db.read() as tx:
        tools = [s for s in projects.sources(tx, project) if s.kind in SERVERS]
        sealed = [projects.sealed(tx, tool.id) for tool in tools]
    for tool, closed in zip(tools, sealed, strict=True):
        ours = credentials.unseal(ws.settings, closed).get(word, "")
        if ours and hmac.compare_digest(ours.encode(), shown.encode("utf-8", "surrogatepass")):
            return tool
    return None


def reach(ws: Workspace, source: Source, token: str | None = None) -> ToolSource:
    """The tool of a source; token instead of the sealed one."""
    if source.kind == "import":
        raise InputError("source-no-tool", source=source.name)
    opener = cast(SourceOpener, ws.registry.find("source", source.kind))
    token = token if token is not None else secrets_of(ws, source).get("token")
    options = {**source.options, "fetch_hosts": _hosts(ws.settings.fetch_hosts)}
    return opener.open(replace(source, options=options), token)


def reach_server(ws: Workspace, source: Source, token: str | None = None) -> ToolServer:
    """The tool of a source that has a server; raises InputError source-no-server."""
    if source.kind not in SERVERS:
        raise InputError("source-no-server", source=source.name, kind=source.kind)
    return cast(ToolServer, reach(ws, source, token))


def reach_folder(ws: Workspace, source: Source) -> ToolFolder:
    """The tool of a source whose project is files; the source must be of such a kind."""
    return cast(ToolFolder, reach(ws, source))


def _hosts(listed: str) -> list[str]:
    return [host.strip() for host in listed.split(",") if host.strip()]


@contextmanager
def alone(ws: Workspace, source: Source, seconds: float = _WAIT_SECONDS) -> Iterator[Source]:
    """The source as it is now, while nobody else reads or writes its tool; raises ConflictError source-busy.

    Two readings at once could arrive in the wrong order, and the older one would look like a change.
    """
    folder = ws.settings.data / "locks"
    make_folder(folder)
    try:
        with FileLock(folder / f"source-{source.id}.lock", timeout=seconds):
            yield _again(ws, source)
    except Timeout:
        raise ConflictError("source-busy", source=source.name, seconds=round(seconds)) from None


def _again(ws: Workspace, source: Source) -> Source:
    with ws.db.read() as tx:
        for found in projects.sources(tx, source.project):
            if found.id == source.id:
                return found
    raise NotFoundError("source-missing", source=source.name, project=source.project, known="-")


def first_failure(failures: list[BridgeError]) -> None:
    """Raise what went wrong first, after everything else was tried."""
    if failures:
        raise failures[0]
