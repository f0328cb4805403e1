"""The language of a page: what was chosen, else what the browser asks for, else English."""

from __future__ import annotations

from flask import Response, current_app, request

from bridge.texts import LANGUAGES

COOKIE = "labelbridge-language"


def language() -> str:
    """One of LANGUAGES for this request: ?lang=, then the cookie, then Accept-Language."""
    wanted = request.args.get("lang") or request.cookies.get(COOKIE)
    if wanted in LANGUAGES:
        return wanted
    return request.accept_languages.best_match(LANGUAGES, "en") or "en"


def remember(answer: Response) -> Response:
    """Keep a choice made by ?lang= for a year."""
    wanted = request.args.get("lang")
    if wanted in LANGUAGES and request.cookies.get(COOKIE) != wanted:
        secure = bool(current_app.config["SESSION_COOKIE_SECURE"])
        answer.set_cookie(COOKIE, wanted, max_age=31_536_000, samesite="Lax", httponly=True, secure=secure)
    return answer
