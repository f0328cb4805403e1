"""How values look on a page: numbers, times, sizes, colours, names of rules."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

from flask import Response
from markupsafe import Markup

from bridge import texts
from bridge.model.annotation import Label
from bridge.reporting.drawing import class_colour
from bridge.reporting.page import stylesheet

STATIC = Path(__file__).parents[1] / "static"
_BINARY = ("B", "kB", "MB", "GB", "TB")


def speaker(language: str) -> Callable[..., str]:
    """The function that templates call for every word: t("home.title", name=…)."""

    def t(key: str, catalogue: str = "pages", **fields: Any) -> str:
        return texts.render(catalogue, key, fields, language)

    return t


def shown(language: str) -> dict[str, Any]:
    """What templates call to show a value."""
    return {
        "number": number,
        "percent": percent,
        "moment": moment,
        "since": lambda at: moment(datetime.fromtimestamp(at, UTC).isoformat()),
        "size": size,
        "duration": lambda hours: duration(hours, language),
        "named": lambda group, word: named(group, word, language),
        "rule_name": lambda rule: rule_name(rule, language),
        "style_version": version(),
        "script_version": script_version(),
    }


def number(value: float | None) -> str:
    """1234567 → 1,234,567; a dash for nothing."""
    return "–" if value is None or not math.isfinite(value) else f"{value:,.0f}"


def percent(fraction: float | None) -> str:
    """0.8734 → 87.3 %; a dash for nothing."""
    return "–" if fraction is None or not math.isfinite(fraction) else f"{100 * fraction:.1f} %"


def moment(at: str | None) -> Markup | str:
    """A time of the store (UTC); the browser shows it in local time."""
    if not at:
        return "–"
    return Markup('<time datetime="{}">{} UTC</time>').format(at, at[:16].replace("T", " "))


def size(number_of_bytes: int | None) -> str:
    """Bytes as a person reads them."""
    if number_of_bytes is None:
        return "–"
    value, step = float(number_of_bytes), 0
    while value >= 1000 and step < len(_BINARY) - 1:
        value, step = value / 1000, step + 1
    return f"{value:.0f} {_BINARY[step]}" if value >= 100 or step == 0 else f"{value:.1f} {_BINARY[step]}"


def duration(hours: float | None, language: str) -> str:
    """Hours as days, hours and minutes."""
    if hours is None or not math.isfinite(hours) or hours < 0:
        return "–"
    minutes = round(hours * 60)
    if minutes < 1:
        return texts.render("pages", "time.soon", None, language)
    days, hours_, minutes = minutes // 1440, minutes // 60 % 24, minutes % 60
    key = "time.days" if days else "time.hours" if hours_ else "time.minutes"
    return texts.render("pages", key, {"days": days, "hours": hours_, "minutes": minutes}, language)


def rule_name(rule: str, language: str) -> str:
    """A finding's rule in two or three words; the rule itself where there are none (somebody's own validator)."""
    key = f"rule.{rule}"
    return texts.render("report", key, None, language) if key in texts.catalogue("en", "report") else rule


def named(group: str, word: str, language: str) -> str:
    """A word of the store (a state, a kind, an act) as people say it; one that nobody has named stays as it is."""
    key = f"{group}.{word}"
    return texts.render("pages", key, None, language) if key in texts.catalogue("en", "pages") else word


def colours(labels: Sequence[Label]) -> dict[str, str]:
    """A colour for every label: its own, else one by its place, so that reports and pages agree."""
    return {label.name: label.color or class_colour(place) for place, label in enumerate(labels)}


def style() -> Response:
    """The style sheet of pages and reports; its address changes with its content, so browsers may keep it."""
    answer = Response(_sheet(), content_type="text/css; charset=utf-8")
    answer.headers["Cache-Control"] = "public, max-age=31536000, immutable"
    return answer


@cache
def _sheet() -> str:
    return stylesheet() + "\n" + (STATIC / "app.css").read_text("utf-8")


@cache
def version() -> str:
    """Names the present style sheet."""
    return hashlib.sha256(_sheet().encode()).hexdigest()[:12]


@cache
def script_version() -> str:
    """Names the present script."""
    return hashlib.sha256((STATIC / "app.js").read_bytes()).hexdigest()[:12]
