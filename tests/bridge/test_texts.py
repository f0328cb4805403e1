"""Every sentence in both languages, with the same fields; every rule that the code names has one."""

from __future__ import annotations

import ast
import string
from pathlib import Path

import pytest

from bridge import texts

ROOT = Path(__file__).parents[2]
CATALOGUES = sorted(p.stem for p in (ROOT / "bridge/texts/en").glob("*.toml"))
CATALOGUE_OF = {"Finding": "findings"}
ERRORS = {
    "BridgeError",
    "InputError",
    "NotFoundError",
    "RefusedError",
    "ConflictError",
    "StaleLeaseError",
    "AccessError",
    "MissingPartError",
    "UnreachableError",
    "UsageError",
}


def fields(text: str) -> set[str]:
    return {name.split(".")[0].split("[")[0] for _, name, _, _ in string.Formatter().parse(text) if name}


@pytest.mark.parametrize("name", CATALOGUES)
def test_both_languages_say_the_same_things(name: str) -> None:
    english, japanese = texts.catalogue("en", name), texts.catalogue("ja", name)
    assert set(english) == set(japanese)
    differing = [key for key in english if not fields(japanese[key]) <= fields(english[key])]
    assert differing == []


def named_rules() -> set[tuple[str, str]]:
    found: set[tuple[str, str]] = set()
    for room in ("bridge", "plugins", "workers"):
        for path in (ROOT / room).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text("utf-8"))):
                if isinstance(node, ast.Call) and node.args and isinstance(node.args[0], ast.Constant):
                    name = getattr(node.func, "id", getattr(node.func, "attr", ""))
                    catalogue = "errors" if name in ERRORS else CATALOGUE_OF.get(name)
                    if catalogue and isinstance(node.args[0].value, str):
                        found.add((catalogue, node.args[0].value))
    return found


def known(catalogue: dict[str, str], rule: str) -> bool:
    """A rule has a sentence of its own, or one for each of its cases (lost_labels, lost_picture)."""
    return rule in catalogue or any(key.startswith(f"{rule}_") for key in catalogue)


def test_every_rule_has_its_sentence() -> None:
    missing = sorted(f"{c}.toml: {rule}" for c, rule in named_rules() if not known(texts.catalogue("en", c), rule))
    assert missing == []


def test_a_forgotten_field_shows_its_name() -> None:
    assert "{out}" in texts.render("cli", "exported", {"format": "coco"})


def test_a_plugin_s_rule_brings_its_sentence_along() -> None:
    both = {"text": {"en": "Box {1} is odd.", "ja": "枠 1 が変です。"}, "box": 1}
    assert texts.render("findings", "odd-box", both, "en") == "Box {1} is odd."
    assert texts.render("findings", "odd-box", both, "ja") == "枠 1 が変です。"
    assert texts.render("findings", "odd-box", {"text": "Box 1."}, "ja") == "Box 1."
    assert texts.render("findings", "odd-box", {"box": 1}) == "odd-box box=1"
