"""Nodes and plugins."""

from __future__ import annotations

import time

from flask import Blueprint, render_template
from werkzeug.wrappers import Response

from bridge.loop.train import living_nodes
from bridge.model.job import JobState
from bridge.store import jobs, tokens
from bridge.store import nodes as kept
from bridge.web import auth
from bridge.web.current import workspace
from bridge.web.pages.ways import done, link


def add_to(pages: Blueprint) -> None:
    """Routes of machines."""
    pages.get("/nodes")(nodes)
    pages.post("/nodes/<node>/drain")(drain)
    pages.post("/nodes/<node>/undrain")(undrain)
    pages.get("/plugins")(plugins)


def nodes() -> str:
    """The machines that work for us, what they do now and what waits."""
    ws = workspace()
    with ws.db.read() as tx:
        found = kept.listing(tx)
        running = jobs.listing(tx, state=JobState.RUNNING)
        queued = jobs.listing(tx, state=JobState.QUEUED)
    alive = {node.name for node in living_nodes(ws)}
    server = ws.settings.url()
    return render_template(
        "nodes.html", nodes=found, alive=alive, running=running, queued=queued, now=time.time(), server=server
    )


def drain(node: str) -> Response:
    """Let a node take no new training."""
    return _drain(node, True)


def undrain(node: str) -> Response:
    """Let a node take training again."""
    return _drain(node, False)


def _drain(node: str, draining: bool) -> Response:
    what = "drain" if draining else "undrain"
    with workspace().db.write() as tx:
        kept.drain(tx, node, draining)
        tokens.record(tx, auth.who(), what, None, {"node": node})
    return done(link("nodes"), what, node=node)


def plugins() -> str:
    """Every plugin with version and, if it is broken, the reason."""
    found = sorted(workspace().registry.listing(), key=lambda plugin: (plugin.kind, plugin.name))
    kinds = list(dict.fromkeys(plugin.kind for plugin in found))
    return render_template("plugins.html", plugins=found, kinds=kinds, broken=sum(p.broken is not None for p in found))
