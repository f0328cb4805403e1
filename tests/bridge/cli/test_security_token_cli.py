"""A VoTT security token on the command line and in the environment: used for reading, kept nowhere."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.bridge.cli.conftest import Say

FIXTURES = Path(__file__).parents[2] / "fixtures" / "vott2"
TOKEN = FIXTURES.parent / "vott_keys" / "security_token.json"
KEY = json.loads(TOKEN.read_text("utf-8"))["key"]
OTHER_KEY = "A" * 43 + "="


def written(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in folder.rglob("*") if path.is_file())


def test_a_token_from_the_environment_is_kept_nowhere(
    say: Say, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LABELBRIDGE_VOTT_TOKEN", KEY)
    told = say("import", "撮影", FIXTURES / "v2.2.0-win", "--json")
    assert (told.code, told.json["images"]) == (0, 17)
    assert [f for f in told.json["findings"] if f["rule"] == "vott-key"] == []
    stored = written(tmp_path / "labelbridge-data")
    assert b"srcConn01" in stored
    assert KEY.encode() not in stored
    assert b'"folderPath"' not in stored
    assert KEY not in told.out + told.err


@pytest.mark.parametrize("command", [("import", "p"), ("check",)])
def test_a_token_that_does_not_fit_is_told(command: tuple[str, ...], say: Say) -> None:
    told = say(*command, FIXTURES / "v2.2.0-win", "--security-token", OTHER_KEY, "--json")
    assert [f["severity"] for f in told.json["findings"] if f["rule"] == "vott-key"] == ["warning"]
    assert OTHER_KEY not in told.out + told.err


def test_the_option_is_nearer_than_the_environment(say: Say, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LABELBRIDGE_VOTT_TOKEN", OTHER_KEY)
    told = say("export", FIXTURES / "v2.2.0-win", "coco", "out.json", "--security-token", TOKEN, "--json")
    assert [f for f in told.json["findings"] if f["rule"] == "vott-key"] == []
    assert len(json.loads((tmp_path / "out.json").read_text("utf-8"))["images"]) == 17
