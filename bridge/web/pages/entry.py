"""Coming in and going out."""

from __future__ import annotations

from flask import Blueprint, redirect, render_template, request, session
from werkzeug.wrappers import Response

from bridge.web import auth
from bridge.web.current import workspace
from bridge.web.pages.ways import link


def add_to(pages: Blueprint) -> None:
    """Routes of the door."""
    pages.get("/login")(login)
    pages.post("/login")(log_in)
    pages.post("/logout")(log_out)


@auth.public
def login() -> Response | str:
    """Open the session of a login link, or ask for a token."""
    word = request.args.get("token", "")
    # A program that only looks where a link leads (HEAD) must not spend it.
    if not word or request.method == "HEAD":
        return redirect(link("home")) if "who" in session else render_template("login.html")
    auth.open_session(auth.enter(workspace(), word))
    return redirect(link("home"))


@auth.public
def log_in() -> Response:
    """Open a session with a pasted token."""
    auth.check_csrf()
    auth.open_session(auth.enter(workspace(), request.form.get("token", "").strip()))
    return redirect(link("home"), 303)


def log_out() -> Response:
    """Close the session."""
    session.clear()
    return redirect(link("login"), 303)
