"""Every command explains itself in both languages, is in the documents, and is there for a reason."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from bridge import texts
from bridge.cli.main import COMMANDS, labelbridge
from bridge.cli.spoken import told, written
from tests.bridge.cli.conftest import Say
from tests.declared import command_lines, wrong_with

ROOT = Path(__file__).parents[3]
REMOTE = {
    *("project list", "project create", "project remove", "runs", "run show", "run cancel", "run resume", "run log"),
    *("train", "report", "nodes", "node drain", "token create", "token revoke", "token list", "push", "sync", "cut"),
    *("check", "conflicts", "resolve", "predict", "promote"),
    *("deliveries", "delivery show", "delivery resume", "delivery dismiss"),
}


def tree(
    group: click.Group = labelbridge, above: tuple[str, ...] = ()
) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    context = click.Context(group, info_name="labelbridge")
    for name in group.list_commands(context):
        found = group.get_command(context, name)
        assert found is not None, name
        yield (*above, name), found
        if isinstance(found, click.Group):
            yield from tree(found, (*above, name))


TREE = dict(tree())
LEAVES = {path: found for path, found in TREE.items() if not isinstance(found, click.Group)}


def texts_of(path: tuple[str, ...], found: click.Command) -> Iterator[list[str]]:
    """For each sentence that its page shows, the keys that may hold it."""
    name = "-".join(path)
    yield [f"command.{name}"]
    for option in found.params:
        if isinstance(option, click.Option) and not option.hidden:
            yield [f"option.{name}-{written(option)}", f"option.{written(option)}"]


@pytest.mark.parametrize("path", TREE, ids=" ".join)
def test_every_command_and_option_has_its_sentence(path: tuple[str, ...]) -> None:
    known = texts.catalogue("en", "help")
    missing = [keys for keys in texts_of(path, TREE[path]) if not any(key in known for key in keys)]
    assert missing == []


def test_no_sentence_is_left_over() -> None:
    used = {key for path, found in TREE.items() for keys in texts_of(path, found) for key in keys}
    used |= {f"more.{'-'.join(path)}" for path in TREE} | {"option.help", "option.version", "command.", "more."}
    left = [key for key in texts.catalogue("en", "help") if "." in key and key not in used]
    assert left == []


@pytest.mark.parametrize("path", [p for p in TREE if p != ("demo",)], ids=" ".join)
def test_help_says_a_sentence_and_how_it_is_called(say: Say, path: tuple[str, ...]) -> None:
    page = say(*path, "--help")
    assert page.code == 0
    assert page.err == ""
    assert page.out.startswith(f"Usage: labelbridge {' '.join(path)} ")
    sentence = texts.render("help", f"command.{'-'.join(path)}")
    assert sentence.endswith(".")
    assert sentence in " ".join(page.out.split())


def test_help_is_japanese_where_japanese_is_spoken(say: Say, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "使い方: labelbridge cut" in say("cut", "--lang", "ja", "--help").out
    monkeypatch.setenv("LANG", "ja_JP.UTF-8")
    page = say("--help").out
    assert "ラベル付けツールとモデル:" in page
    assert re.search(r"^  check\s+プロジェクト", page, re.MULTILINE)
    assert not re.search(r"\b(the|Show)\b", page)
    assert "Usage: labelbridge cut" in say("cut", "--lang", "en", "--help").out


def test_the_first_page_lists_every_command_once(say: Say) -> None:
    listed = re.findall(r"^  ([a-z-]+) ", say("--help").out.partition("Start:")[2], re.MULTILINE)
    assert listed == list(COMMANDS)


def test_what_comes_later_is_not_listed() -> None:
    later = "diff tune compare demote next backup restore"
    assert {path[-1] for path in TREE} & set(later.split()) == set()


@pytest.mark.parametrize("path", TREE, ids=" ".join)
def test_every_command_is_in_the_documents(path: tuple[str, ...]) -> None:
    documents = [(ROOT / "README.md").read_text("utf-8"), (ROOT / "docs/commands.md").read_text("utf-8")]
    assert any(f"labelbridge {' '.join(path)}" in text for text in documents)


@pytest.mark.parametrize("document", ["README.md", "docs/commands.md"])
def test_the_documents_call_commands_as_they_are(document: str) -> None:
    lines = [line for line in command_lines((ROOT / document).read_text("utf-8")) if "COMMAND" not in line]
    assert len(lines) > 10
    assert [wrong for line in lines if (wrong := wrong_with(line))] == []


@pytest.mark.parametrize("path", LEAVES, ids=" ".join)
def test_every_command_speaks_json_and_takes_a_data_folder(path: tuple[str, ...]) -> None:
    assert {"--json", "--data", "--lang"} <= {name for p in LEAVES[path].params for name in p.opts}


@pytest.mark.parametrize("path", [p for p in LEAVES if " ".join(p) not in REMOTE], ids=" ".join)
def test_the_others_refuse_a_server(say: Say, path: tuple[str, ...]) -> None:
    wanted = [p for p in LEAVES[path].params if p.required]
    words = [w for p in wanted for w in ([*p.opts[:1], "x"] if isinstance(p, click.Option) else [choice(p)])]
    refused = say(*path, *words, "--server", "http://127.0.0.1:1", "--json")
    assert refused.code == 2
    assert refused.json["error"]["name"] == ("usage-option" if path == ("worker",) else "server-not-here")


def choice(argument: click.Parameter) -> str:
    return argument.type.choices[0] if isinstance(argument.type, click.Choice) else "x"


def test_the_listed_ones_go_to_the_server(say: Say) -> None:
    for path, found in LEAVES.items():
        if " ".join(path) in REMOTE:
            wanted = [p for p in found.params if p.required]
            words = [w for p in wanted for w in ([p.opts[0], "1"] if isinstance(p, click.Option) else ["1"])]
            away = say(*path, *words, "--server", "http://127.0.0.1:1", "--json")
            assert (away.code, away.json["error"]["name"]) == (1, "server-token-unset"), path


def test_a_command_of_a_plugin_keeps_its_own_words() -> None:
    context = click.Context(click.Command("strange"), info_name="strange")
    assert told(context, "command.strange", otherwise="Its own.") == "Its own."


def test_json_is_one_document_of_utf8(say: Say) -> None:
    made = say("project", "create", "撮影", "--json")
    assert json.loads(made.out)["name"] == "撮影"
    assert made.err == ""
