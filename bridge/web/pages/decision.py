"""One delivery: what came, why it waits, and both readings of it side by side, for a person to choose."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import cast, get_args

from flask import Blueprint, current_app, redirect, render_template, request, send_file
from werkzeug.wrappers import Response

from bridge import picture as pictures
from bridge.errors import BridgeError, InputError, NotFoundError, RefusedError
from bridge.loop import waiting
from bridge.loop.readings import Comparison, Comparisons, Meant
from bridge.model.annotation import Image
from bridge.model.delivery import BY_ORDER, OPEN, Delivery, Order
from bridge.store import deliveries as kept
from bridge.store import projects
from bridge.web import auth
from bridge.web.current import workspace
from bridge.web.pages.look import colours
from bridge.web.pages.overlay import Shape, shapes
from bridge.web.pages.ways import cursor, done, link
from bridge.web.previews import Previews
from bridge.web.said import say

# Positions on one page; each has a picture for every reading.
_PAGE = 12
_SIDE = 640


@dataclass(frozen=True, slots=True)
class Side:
    """One of the pictures that a position may mean, as it is drawn; shown tells whether it can be."""

    meant: Meant
    image: Image
    shapes: list[Shape]
    shown: bool


@dataclass(frozen=True, slots=True)
class Row:
    """One position in dispute."""

    number: int
    labels: tuple[str, ...]
    sides: list[Side]


def add_to(pages: Blueprint) -> None:
    """Routes of one delivery."""
    one = "/deliveries/<int:delivery>"
    pages.get(one, endpoint="delivery")(show)
    pages.get(f"{one}/pictures/<int:position>/<key>", endpoint="delivery_picture")(picture)
    pages.post(f"{one}/resume", endpoint="resume_delivery")(resume)
    pages.post(f"{one}/dismiss", endpoint="dismiss_delivery")(dismiss)


def show(delivery: int) -> str:
    """What came; where it waits, also what speaks for each way to read it."""
    with workspace().db.read() as tx:
        found = kept.find(tx, delivery)
        made = [p for p in projects.listing(tx) if found.concerns({p.id, p.name})]
    comparison, wrong = _compared(found)
    refusal = comparison.refusal if comparison else None
    positions = comparison.positions if comparison else ()
    first = min(cursor() or 0, max(len(positions) - 1, 0)) // _PAGE * _PAGE
    return render_template(
        "delivery.html",
        delivery=found,
        project=made[0] if made else None,
        is_open=found.state in OPEN,
        wrong=wrong,
        refusal=refusal,
        readable=comparison.order if comparison is not None and refusal is None else None,
        evidence=comparison.evidence if comparison else None,
        by_order=refusal is not None and refusal.rule in BY_ORDER,
        rows=_rows(comparison, first) if comparison else [],
        first=first,
        total=len(positions),
        before=first - _PAGE if first else None,
        after=first + _PAGE if first + _PAGE < len(positions) else None,
        orders=get_args(Order),
    )


def _compared(found: Delivery) -> tuple[Comparison | None, BridgeError | None]:
    """How it can be read now, or what keeps it from being read at all."""
    if found.state not in OPEN or "refusal" not in found.body:
        return None, None
    try:
        return _comparisons().of(workspace(), found), None
    except BridgeError as error:
        return None, error


def _comparisons() -> Comparisons:
    made: Comparisons = current_app.extensions.setdefault("comparisons", Comparisons())
    return made


def _rows(comparison: Comparison, first: int) -> list[Row]:
    paint = colours(comparison.labels)
    return [
        Row(p.number, p.labels, [_side(meant, paint) for meant in p.meant])
        for p in comparison.positions[first : first + _PAGE]
    ]


def _side(meant: Meant, paint: dict[str, str]) -> Side:
    return Side(meant, meant.image, shapes(meant.regions, paint), _path(meant.image) is not None)


def _path(image: Image) -> Path | None:
    """Where a picture lies that can be shown; VoTT also took files and folders for pictures that are none."""
    path = Path(image.file.path) if image.file is not None and image.width else None
    return path if path is not None and path.suffix.lower() in pictures.EXTENSIONS else None


def picture(delivery: int, position: int, key: str) -> Response:
    """The picture that a position means to a candidate: only what reading the project again names, never a path."""
    ws = workspace()
    with ws.db.read() as tx:
        found = kept.find(tx, delivery)
    comparison, wrong = _compared(found)
    if wrong is not None:
        raise wrong
    image = comparison.find(position, key) if comparison else None
    path = _path(image) if image is not None else None
    if path is None:
        raise NotFoundError("picture-missing", path=image.name if image else f"{position} ({key})")
    made = Previews(ws.settings.data / "cache" / "previews").get(path, _SIDE)
    answer = send_file(made, mimetype="image/jpeg", conditional=True, etag=True)
    answer.headers["Cache-Control"] = "private, no-cache"  # The same address means another picture once files change.
    return answer


def resume(delivery: int) -> Response:
    """Import what was refused in the order that a person chose, or (without one) as it was asked for before."""
    order = request.form.get("order") or None
    if order not in (None, *get_args(Order)):
        raise InputError("choice-wrong", found=order, known=", ".join(get_args(Order)))
    leave_newer = request.form.get("leave_newer") == "1"
    try:
        settled = waiting.resume(workspace(), delivery, cast("Order | None", order), auth.who(), leave_newer)
    except RefusedError:
        # The page tells what is wrong now; a refusal's fields may be too long for a cookie.
        say("pages", "decision.again", {}, good=False)
        return redirect(link("delivery", delivery=delivery), 303)
    return done(link("project", project=settled.outcome["project"]), "imported", n=settled.outcome["images"])


def dismiss(delivery: int) -> Response:
    """Put a delivery aside."""
    waiting.dismiss(workspace(), delivery, auth.who())
    return done(link("deliveries"), "dismissed")
