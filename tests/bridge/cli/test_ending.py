"""Whatever goes wrong, a call ends with a sentence (or one JSON error) and the right exit code."""

from __future__ import annotations

import errno
import io
import os
import sys
from pathlib import Path

import click
import pytest

from bridge.cli import ending
from bridge.errors import BridgeError, RefusedError
from tests.bridge.cli.conftest import Say

# Real child programs and servers: too slow for the unit tests.
pytestmark = pytest.mark.story

WRONG_USAGE = [
    ("trian", "usage-command"),
    ("train", "usage-missing"),
    ("train x --bach 3", "usage-option"),
    ("train x --batch many", "usage-value"),
    ("train x --size 0x0", "usage-value"),
    ("train x --size ²x3", "usage-value"),
    ("train x --gpus 0,-1", "usage-value"),
    ("train x y", "usage-other"),
    ("run shwo x", "usage-command"),
    ("cut x --split nan", "usage-value"),
    ("cut x --split 0", "usage-value"),
    ("cut x --seed -1", "usage-value"),
    ("anchors x -n 101", "usage-value"),
    ("check x --fail-on nothing", "usage-value"),
    ("import x y --order mtime", "usage-value"),
    ("import x . --format word", "format-missing-here"),
    ("export x word out", "format-missing-here"),
    ("check ./x --fix", "fix-needs-project"),
    ("check ./x --server http://127.0.0.1:1", "path-not-there"),
    ("runs --server http://127.0.0.1:1 --token x --data d", "server-and-data"),
    ("evaluate --truth a", "usage-missing"),
    ("evaluate --truth a --detections b --iou 2", "usage-value"),
    ("evaluate --truth a --detections b --protocol voc", "protocol-missing-here"),
    ("promote best", "promote-best-of"),
    ("up --port 70000", "usage-value"),
    ("runs --lang fr", "usage-value"),
]
FAILED = [
    ("runs", "data-missing"),
    ("check x", "data-missing"),
    ("nodes --data ./a-file", "data-missing"),
    ("import x ./a-file --data ./a-file", "folder-unwritable"),
    ("migrate --data ./a-file", "folder-unwritable"),
    ("import x ./nowhere", "path-missing"),
    ("import x ./a-file", "format-unknown"),
    ("check ./nowhere", "path-missing"),
    ("check a-file", "project-or-path"),
    ("export ./a-file yolo out", "format-unknown"),
    ("anchors ./a-file", "format-unknown"),
    ("explain nowhere", "file-missing"),
    ("explain .", "file-unreadable"),
    ("evaluate --truth a-file --detections a-file", "json-broken"),
    ("cut x --valid nowhere", "file-missing"),
    ("train x --cfg nowhere", "file-missing"),
    ("train x --cfg .", "file-unreadable"),
    ("runs --server 127.0.0.1:1 --token x", "bridge-unreachable"),
    ("worker", "broker-missing"),
]


@pytest.mark.parametrize(("words", "name"), WRONG_USAGE, ids=[words for words, _ in WRONG_USAGE])
def test_wrong_usage_is_2(say: Say, words: str, name: str) -> None:
    said = say(*words.split(), "--json")
    assert (said.code, said.json["error"]["name"]) == (2, name)


@pytest.mark.parametrize(("words", "name"), FAILED, ids=[words for words, _ in FAILED])
def test_what_fails_is_1(say: Say, words: str, name: str) -> None:
    Path("a-file").write_text("{")
    said = say(*words.split(), "--json")
    assert (said.code, said.json["error"]["name"]) == (1, name)
    assert words.startswith("import") or not Path("labelbridge-data").exists()


@pytest.mark.parametrize("words", [words for words, _ in WRONG_USAGE + FAILED])
def test_people_get_a_sentence_in_their_language_on_stderr(say: Say, words: str) -> None:
    Path("a-file").write_text("{")
    said = say(*words.split(), *([] if "--lang" in words else ["--lang", "ja"]))
    assert said.code in (1, 2)
    assert said.out == ""
    assert "{" not in said.err
    assert said.err.strip().endswith(("。", ".", "\n")) or "--help" in said.err
    assert any("ぁ" <= c <= "ヿ" for c in said.err) or "--lang" in words


def test_a_group_alone_shows_its_commands(say: Say) -> None:
    said = say("run")
    assert said.code == 2
    assert "resume" in said.err


def test_a_slip_of_the_pen_is_named(say: Say) -> None:
    assert "Is train meant?" in say("trian").err
    assert "Is --batch meant?" in say("train", "x", "--bacth", "3").err
    assert "PROJECT is missing. `labelbridge cut --help` shows how it is called." in say("cut").err


def test_an_empty_word_is_a_variable_nobody_set(say: Say) -> None:
    for words in (("import", "", "."), ("project", "create", " "), ("run", "log", ""), ("runs", "")):
        said = say(*words, "--json")
        assert (said.code, said.json["error"]["reason"]) == (2, "It is empty.")


def test_a_wrong_setting_is_named(say: Say, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LABELBRIDGE_PORT", "many")
    said = say("runs")
    assert said.code == 2
    assert "LABELBRIDGE_PORT" in said.err


def test_nobody_says_yes_for_a_person(say: Say) -> None:
    say("project", "create", "撮影")
    said = say("project", "remove", "撮影", "--json")
    assert (said.code, said.json["error"]["name"]) == (3, "remove-unconfirmed")
    assert [p["name"] for p in say("project", "list", "--json").json["projects"]] == ["撮影"]
    assert say("project", "remove", "撮影", "--yes").code == 0
    assert "no project yet" in say("project", "list").out


# ---------------------------------------------------------------- what a program may raise


def ended(monkeypatch: pytest.MonkeyPatch, error: BaseException, *words: str) -> int:
    @click.command()
    @click.option("--json", is_flag=True)
    def program(json: bool) -> None:
        raise error

    monkeypatch.setenv("LANG", "C")
    return ending.run(program, words)


@pytest.mark.parametrize(
    ("error", "code", "words"),
    [
        (KeyboardInterrupt(), 130, "Interrupted."),
        (click.Abort(), 130, "Interrupted."),
        (BridgeError("data-missing", path="/d"), 1, "no labelbridge data at /d"),
        (RefusedError("export-loses", format="yolo", losses=3), 3, "3 things would be lost"),
        (PermissionError(errno.EACCES, "Permission denied", "/root/x"), 1, "/root/x cannot be read: Permission denied"),
        (ValueError("nobody thought of this"), 1, "nobody thought of this"),
        (RecursionError("too deep"), 1, "RecursionError"),
        (BrokenPipeError(), 0, ""),
    ],
)
def test_every_end_has_its_code(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], error: BaseException, code: int, words: str
) -> None:
    assert ended(monkeypatch, error) == code
    said = capfd.readouterr()
    assert words in said.err.replace("\n", " ")
    assert "Traceback" not in said.err
    assert said.out == ""


def test_debugging_shows_the_traceback_too(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("LABELBRIDGE_LOG_LEVEL", "debug")
    assert ended(monkeypatch, ValueError("deep down"), "--json") == 1
    said = capfd.readouterr()
    assert "Traceback" in said.err
    assert '"unexpected-here"' in said.out


def test_a_full_disk_ends_in_1(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(io.FileIO(os.open("/dev/full", os.O_WRONLY), "w")))

    @click.command()
    def program() -> None:
        click.echo("something")

    assert ending.run(program, []) == 1
    sys.stdout.close()


def test_a_closed_stdout_is_no_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdout", None)
    assert ended(monkeypatch, BridgeError("interrupted"), "--json") == 1
    sys.stdout.close()
