"""Sentences for the next page that this browser sees: what was done, or why it was not."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from flask import session

from bridge import texts

_LONGEST = 600


@dataclass(frozen=True, slots=True)
class Said:
    """One sentence; good tells whether it is good news."""

    sentence: str
    good: bool


def say(catalogue: str, key: str, fields: Mapping[str, Any], good: bool) -> None:
    """Keep a sentence; its fields go into the session cookie as short text."""
    short = {name: value if isinstance(value, int) else str(value)[:_LONGEST] for name, value in fields.items()}
    session["said"] = [{"catalogue": catalogue, "key": key, "fields": short, "good": good}]


def taken(language: str) -> list[Said]:
    """The sentences that were kept, once."""
    kept = session.pop("said", None) or []
    return [Said(texts.render(s["catalogue"], s["key"], s["fields"], language), bool(s["good"])) for s in kept]
