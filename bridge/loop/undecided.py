"""What a person must decide before it is read: one waiting delivery each, settled by whatever reads it after all."""

from __future__ import annotations

import hashlib
import unicodedata
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import msgspec
from sqlalchemy import Connection

from bridge.errors import NotFoundError, RefusedError
from bridge.model.delivery import OPEN, Delivery, DeliveryState, Order
from bridge.model.project import Project, Source
from bridge.plugin import ReadOptions
from bridge.store import deliveries, projects, tokens
from bridge.workspace import Workspace

IMPORT, PULL = "import", "pull"
# How a connected folder is read, among its options.
KEPT = ("images", "order", "leave_newer")


def keep_import(
    tx: Connection, project: str, path: Path, format_name: str, options: ReadOptions, refusal: RefusedError
) -> int:
    """Let a refused import wait with all that was said about it; gives the number of the delivery.

    Refused again, it is the same delivery with what is wrong now.
    """
    found = _found(tx, project)
    body = {
        "project": found.name if found else project,
        "path": str(path),
        "format": format_name,
        "options": _plain(options),
        "refusal": _told(refusal),
    }
    key = import_key(tx, project, path, format_name)
    return deliveries.wait(tx, IMPORT, found.id if found else None, key, _whole(body))


def keep_pull(tx: Connection, source: Source, refusal: RefusedError) -> int:
    """Let a connected tool that cannot be read yet wait; gives the number of the delivery.

    It is asked every few minutes: what a person has put aside comes back only when something else is wrong.
    """
    told = {
        "project": projects.find(tx, source.project).name,
        "source": source.id,
        "name": source.name,
        "path": source.place,
        "format": source.kind,
        "options": {name: source.options[name] for name in KEPT if source.options.get(name)},
        "refusal": _told(refusal),
    }
    body, key = _whole(told), pull_key(source)
    before = deliveries.keyed(tx, "in", key)
    if before is not None and "dismissed" in before.outcome and before.body == body:
        return before.id
    return deliveries.wait(tx, PULL, source.project, key, body)


@contextmanager
def kept(ws: Workspace, source: Source) -> Iterator[None]:
    """A pull that is refused in here waits; the refusal then names the delivery."""
    try:
        yield
    except RefusedError as refusal:
        with ws.db.write() as tx:
            number = keep_pull(tx, source, refusal)
        refusal.fields["delivery"] = number
        raise


def settle_pull(ws: Workspace, source: Source, outcome: Mapping[str, Any], who: str | None) -> None:
    """A connected tool was read: in the order that its options keep, if a person chose one."""
    told = {**outcome, "order": source.options.get("order", outcome.get("order"))}
    with ws.db.write() as tx:
        settle(tx, pull_key(source), told, who or source.name)


def settle(tx: Connection, key: str, outcome: Mapping[str, Any], who: str) -> None:
    """What waited under this key was read after all: say how, and who decided it."""
    waiting = deliveries.keyed(tx, "in", key)
    if waiting is None or waiting.state is not DeliveryState.WAITING:
        return
    deliveries.settle(tx, waiting.id, DeliveryState.DONE, {**outcome, "who": who})
    told = {"delivery": waiting.id, "rule": waiting.body["refusal"]["rule"], "order": outcome.get("order")}
    tokens.record(tx, who, "resume", outcome.get("project"), told)


def listing(tx: Connection, project: str | None = None, settled: bool = False) -> list[Delivery]:
    """What waits or was given up (with settled, everything) of a project, also of one that is not made yet."""
    states = (None,) if settled else OPEN
    found = [delivery for state in states for delivery in deliveries.listing(tx, state=state)]
    if project is None:
        return found
    known = _found(tx, project)
    names = {project, known.id, known.name} if known else {project}
    return [delivery for delivery in found if delivery.concerns(names)]


def import_key(tx: Connection, project: str, path: Path, format_name: str) -> str:
    """One for each project (whether it is named or told by its id), path and format."""
    found = _found(tx, project)
    name = found.name if found else unicodedata.normalize("NFC", project.strip())
    told = "\n".join((name, str(path), format_name)).encode("utf-8", "surrogatepass")
    return f"{IMPORT}:{hashlib.sha256(told).hexdigest()[:32]}"


def pull_key(source: Source) -> str:
    """One for each connected tool."""
    return f"{PULL}:{source.id}"


def read_options(body: Mapping[str, Any]) -> ReadOptions:
    """How a waiting import was to be read."""
    return msgspec.convert(body.get("options", {}), ReadOptions, dec_hook=lambda kind, value: kind(value))


def chosen(options: ReadOptions, order: Order | None, leave_newer: bool = False) -> ReadOptions:
    """The options with what a person has chosen since, if he has."""
    if order is None and not leave_newer:
        return options
    return replace(options, order=order or options.order, leave_newer=leave_newer)


def _found(tx: Connection, project: str) -> Project | None:
    try:
        return projects.find(tx, project)
    except NotFoundError:
        return None


def _plain(options: ReadOptions) -> dict[str, Any]:
    """The options as JSON; paths are whole, for the server that goes on with this runs elsewhere than the terminal."""
    found: dict[str, Any] = msgspec.to_builtins(options, enc_hook=lambda value: str(value.absolute()))
    return {f.name: found[f.name] for f in fields(options) if f.repr}  # What is not shown is a secret.


def _told(refusal: RefusedError) -> dict[str, Any]:
    return {"rule": refusal.rule, "fields": msgspec.to_builtins(refusal.fields, enc_hook=str)}


def _whole(value: Any) -> Any:
    """Plain values without halves of characters, which some file names have and no JSON can hold."""
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode()
    if isinstance(value, dict):
        return {_whole(key): _whole(inner) for key, inner in value.items()}
    return [_whole(inner) for inner in value] if isinstance(value, list) else value
