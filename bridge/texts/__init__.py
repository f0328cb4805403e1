"""All sentences a person reads, by language and key, and the one function that renders them.

texts/<language>/<catalogue>.toml; a key names a rule or a place, its sentence has {fields}. A sentence in Japanese
stands beside every English one (a test compares the keys).
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

LANGUAGES = ("en", "ja")


@cache
def catalogue(language: str, name: str) -> dict[str, str]:
    """One catalogue as flat keys (tables joined by "."); unknown languages are read as English."""
    language = language if language in LANGUAGES else "en"
    path = Path(__file__).parent / language / f"{name}.toml"
    return dict(_flatten(tomllib.loads(path.read_text("utf-8"))))


def _flatten(table: dict[str, Any], prefix: str = "") -> list[tuple[str, str]]:
    pairs: list[tuple[str, str]] = []
    for key, value in table.items():
        if isinstance(value, dict):
            pairs += _flatten(value, f"{prefix}{key}.")
        else:
            pairs.append((prefix + key, value))
    return pairs


class _Fields(dict[str, Any]):
    def __missing__(self, key: str) -> str:
        return "{" + key + "}"  # A forgotten field shows its name instead of hiding the sentence.


def render(name: str, key: str, fields: Mapping[str, Any] | None = None, language: str = "en") -> str:
    """The sentence of a key in a catalogue, with its fields filled in; an unknown key gives key and fields.

    A field "case" chooses between sentences of one rule: lost with case "labels" is found under lost_labels. A rule
    of a plugin brings its sentence along, in a field "text": a string, or one for each language. A run may have failed
    by an error of ours, so that a key missing among the failures is looked for among the errors.
    """
    keys = [f"{key}_{fields['case']}", key] if fields and "case" in fields else [key]
    places = [(name, lang) for lang in (language, "en")] + [("errors", language)] * (name == "failures")
    found = (catalogue(lang, place).get(k) for k in keys for place, lang in places)
    text = next((sentence for sentence in found if sentence is not None), None)
    if text is None:
        return _brought(fields or {}, language) or key + "".join(f" {k}={v}" for k, v in (fields or {}).items())
    return text.format_map(_Fields(fields or {}))


def _brought(fields: Mapping[str, Any], language: str) -> str | None:
    own = fields.get("text")
    if isinstance(own, Mapping):
        own = own.get(language) or own.get("en")
    return own if isinstance(own, str) else None


def language_of(setting: str = "", environ: Mapping[str, str] | None = None) -> str:
    """The language of a terminal: the setting, else LC_ALL / LC_MESSAGES / LANG, else English."""
    environ = os.environ if environ is None else environ
    wanted = setting or next((environ[k] for k in ("LC_ALL", "LC_MESSAGES", "LANG") if environ.get(k)), "en")
    return wanted[:2] if wanted[:2] in LANGUAGES else "en"
