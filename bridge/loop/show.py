"""Our pictures in a tool that has a server: each once, under a link that is renewed before it ends."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from bridge.loop.links import picture_link, signature
from bridge.loop.tool import SERVERS, alone, connected, reach_server
from bridge.model.annotation import Image
from bridge.model.finding import Finding
from bridge.model.project import Project, Source
from bridge.plugin import Offer
from bridge.settings import Settings
from bridge.store import images, projects
from bridge.store.images import Item
from bridge.workspace import Workspace

# A task keeps its link for as long as it is not labelled, so links last long and are renewed well before they end.
LINK_SECONDS = 365 * 86_400
RENEW_SECONDS = 90 * 86_400
_SLICE = 500


@dataclass(frozen=True, slots=True)
class Shown:
    """How many pictures a tool shows that it did not show before, and which it cannot."""

    new: int
    findings: tuple[Finding, ...]


def export_tasks(ws: Workspace, project: str, name: str | None = None) -> list[Shown]:
    """Show our pictures in the project's tools that have a server, each once; may be done again."""
    found, tools = connected(ws, project, name)
    done = []
    for tool in tools:
        if name is not None or tool.kind in SERVERS:
            with alone(ws, tool) as source:
                done.append(show(ws, found, source))
    return done


def show(ws: Workspace, project: Project, source: Source) -> Shown:
    """Show the pictures that the tool does not have yet, and renew links that end soon; the source must be held."""
    server = reach_server(ws, source)
    base, until = _links(ws.settings, source)
    due = not source.options.get("upload") and until < time.time() + RENEW_SECONDS
    expires = int(time.time() + LINK_SECONDS)
    with ws.db.read() as tx:
        items = images.items(tx, source.id)
        known = images.known_images(tx, project.id)
    wanted = [image for image in known.values() if _wanted(items.get(image.id or 0), due)]
    notes: list[Finding] = []
    new = 0
    for part in _slices(wanted):
        offers = [_offer(ws.settings, source, image, expires) for image in part]
        found, said = server.offer(offers)
        notes += said
        fresh = [Item(i, item, None, None) for i, item in found.items() if i not in items]
        new += len(fresh)
        with ws.db.write() as tx:
            images.put_items(tx, source.id, [(item, {}) for item in fresh])
    if due:
        with ws.db.write() as tx:
            projects.set_options(tx, source.id, {**source.options, "links": [base, expires]})
    return Shown(new, tuple(notes))


def _wanted(item: Item | None, renew: bool) -> bool:
    """New to the tool; one that a person deleted there stays deleted."""
    return item is None or (renew and not item.gone)


def _links(settings: Settings, source: Source) -> tuple[str, float]:
    """What links begin with now, and until when those in the tool are good; 0 if they are of another address or key."""
    base = f"{settings.url()} {signature(settings, 0, 0)[:12]}"
    before = source.options.get("links")
    return base, float(before[1]) if before and before[0] == base else 0.0


def _offer(settings: Settings, source: Source, image: Image, expires: int) -> Offer:
    return Offer(image, None if source.options.get("upload") else picture_link(settings, image, expires))


def _slices(wanted: Sequence[Image]) -> Iterator[Sequence[Image]]:
    for start in range(0, len(wanted), _SLICE):
        yield wanted[start : start + _SLICE]
