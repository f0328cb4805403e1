"""The pages people see."""

from __future__ import annotations

from flask import Blueprint, redirect, render_template, request, session, url_for
from werkzeug.wrappers import Response

from bridge.web import auth
from bridge.web.current import workspace


def blueprint() -> Blueprint:
    """All pages."""
    found = Blueprint(auth.PAGES, __name__)
    found.get("/login")(login)
    found.post("/login")(log_in)
    found.post("/logout")(log_out)
    found.get("/")(home)
    return found


@auth.public
def login() -> Response | str:
    """Open the session of a login link, or ask for a token."""
    word = request.args.get("token", "")
    if not word:
        return render_template("login.html")
    auth.open_session(auth.enter(workspace(), word))
    return redirect(url_for("pages.home"))


@auth.public
def log_in() -> Response:
    """Open a session with a pasted token."""
    auth.check_csrf()
    auth.open_session(auth.enter(workspace(), request.form.get("token", "").strip()))
    return redirect(url_for("pages.home"))


def log_out() -> Response:
    """Close the session."""
    session.clear()
    return redirect(url_for("pages.login"))


def home() -> str:
    """What to do next."""
    return render_template("home.html")
