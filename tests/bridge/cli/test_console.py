"""What is printed: findings that stay short, tables, times, and JSON that is JSON."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest

from bridge.cli.console import Console, finding_json
from bridge.errors import InputError, RefusedError
from bridge.model.finding import Finding, Fix, Severity

ENGLISH, JAPANESE = Console(False, "en"), Console(False, "ja")
PROGRAM = Console(True, "en")


def tiny(n: int) -> Finding:
    fields = {"width": 2.0, "height": 3.0, "network": "416 x 416", "label": "ねじ"}
    return Finding("tiny", Severity.WARNING, f"写真{n}.jpg", fields, region=n)


def test_findings_name_pictures_and_stay_short(capsys: pytest.CaptureFixture[str]) -> None:
    ENGLISH.findings([tiny(n) for n in range(1000)])
    said = capsys.readouterr().out
    assert said.startswith("warning  tiny (1000)\n  写真0.jpg: ")
    assert "also: 写真1.jpg, 写真2.jpg, 写真3.jpg, 写真4.jpg, 写真5.jpg, and 994 more pictures" in said
    assert len(said.splitlines()) == 3


def test_errors_come_first_and_each_language_has_its_words(capsys: pytest.CaptureFixture[str]) -> None:
    wrong = Finding("no-such-rule", Severity.ERROR, None, {"text": {"en": "Broken.", "ja": "壊れています。"}})
    JAPANESE.findings([tiny(1), wrong, tiny(2)])
    lines = capsys.readouterr().out.splitlines()
    assert lines[:3] == ["エラー  no-such-rule (1)", "  壊れています。", "警告  tiny (2)"]
    assert lines[-1] == "  ほか: 写真2.jpg"


def test_two_findings_of_one_picture_name_it_once(capsys: pytest.CaptureFixture[str]) -> None:
    ENGLISH.findings([tiny(1), tiny(1)])
    assert "also" not in capsys.readouterr().out


def test_findings_without_a_picture_are_cut_short(capsys: pytest.CaptureFixture[str]) -> None:
    ENGLISH.findings([Finding("x", Severity.INFO, None, {"text": f"Number {n}."}) for n in range(9)])
    said = capsys.readouterr().out
    assert "Number 2." in said
    assert "Number 3." not in said
    assert "and 6 more" in said


def test_a_finding_for_programs() -> None:
    found = Finding("outside", Severity.WARNING, "a.jpg", {"out": 3.0}, region=2, fix=Fix.CLIP)
    told = finding_json(found)
    assert told["rule"] == "outside"
    assert (told["severity"], told["image"], told["region"], told["fix"], told["out"]) == (
        "warning",
        "a.jpg",
        2,
        "clip",
        3.0,
    )
    assert "a.jpg" not in told
    assert isinstance(told["message"], str)


def test_markup_in_names_is_no_markup(capsys: pytest.CaptureFixture[str]) -> None:
    ENGLISH.line("[bold]a[/bold] :smile:")
    ENGLISH.table(("name", "boxes"), [("[red]b[/red] :+1:", 3)])
    said = capsys.readouterr().out
    assert "[bold]a[/bold] :smile:" in said
    assert "[red]b[/red] :+1:" in said


def test_a_wide_table_is_not_folded_into_a_file(capsys: pytest.CaptureFixture[str]) -> None:
    ENGLISH.table(("name", "place"), [("x" * 90, "y" * 90)])
    assert f"{'x' * 90}   {'y' * 90}" in capsys.readouterr().out


def test_an_empty_table_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    ENGLISH.table(("run",), [], "runs-none")
    assert capsys.readouterr().out.startswith("No run yet")


def test_times_are_those_of_this_machine(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    import time

    monkeypatch.setenv("TZ", "Asia/Tokyo")
    time.tzset()
    ENGLISH.facts([("created", "2026-03-01T20:30:00.5Z"), ("node", None)])
    said = capsys.readouterr().out
    monkeypatch.undo()
    time.tzset()
    assert "2026-03-02 05:30" in said
    assert "node" not in said


# ---------------------------------------------------------------- JSON


def test_only_json_where_json_is_wanted(capsysbinary: pytest.CaptureFixture[bytes]) -> None:
    PROGRAM.say("map", iou="0.5", map="1")
    PROGRAM.line("x")
    PROGRAM.table(("name",), [("x",)])
    PROGRAM.facts([("name", "x")])
    PROGRAM.findings([tiny(1)])
    PROGRAM.emit({"写真": Path("/tmp/ねじ.jpg"), "loss": math.nan})
    told = capsysbinary.readouterr().out
    assert "写真".encode() in told
    assert json.loads(told) == {"写真": "/tmp/ねじ.jpg", "loss": None}


def test_a_name_that_is_no_text_comes_back_as_it_was(capsysbinary: pytest.CaptureFixture[bytes]) -> None:
    name = b"\xff\xfe.jpg".decode("utf-8", "surrogateescape")
    PROGRAM.emit({"path": Path(name), "loss": math.nan})
    told = json.loads(capsysbinary.readouterr().out)
    assert told["path"].encode("utf-8", "surrogateescape") == b"\xff\xfe.jpg"
    assert told["loss"] is None


def test_an_error_for_programs_has_its_findings(capsysbinary: pytest.CaptureFixture[bytes]) -> None:
    # As the loop raises it, and as a server tells it.
    plain = {"rule": "tiny", "severity": "error", "image": "a.jpg", "fields": {"width": 1.0}, "region": None}
    for found in (Finding("tiny", Severity.ERROR, "a.jpg", {"width": 1.0}), plain):
        PROGRAM.error(RefusedError("plan-broken", rules="tiny", findings=[found]))
        error = json.loads(capsysbinary.readouterr().out)["error"]
        assert error["name"] == "plan-broken"
        assert error["message"].startswith("This training would fail")
        assert (error["findings"][0]["rule"], error["findings"][0]["width"]) == ("tiny", 1.0)


def test_an_error_for_people_is_on_stderr(capsys: pytest.CaptureFixture[str]) -> None:
    JAPANESE.error(InputError("path-missing", path="/写真"))
    said = capsys.readouterr()
    assert said.out == ""
    assert "/写真" in said.err
