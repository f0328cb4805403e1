"""What `up --listen` opens, and to whom."""

from __future__ import annotations

import subprocess
import time
from pathlib import Path

import pytest
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from bridge.embedded import broker
from bridge.embedded.door import Door, door_of, opened
from bridge.errors import MissingPartError
from bridge.loop.work import broker_url
from bridge.settings import Settings

# Real child programs and servers: too slow for the unit tests.
pytestmark = pytest.mark.story


def test_nothing_is_open_unless_asked_for(tmp_path: Path) -> None:
    settings = Settings(data=tmp_path)
    assert door_of(settings) is None
    assert opened(settings) == settings
    assert "--bind" not in broker.arguments("server", tmp_path, tmp_path / "s")


def test_the_password_is_the_same_after_a_restart_and_another_elsewhere(tmp_path: Path) -> None:
    doors = []
    for name in ("a", "a", "b"):
        (tmp_path / name).mkdir(exist_ok=True)
        doors.append(door_of(Settings(data=tmp_path / name, listen="0.0.0.0", port=9000)))
    assert doors[0] == doors[1] != doors[2]
    assert doors[0] is not None
    assert doors[0].port == 9001
    assert len(doors[0].password) >= 40


def test_a_broker_of_somebody_elses_stays_as_it_is(tmp_path: Path) -> None:
    assert door_of(Settings(data=tmp_path, listen="0.0.0.0", redis_url="redis://host/0")) is None


@pytest.mark.parametrize(
    ("listen", "public", "url"),
    [
        ("192.0.2.7", "", "http://192.0.2.7:8765"),
        ("fd00::7", "", "http://[fd00::7]:8765"),
        ("0.0.0.0", "https://labels.example/", "https://labels.example"),
    ],
)
def test_links_name_an_address_that_others_reach(listen: str, public: str, url: str) -> None:
    found = opened(Settings(listen=listen, public_url=public))
    assert (found.host, found.url()) == (listen, url)


def test_all_addresses_are_told_as_one_of_them() -> None:
    assert "0.0.0.0" not in opened(Settings(listen="0.0.0.0")).url()


def test_only_who_knows_the_word_comes_in(tmp_path: Path) -> None:
    from bridge.running import free_port

    door = Door("127.0.0.1", free_port(), "open-sesame")
    argv = broker.arguments(broker.binary(), tmp_path, tmp_path / "b.sock", door)
    assert not [word for word in argv if door.password in word]
    assert (tmp_path / "b.conf").stat().st_mode & 0o077 == 0
    server = subprocess.Popen(argv, stdout=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + 20
        while not broker.answers(tmp_path / "b.sock", door):
            assert time.monotonic() < deadline
            time.sleep(0.05)
        with redis.Redis.from_url(door.url()) as known:
            assert known.ping()
        once = Retry(NoBackoff(), 0)
        for stranger in (
            redis.Redis(port=door.port, retry=once),
            redis.Redis(port=door.port, password="wrong", retry=once),
            redis.Redis(unix_socket_path=str(tmp_path / "b.sock"), retry=once),
        ):
            with stranger, pytest.raises(redis.AuthenticationError):
                stranger.ping()
    finally:
        server.kill()
        server.wait()


@pytest.mark.parametrize(
    ("settings", "host", "url"),
    [
        (Settings(redis_url="redis://:pw@redis:6379/0"), "server", "redis://:pw@redis:6379/0"),
        (Settings(redis_url="redis://a/0", node_redis_url="rediss://b:1/2"), "server", "rediss://b:1/2"),
        (Settings(node_redis_url="redis://:pw@0.0.0.0:8766/0"), "192.0.2.7", "redis://:pw@192.0.2.7:8766/0"),
        (Settings(node_redis_url="redis://:pw@[::]:8766/0"), "fd00::7", "redis://:pw@[fd00::7]:8766/0"),
    ],
)
def test_a_node_is_told_a_broker_that_it_reaches(settings: Settings, host: str, url: str) -> None:
    assert broker_url(settings, host) == url


@pytest.mark.parametrize("url", ["", "redis+socket:///run/b.sock?virtual_host=0"])
def test_a_socket_is_of_no_use_to_another_machine(url: str) -> None:
    with pytest.raises(MissingPartError, match="broker-not-shared"):
        broker_url(Settings(redis_url=url), "server")
