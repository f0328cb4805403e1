"""What the program itself declares, for tests that hold documents and deployments to it."""

from __future__ import annotations

import ast
import re
import shlex
from collections.abc import Iterator
from dataclasses import MISSING, fields
from pathlib import Path

import click

from bridge.cli.main import labelbridge
from bridge.settings import PREFIX, Settings

ROOT = Path(__file__).parents[1]

# Names, comment: fields that follow one comment in settings.py belong together.
Group = tuple[tuple[str, ...], str]


def settings() -> dict[str, str]:
    """Every variable with its default as text."""
    return {PREFIX + f.name.upper(): str(f.default) for f in fields(Settings) if f.default is not MISSING}


def setting_groups() -> list[Group]:
    """The variables and the comment above them, in order."""
    found: list[tuple[list[str], list[str]]] = []
    for line in (ROOT / "bridge/settings.py").read_text("utf-8").splitlines():
        if comment := re.match(r"    # (.*)", line):
            if not found or found[-1][0]:
                found.append(([], []))
            found[-1][1].append(comment[1])
        elif found and (field := re.match(r"    (\w+): \w+ = ", line)):
            found[-1][0].append(PREFIX + field[1].upper())
        elif line.startswith("    @"):
            break
    return [(tuple(names), " ".join(comment)) for names, comment in found]


def protocols() -> dict[str, dict[str, str]]:
    """The contract: class → signature → first line of its docstring, as plugin.py writes them."""
    tree = ast.parse((ROOT / "bridge/plugin.py").read_text("utf-8"))
    classes = [n for n in tree.body if isinstance(n, ast.ClassDef)]
    wanted = [c for c in classes if c.name == "Listeners" or any(ast.unparse(b) == "Protocol" for b in c.bases)]
    return {c.name: dict(_members(c)) for c in wanted}


def _members(found: ast.ClassDef) -> Iterator[tuple[str, str]]:
    for node in found.body:
        if isinstance(node, ast.AnnAssign):
            yield ast.unparse(node), ""
        elif isinstance(node, ast.FunctionDef):
            node.args.args = node.args.args[1:]
            returns = ast.unparse(node.returns) if node.returns else "None"
            said = ast.get_docstring(node) or ""
            yield f"{node.name}({ast.unparse(node.args)}) -> {returns}", said.splitlines()[0]


def wrong_with(line: str) -> str | None:
    """What is wrong with a command line `labelbridge …`; None when the program has it as it stands."""
    words = [w for w in shlex.split(line, comments=True) if w not in ("…",)]
    assert words.pop(0) == "labelbridge"
    found: click.Command = labelbridge
    context = click.Context(found, info_name="labelbridge")
    while isinstance(found, click.Group) and words and not words[0].startswith("-"):
        inner = found.get_command(context, words.pop(0))
        if inner is None:
            return f"no such command: {line}"
        found = inner
    known = {name for p in found.get_params(context) for name in (*p.opts, *p.secondary_opts)}
    strange = [w for w in words if w.startswith("-") and w.partition("=")[0] not in known]
    return f"{found.name} has no {', '.join(strange)}: {line}" if strange else None


def command_lines(text: str) -> list[str]:
    """The lines of a document's indented or fenced blocks that call labelbridge, and such calls between backticks."""
    code = "\n".join(line for line in _code(text) if not line.lstrip().startswith("#"))
    blocks = re.findall(r"(?:^|[\s/])(labelbridge [a-z][^'`\n]*)", code)
    return [*blocks, *re.findall(r"`(labelbridge [a-z][^`]*)`", text)]


def _code(text: str) -> Iterator[str]:
    """Indented lines, and those between fences."""
    fenced = False
    for line in text.splitlines():
        if line.startswith("```"):
            fenced = not fenced
        elif fenced or line.startswith("    "):
            yield line
