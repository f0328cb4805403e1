"""What keeps `up` from beginning is said at once, by name."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest
from filelock import FileLock

from bridge.embedded import up, work
from bridge.errors import ConflictError, MissingPartError
from bridge.settings import Settings
from bridge.store import tokens
from bridge.workspace import open_workspace


def begun(link: str) -> None:
    raise AssertionError("it must not begin")


def test_one_data_folder_has_one_up(tmp_path: Path) -> None:
    with FileLock(tmp_path / "up.lock"), pytest.raises(ConflictError, match="up-running"):
        up(Settings(data=tmp_path), begun)


def test_a_port_in_use_is_said_before_anything_starts(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        settings = Settings(data=tmp_path, port=taken.getsockname()[1])
        with pytest.raises(MissingPartError, match="port-taken"):
            up(settings, begun)
    ws = open_workspace(settings)
    with ws.db.read() as tx:
        assert [t for t in tokens.listing(tx) if not t.revoked] == []
    ws.close()


@pytest.mark.parametrize(
    ("settings", "rule"),
    [(Settings(), "broker-missing"), (Settings(redis_url="redis://127.0.0.1:1/0"), "bridge-unnamed")],
)
def test_workers_alone_must_know_where_to(settings: Settings, rule: str) -> None:
    with pytest.raises(MissingPartError, match=rule):
        work(settings, ("train", "detect"))
