"""Connecting a project to a labeling tool."""

from __future__ import annotations

import ipaddress
import re
import secrets
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from sqlalchemy import Connection

from bridge.errors import ConflictError, InputError, NotFoundError
from bridge.loop import reconcile
from bridge.loop.forerunner import forerunner, hand_over
from bridge.loop.show import export_tasks
from bridge.loop.tool import reach, reach_server
from bridge.model.finding import Severity
from bridge.model.project import Project, Source, SourceKind
from bridge.plugin import Ears
from bridge.settings import Settings
from bridge.store import credentials, findings, projects, tokens
from bridge.workspace import Workspace

__all__ = ["ConnectOptions", "connect", "connect_folder", "export_tasks"]

_PROJECT_PAGE = re.compile(r"^(?P<folder>.*?)/projects(?:/(?P<number>\d+))?(?:/.*)?$")


@dataclass(frozen=True, slots=True)
class ConnectOptions:
    """upload sends the picture files into the tool, where annotators cannot reach us; backend offers live predictions.

    The tool asks a backend at every page it shows, so that pushed predictions alone are the quicker way.
    """

    upload: bool = False
    backend: bool = False


def connect(
    ws: Workspace,
    project: str,
    url: str,
    token: str,
    ls_project_id: int | None = None,
    who: str = "local",
    name: str = "label-studio",
    options: ConnectOptions | None = None,
) -> Source:
    """Connect to a Label Studio project (None: made there, with our labels and pictures in it); may be done again.

    token is a legacy token or a personal access token. Raises AccessError when it is refused, InputError when we could
    not be reached from there or no box can be drawn in that project, MissingPartError when its rules block us.
    """
    options = options or ConnectOptions()
    place, told = _place(url)
    _check_ways(ws.settings, place)
    with ws.db.read() as tx:
        found = projects.find(tx, project)
        earlier = _earlier(tx, found, name)
    draft = _draft(found, name, place, earlier, ls_project_id or told, options)
    draft = _made_there(ws, found, draft, token)
    source, sealed = _keep(ws, draft, token, earlier, who)
    server = reach_server(ws, source, token)
    notes = server.declare(found.label_names(), _colors(found))
    notes += server.listen(_ears(ws.settings, found, sealed, options))
    with ws.db.write() as tx:
        findings.replace(tx, found.id, f"tool:{source.id}", notes, {})
        reconcile.plan_next(tx, source)
    if source.options.get("owns_config"):
        export_tasks(ws, found.id, name)
    return source


def connect_folder(
    ws: Workspace,
    project: str,
    kind: SourceKind,
    place: Path,
    who: str = "local",
    name: str | None = None,
    order: str | None = None,
) -> Source:
    """Connect to a tool whose project is a folder or file that we can read; raises InputError folder-not-connected.

    order is how a project that knows its pictures by number is read, from now on. Raises RefusedError where a person
    must choose one first: the connection is made then, and waits as a Delivery.
    """
    with ws.db.read() as tx:
        found = projects.find(tx, project)
        earlier = _earlier(tx, found, name or kind)
    draft = _folder_draft(found, kind, str(place.absolute()), name or kind, earlier, order)
    notes = reach(ws, draft).health()
    wrong = [f for f in notes if f.severity is Severity.ERROR]
    if wrong:
        reason = str(wrong[0].fields.get("reason", wrong[0].rule))
        raise InputError("folder-not-connected", place=draft.place, kind=kind, reason=reason)
    before = forerunner(ws, draft) if earlier is None else None
    with ws.db.write() as tx:
        source = projects.put_source(tx, found.id, draft.name, kind, draft.place, draft.options)
        if before is not None:
            hand_over(tx, before, source)
        if earlier is not None and earlier.options.get("order") != draft.options.get("order"):
            projects.set_cursor(tx, source.id, "")  # Read once more: other pictures are meant now.
        tokens.record(tx, who, "source-add", found.id, {"source": source.name, "place": source.place})
        reconcile.plan_next(tx, source)
    if any(f.rule == "source-undecided" for f in notes):
        reconcile.pull(ws, found.id, source.name)
    return source


def _folder_draft(
    project: Project, kind: SourceKind, place: str, name: str, earlier: Source | None, order: str | None
) -> Source:
    """The source as wished; what was said of the same place before still holds."""
    known = dict(earlier.options) if earlier is not None and earlier.place == place else {}
    return Source(0, project.id, name, kind, place, known | ({"order": order} if order else {}))


# ---------------------------------------------------------------- where it is, and whether we can be reached


def _place(url: str) -> tuple[str, int | None]:
    """The server's address out of what was pasted, and the number of the project if it was a project's page."""
    parts = urlsplit(url.strip())
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise InputError("label-studio-address", url=url)
    page = _PROJECT_PAGE.match(parts.path.rstrip("/"))
    folder = page["folder"] if page else parts.path.rstrip("/")
    number = int(page["number"]) if page and page["number"] else None
    return f"{parts.scheme}://{parts.netloc}{folder}", number


def _check_ways(settings: Settings, place: str) -> None:
    """Refuse what cannot work before anything is made: an address of ours that the other side cannot use."""
    ours, theirs = urlsplit(settings.url()), urlsplit(place)
    host = ours.hostname or ""
    if "." not in host and ":" not in host and host != "localhost":
        raise InputError("public-url-undotted", url=settings.url(), host=host)
    if _loopback(host) and not _loopback(theirs.hostname or ""):
        raise InputError("public-url-local", url=settings.url(), place=place)
    if theirs.scheme == "https" and ours.scheme == "http" and not _loopback(host):
        raise InputError("public-url-plain", url=settings.url(), place=place)


def _loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


# ---------------------------------------------------------------- the source


def _earlier(tx: Connection, project: Project, name: str) -> Source | None:
    try:
        return projects.find_source(tx, project.id, name)
    except NotFoundError:
        return None


def _draft(
    project: Project, name: str, place: str, earlier: Source | None, number: int | None, options: ConnectOptions
) -> Source:
    """The source as wished; an earlier one of that name must be of the same place, since its item ids are."""
    known: dict[str, Any] = dict(earlier.options) if earlier else {}
    if earlier is not None:
        elsewhere = number is not None and known.get("ls_project") not in (None, number)
        if earlier.kind != "label-studio" or earlier.place != place or elsewhere:
            raise ConflictError("source-elsewhere", source=name, place=earlier.place)
    if number is not None:
        known["ls_project"] = number
    known["upload"] = options.upload
    return Source(0, project.id, name, "label-studio", place, known)


def _made_there(ws: Workspace, project: Project, draft: Source, token: str) -> Source:
    """The source with a project that is there: the one it names, else a new one."""
    server = reach_server(ws, draft, token)
    server.verify()
    if draft.options.get("ls_project") is not None:
        return draft
    if not project.label_names():
        raise InputError("labels-none", project=project.name)
    made = server.make(project.name, project.label_names(), _colors(project))
    return replace(draft, options={**draft.options, **made})


def _keep(ws: Workspace, draft: Source, token: str, earlier: Source | None, who: str) -> tuple[Source, dict[str, str]]:
    """Put the source into the store, with its credentials sealed; those of ours stay the same."""
    with ws.db.read() as tx:
        sealed = credentials.unseal(ws.settings, projects.sealed(tx, earlier.id)) if earlier else {}
    fresh = {"webhook": secrets.token_urlsafe(24), "backend": secrets.token_urlsafe(24)}
    words = {**fresh, **sealed, "token": token}
    options = {
        **draft.options,
        "webhook": _webhook(ws.settings, draft.project),
        "pictures": str(ws.settings.data.absolute() / "fetched" / f"{draft.project}-{_plain(draft.name)}"),
    }
    with ws.db.write() as tx:
        closed = credentials.seal(ws.settings, words)
        source = projects.put_source(tx, draft.project, draft.name, draft.kind, draft.place, options, closed)
        fields = {"source": source.name, "place": source.place, "there": options["ls_project"]}
        tokens.record(tx, who, "source-add", draft.project, fields)
    return source, words


def _plain(name: str) -> str:
    return re.sub(r"[^A-Za-z0-9_-]+", "-", name)[:60] or "source"


def _webhook(settings: Settings, project: str) -> str:
    return f"{settings.url()}/webhooks/label-studio/{project}"


def _ears(settings: Settings, project: Project, words: dict[str, str], options: ConnectOptions) -> Ears:
    backend = f"{settings.url()}/ml/{project.id}" if options.backend else None
    return Ears(_webhook(settings, project.id), words["webhook"], backend, words["backend"])


def _colors(project: Project) -> dict[str, str]:
    return {label.name: label.color for label in project.classes if label.color}
