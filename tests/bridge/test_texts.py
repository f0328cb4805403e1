"""Every sentence in both languages, with the same fields; every rule that the code names has one."""

from __future__ import annotations

import ast
import re
import string
from collections.abc import Iterator
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


# ---------------------------------------------------------------- the command line

# How a command asks for a sentence, and for the heads of a table.
SAYING, HEADING = {"say", "text", "progress"}, {"table", "facts"}


def asked(node: ast.expr, names: dict[str, ast.expr]) -> Iterator[str]:
    """The keys that an expression may be, as patterns; names are what its file assigns."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield re.escape(node.value)
    elif isinstance(node, ast.IfExp):
        yield from asked(node.body, names)
        yield from asked(node.orelse, names)
    elif isinstance(node, ast.JoinedStr):
        parts = [re.escape(str(v.value)) if isinstance(v, ast.Constant) else ".+" for v in node.values]
        yield "".join(parts)
    elif isinstance(node, ast.Tuple | ast.List):
        for inner in node.elts:
            yield from asked(inner.elts[0] if isinstance(inner, ast.Tuple) else inner, names)
    elif isinstance(node, ast.ListComp):
        for comprehension in node.generators:
            yield from asked(comprehension.iter, names)
    elif isinstance(node, ast.Name) and node.id in names:
        yield from asked(names.pop(node.id), names)


def asked_in(path: Path) -> Iterator[str]:
    tree = ast.parse(path.read_text("utf-8"))
    assigned = [n for n in ast.walk(tree) if isinstance(n, ast.Assign) and isinstance(n.targets[0], ast.Name)]
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.args:
            if not ast.unparse(node.func.value).endswith(("console", "self")):
                continue
            names = {n.targets[0].id: n.value for n in assigned if isinstance(n.targets[0], ast.Name)}
            if node.func.attr in SAYING:
                yield from asked(node.args[0], names)
            elif node.func.attr in HEADING:
                yield from (f"column\\.{key}" for key in asked(node.args[0], names))
                yield from (key for more in node.args[2:] for key in asked(more, names))


CLI = sorted((ROOT / "bridge/cli").glob("*.py"))


@pytest.mark.parametrize("path", CLI, ids=lambda p: p.stem)
def test_the_command_line_has_every_sentence_it_asks_for(path: Path) -> None:
    known = texts.catalogue("en", "cli")
    wrong = [key for key in asked_in(path) if not any(re.fullmatch(key, k) for k in known)]
    assert wrong == []


def test_the_command_line_has_no_sentence_too_many() -> None:
    used = [key for path in CLI for key in asked_in(path)]
    code = "".join(p.read_text("utf-8") for p in (ROOT / "bridge").rglob("*.py"))
    left = [
        k for k in texts.catalogue("en", "cli") if not any(re.fullmatch(u, k) for u in used) and f'"{k}"' not in code
    ]
    assert left == []
