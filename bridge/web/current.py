"""What the request at hand is about."""

from __future__ import annotations

from flask import current_app

from bridge.workspace import Workspace


def workspace() -> Workspace:
    """The workspace of the app that answers this request."""
    found: Workspace = current_app.extensions["workspace"]
    return found
