"""The floors of the house: a room imports only from floors below it."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

# Top floor first; a file belongs to the longest matching prefix.
FLOORS: list[list[str]] = [
    ["bridge.cli"],
    ["bridge.running", "bridge.doctor"],
    ["bridge.embedded"],
    ["bridge.web", "bridge.background"],
    ["bridge.loop", "bridge.sample"],
    ["bridge.workspace"],
    ["workers", "bridge.reporting", "bridge.listeners"],
    ["bridge.store", "plugins", "bridge.registry", "bridge.queue", "bridge.label_studio"],
    ["bridge.twins"],
    [
        "bridge.plugin",
        "bridge.settings",
        "bridge.client",
        "bridge.process",
        "bridge.picture",
        "bridge.document",
        "bridge.collector",
        "bridge.installed",
    ],
    ["bridge.jpeg", "bridge.overlap"],
    ["bridge.texts"],
    ["bridge.model", "bridge.errors"],
]
# What a room must never see, wherever it stands.
FORBIDDEN: dict[str, set[str]] = {
    "plugins": {"flask", "celery", "sqlalchemy", "bridge.store"},
    "workers": {"flask", "sqlalchemy", "bridge.store", "label_studio_sdk"},
    "bridge": {"plugins"},
    "bridge.model": {"numpy", "msgspec", "pydantic", "sqlalchemy"},
}


def modules() -> list[Path]:
    return sorted(p for room in ("bridge", "plugins", "workers") for p in (ROOT / room).rglob("*.py"))


def dotted(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def within(name: str, prefix: str) -> bool:
    return name == prefix or name.startswith(prefix + ".")


def room_of(name: str) -> tuple[int, str] | None:
    found = [(len(room), level, room) for level, rooms in enumerate(FLOORS) for room in rooms if within(name, room)]
    return (max(found)[1], max(found)[2]) if found else None


def imports(path: Path) -> list[str]:
    tree = ast.parse(path.read_text("utf-8"))
    found: list[str] = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            found += [f"{node.module}.{alias.name}" for alias in node.names]
    return found


def breaches(path: Path) -> list[str]:
    name = dotted(path)
    here = room_of(name)
    bad = []
    for target in imports(path):
        there = room_of(target)
        if here and there and there[1] != here[1] and there[0] <= here[0]:
            bad.append(f"{name} ({here[1]}) imports {target} from the same floor or above")
        for room, banned in FORBIDDEN.items():
            if within(name, room) and any(within(target, b) for b in banned):
                bad.append(f"{name} must not see {target}")
    return bad


@pytest.mark.parametrize("path", modules(), ids=dotted)
def test_a_room_imports_only_from_below(path: Path) -> None:
    assert breaches(path) == []


def test_every_module_has_a_floor() -> None:
    unplaced = [dotted(p) for p in modules() if dotted(p) not in ("bridge", "workers") and room_of(dotted(p)) is None]
    assert unplaced == []


def test_a_planted_breach_is_seen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bad = tmp_path / "bridge" / "model" / "bad.py"
    bad.parent.mkdir(parents=True)
    bad.write_text("from bridge.store import tables\nimport numpy\n")
    monkeypatch.setitem(globals(), "ROOT", tmp_path)
    assert len(breaches(bad)) == 2


def module_of(target: str, known: set[str]) -> str | None:
    """The module that an imported dotted name lies in: the longest known prefix."""
    while target and target not in known:
        target = target.rpartition(".")[0]
    return target or None


def test_there_is_no_circle() -> None:
    paths = {dotted(p): p for p in modules()}
    graph = {name: {module_of(t, set(paths)) for t in imports(p)} - {None, name} for name, p in paths.items()}
    done: set[str] = set()

    def walk(name: str, trail: tuple[str, ...]) -> None:
        assert name not in trail, " → ".join((*trail, name))
        if name not in done:
            for other in graph[name]:
                walk(str(other), (*trail, name))
            done.add(name)

    for name in graph:
        walk(name, ())
