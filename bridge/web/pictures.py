"""Picture files to browsers."""

from __future__ import annotations

from flask import Blueprint


def blueprint() -> Blueprint:
    """Routes of pictures."""
    return Blueprint("pictures", __name__)
