"""The plugins this server knows."""

from __future__ import annotations

from flask import Response
from flask_openapi.blueprint import APIBlueprint

from bridge.web.api import answer, area
from bridge.web.api.paging import slice_of
from bridge.web.api.schemas import Given, Page, Paged
from bridge.web.auth import require
from bridge.web.current import workspace


class PluginOut(Given):
    """One plugin; broken is the reason why it cannot be used, target where its code is."""

    kind: str
    name: str
    version: str
    origin: str
    target: str
    broken: str | None


def blueprint() -> APIBlueprint:
    """Routes of plugins."""
    api = area("plugins", "Formats, validators, engines, detectors, evaluators, anchor fitters and sources.")
    api.get("/plugins", responses={200: Page[PluginOut]})(list_plugins)
    return api


@require("admin", "read")
def list_plugins(query: Paged) -> Response:
    """Every plugin, broken ones with their reason."""
    found = sorted(workspace().registry.listing(), key=lambda plugin: (plugin.kind, plugin.name))
    return answer(slice_of(found, query, PluginOut.model_validate))
