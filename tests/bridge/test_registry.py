from __future__ import annotations

import inspect
import sys
from importlib import metadata
from pathlib import Path
from typing import get_args

import pytest

from bridge import plugin, registry
from bridge.errors import NotFoundError
from bridge.registry import BUILT_IN, CONTRACT, Kind, Plugin, Registry, make

GOOD = """
__version__ = "2.1"

class Rule:
    rule = "mine"
    def check(self, view):
        return []

PLUGINS = {"validator:mine": Rule, "validator:made": Rule()}
"""


def drop(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.write_text(text, "utf-8")
    return path


def listed(folder: Path) -> dict[str, str | None]:
    """What came from the folder, and what is wrong with it."""
    found = [p for kind in ("validator", "format", "file", "filter") for p in _all(Registry(folder)) if p.kind == kind]
    return {p.key: p.broken for p in found if p.origin == "folder"}


def _all(known: Registry) -> list[Plugin]:
    return list(known._plugins.values())


# ---------------------------------------------------------------- built-ins


@pytest.mark.parametrize("key", BUILT_IN)
def test_every_built_in_offers_what_its_kind_asks_for(key: str) -> None:
    kind, _, name = key.partition(":")
    found = Registry().find(kind, name)  # type: ignore[arg-type]
    own = {"format": "name", "engine": "name", "validator": "rule", "source": "kind"}.get(kind, "name")
    assert getattr(found, own) == name
    for word, wanted in vars(CONTRACT[kind]).items():  # type: ignore[index]
        if inspect.isfunction(wanted) and not word.startswith("_"):
            offered = inspect.signature(getattr(found, word)).parameters
            assert list(offered) == list(inspect.signature(wanted).parameters)[1:], word


def test_every_kind_but_listeners_has_a_contract() -> None:
    assert {*CONTRACT, "listener"} == set(get_args(Kind))


def test_nothing_is_imported_before_it_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "plugins.validators.tiny", raising=False)
    known = Registry()
    assert "tiny" in known.names("validator")
    assert "plugins.validators.tiny" not in sys.modules
    assert known.find("validator", "tiny") is known.find("validator", "tiny")
    assert "plugins.validators.tiny" in sys.modules


def test_a_built_in_with_a_missing_package_is_put_aside(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(BUILT_IN, "format:far", "no_such_package.far:Far")
    known = Registry()
    assert "far" in known.names("format")
    with pytest.raises(NotFoundError) as missing:
        known.find("format", "far")
    assert "no_such_package" in missing.value.fields["reason"]
    assert "far" not in known.names("format")


def test_our_own_faults_are_not_hidden(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(BUILT_IN, "format:typo", "plugins.formats:Typo")
    with pytest.raises(AttributeError):
        Registry().find("format", "typo")


def test_what_is_not_there_says_what_is() -> None:
    with pytest.raises(NotFoundError) as missing:
        Registry().find("evaluator", "voc")
    assert missing.value.rule == "plugin-missing"
    assert missing.value.fields["known"] == "darknet, coco"


# ---------------------------------------------------------------- a file in the plugin folder


def test_a_file_in_the_folder_is_a_plugin(tmp_path: Path) -> None:
    drop(tmp_path, "mine.py", GOOD)
    known = Registry(tmp_path)
    assert known.find("validator", "mine").check(None) == []
    assert known.names("validator")[-2:] == ["mine", "made"]
    found = known.known("validator")[-1]
    assert (found.origin, found.version, found.target) == ("folder", "2.1", str(tmp_path / "mine.py"))
    assert make(found) is not known.find("validator", "made")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("import no_such_package", "ModuleNotFoundError: No module named 'no_such_package'"),
        ("def broken(:", "SyntaxError"),
        ("raise SystemExit('run me by hand')", "SystemExit: run me by hand"),
        ("x = 1", "AttributeError"),
        ("PLUGINS = 7", "TypeError"),
        ("PLUGINS = {7: int}", "AttributeError"),
    ],
)
def test_a_file_that_cannot_be_used_is_listed_with_its_reason(tmp_path: Path, text: str, reason: str) -> None:
    drop(tmp_path, "bad.py", text)
    drop(tmp_path, "good.py", GOOD)
    found = listed(tmp_path)
    assert (found.pop("file:bad.py") or "").startswith(reason)
    assert found == {"validator:mine": None, "validator:made": None}


@pytest.mark.parametrize(
    ("text", "key", "reason"),
    [
        ("class A:\n    rule = 'a'\nPLUGINS = {'validator:a': A}", "validator:a", "it lacks check"),
        ("PLUGINS = {'format:a': dict}", "format:a", "it lacks name, recognises, read, losses, write"),
        ("PLUGINS = {'filter:a': dict}", "filter:a", "filter:a names no kind of plugin"),
        ("PLUGINS = {'validator': dict}", "validator:", "validator: names no kind of plugin"),
        ("PLUGINS = {'validator:a': lambda: 1 / 0}", "validator:a", "ZeroDivisionError: division by zero"),
    ],
)
def test_a_plugin_that_does_not_fit_is_listed_with_its_reason(tmp_path: Path, text: str, key: str, reason: str) -> None:
    drop(tmp_path, "bad.py", text)
    assert listed(tmp_path) == {key: reason}


def test_one_bad_plugin_of_a_file_leaves_the_others(tmp_path: Path) -> None:
    drop(tmp_path, "two.py", GOOD.replace("PLUGINS = {", "PLUGINS = {'validator:bad': dict, "))
    assert listed(tmp_path) == {"validator:bad": "it lacks rule, check", "validator:mine": None, "validator:made": None}


def test_the_last_one_of_a_name_counts(tmp_path: Path) -> None:
    drop(tmp_path, "mine.py", GOOD.replace("validator:mine", "validator:tiny"))
    assert Registry(tmp_path).find("validator", "tiny").rule == "mine"


def test_a_missing_folder_is_an_empty_one(tmp_path: Path) -> None:
    assert [p.key for p in _all(Registry(tmp_path / "none"))] == [p.key for p in _all(Registry())]


# ---------------------------------------------------------------- an installed package


def test_a_package_is_found_by_its_entry_point(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    drop(tmp_path, "platecheck.py", GOOD)
    folder = tmp_path / "platecheck-3.0.dist-info"
    folder.mkdir()
    drop(folder, "METADATA", "Metadata-Version: 2.1\nName: platecheck\nVersion: 3.0\n")
    points = "[labelbridge]\nvalidator:plate = platecheck:Rule\nvalidator:gone = platecheck:Gone\n"
    drop(folder, "entry_points.txt", points)
    monkeypatch.syspath_prepend(str(tmp_path))
    assert "platecheck" in [d.name for d in metadata.distributions(path=[str(tmp_path)])]
    known = Registry()
    found = {p.name: p for p in known.known("validator")}["plate"]
    assert (found.origin, found.version) == ("package", "3.0")
    assert known.find("validator", "plate").rule == "mine"
    with pytest.raises(NotFoundError) as missing:
        known.find("validator", "gone")
    assert "has no attribute 'Gone'" in missing.value.fields["reason"]


# ---------------------------------------------------------------- in one process


def test_one_that_was_put_aside_is_not_used_again(tmp_path: Path) -> None:
    drop(tmp_path, "mine.py", GOOD)
    known = Registry(tmp_path)
    known.put_aside("validator", "mine", "it hung")
    assert "mine" not in [p.name for p, _ in known.usable("validator")]
    with pytest.raises(NotFoundError) as missing:
        known.find("validator", "mine")
    assert missing.value.fields["reason"] == "it hung"


def test_a_plugin_at_hand_can_be_added() -> None:
    class Ear:
        @plugin.hookimpl
        def dataset_cut(self) -> None: ...

    known = Registry()
    known.add(Plugin("listener", "ear", "test", "package"), Ear)
    assert isinstance(known.find("listener", "ear"), Ear)
    assert registry.Plugin("listener", "ear", "test", "package") in known.known("listener")
