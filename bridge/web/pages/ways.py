"""Ways between pages: where a form leads to, and what an address asks for."""

from __future__ import annotations

from typing import Any

from flask import redirect, request, url_for
from werkzeug.wrappers import Response

from bridge.web import auth
from bridge.web.said import say


def link(endpoint: str, **values: Any) -> str:
    """The address of a page."""
    return url_for(f"{auth.PAGES}.{endpoint}", **values)


def done(target: str, key: str, **fields: Any) -> Response:
    """Say on the page at target that something was done."""
    say("pages", f"done.{key}", fields, good=True)
    return redirect(target, 303)


def cursor() -> int | None:
    """Where a list goes on: ?after=…; nonsense is the beginning."""
    text = request.args.get("after", "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 16 else None


def choice(name: str) -> str:
    """One condition of a list, or nothing."""
    return request.args.get(name, "")[:400]
