"""Errors as answers: one table of status codes, problem+json for programs, a page for people."""

from __future__ import annotations

import secrets
from typing import Any

import structlog
from flask import Flask, Response, make_response, redirect, render_template, request, session
from pydantic import ValidationError
from werkzeug.exceptions import HTTPException

from bridge import errors, texts
from bridge.errors import BridgeError
from bridge.web.language import language
from bridge.web.said import say

log = structlog.get_logger()

# The nearest class in an error's line of descent decides.
STATUS: dict[type[BridgeError], int] = {
    errors.InputError: 422,
    errors.NotFoundError: 404,
    errors.RefusedError: 409,
    errors.ConflictError: 409,
    errors.StaleLeaseError: 409,
    errors.AccessError: 403,
    errors.MissingPartError: 503,
    errors.UnreachableError: 503,
    errors.UsageError: 400,
    BridgeError: 400,
}
# Where a rule says more than its class.
STATUS_OF_RULE = {
    "cut-empty": 409,
    "token-needed": 401,
    "token-wrong": 401,
    "login-needed": 401,
    "login-spent": 401,
    "disk-full": 507,
}
# What Flask itself refuses.
RULE_OF_STATUS = {
    400: "request-broken",
    404: "page-missing",
    405: "method-wrong",
    406: "format-missing",
    413: "request-too-large",
    415: "media-type-wrong",
    416: "range-wrong",
    503: "too-many-streams",
}
# What a person can do something about right where he pressed the button.
_TELL_THERE = frozenset({404, 409, 422, 503, 507})
# Programs ask below these; people everywhere else.
_PROGRAMS = ("/api/", "/ml/", "/webhooks/", "/metrics", "/readyz", "/healthz")


def status_of(error: BridgeError) -> int:
    """The status code of an error."""
    if error.rule in STATUS_OF_RULE:
        return STATUS_OF_RULE[error.rule]
    return next(STATUS[kind] for kind in type(error).__mro__ if kind in STATUS)


def install(app: Flask) -> None:
    """Let every error of this app become an answer."""
    app.register_error_handler(BridgeError, _known)
    app.register_error_handler(HTTPException, _refused)
    app.register_error_handler(Exception, _unexpected)


def invalid(error: ValidationError) -> Response:
    """A request that does not fit its model; what was sent is not echoed (it may hold a secret)."""
    places = [
        {"where": ".".join(map(str, e["loc"])) or "body", "message": e["msg"]} for e in error.errors(include_url=False)
    ]
    listed = "; ".join(f"{p['where']}: {p['message']}" for p in places[:5])
    return problem(422, "request-invalid", {"listed": listed, "errors": places})


def problem(status: int, rule: str, fields: dict[str, Any]) -> Response:
    """An answer for a program (English) or a page for a person (in his language)."""
    if request.path.startswith(_PROGRAMS):
        return _json(status, rule, fields)
    if _form_of_a_page() and status in _TELL_THERE:
        say("errors", rule, fields, good=False)
        return redirect(str(request.referrer), 303)  # type: ignore[return-value]
    sentence = texts.render("errors", rule, fields, language())
    page = make_response(render_template("error.html", status=status, sentence=sentence, rule=rule), status)
    page.headers["Cache-Control"] = "no-store"
    return page


def _form_of_a_page() -> bool:
    """Whether this is a form sent from one of our pages by somebody who is in: he is told there."""
    inside = request.method == "POST" and "who" in session
    return inside and (request.referrer or "").startswith(request.host_url)


def _json(status: int, rule: str, fields: dict[str, Any]) -> Response:
    import msgspec

    body = {
        "type": f"urn:labelbridge:{rule}",
        "title": rule.replace("-", " "),
        "status": status,
        "detail": texts.render("errors", rule, fields),
        "rule": rule,
        "fields": fields,
    }
    encoded = msgspec.json.encode(body, enc_hook=str)
    answer = Response(encoded, status, content_type="application/problem+json")
    if status == 401:
        answer.headers["WWW-Authenticate"] = 'Bearer realm="labelbridge"'
    if status == 503:
        answer.headers["Retry-After"] = "5"
    return answer


def _known(error: BridgeError) -> Response:
    status = status_of(error)
    if status >= 500:
        log.warning(
            "request-failed", path=request.path, rule=error.rule, **{f"field_{k}": v for k, v in error.fields.items()}
        )
    return problem(status, error.rule, error.fields)


def _refused(error: HTTPException) -> Response:
    if error.response is not None:
        return error.response  # type: ignore[return-value]
    status = error.code or 500
    if status < 400:
        return error.get_response()  # type: ignore[return-value]
    answer = problem(status, RULE_OF_STATUS.get(status, "request-refused"), {"path": request.path, "status": status})
    for name, value in error.get_headers():
        if name.lower() not in ("content-type", "content-length"):
            answer.headers[name] = value
    return answer


def _unexpected(error: Exception) -> Response:
    number = secrets.token_hex(4)
    log.error("unexpected", number=number, method=request.method, path=request.path, exc_info=error)
    return problem(500, "unexpected", {"number": number})
