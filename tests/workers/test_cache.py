"""The node's cache: brought once, checked, and stopped when there is a reason."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from bridge.errors import InputError
from tests.workers.conftest import Bench
from workers.cache import Cache
from workers.halt import Halt


@pytest.fixture
def cache(bench: Bench) -> Cache:
    return Cache(bench.station.folder / "cache", bench.station.desk.bridge)


def nothing() -> None:
    return None


def test_pictures_come_once_and_are_what_they_should_be(bench: Bench, cache: Cache) -> None:
    members = bench.station.desk.dataset(bench.run.version).members
    cache.fetch_all(members, nothing)
    for member in members:
        path = cache.path(member.sha256)
        assert path.stat().st_mode & 0o222 == 0
        import hashlib

        assert hashlib.sha256(path.read_bytes()).hexdigest() == member.sha256
    bench.served.stop()
    try:
        cache.fetch_all(members, nothing)  # Nothing is asked for again.
        assert cache.fetch(members[0].sha256) == cache.path(members[0].sha256)
    finally:
        bench.served.start()


def test_a_reason_to_stop_stops_it(bench: Bench, cache: Cache) -> None:
    members = bench.station.desk.dataset(bench.run.version).members

    def stop() -> None:
        raise Halt("cancelled")

    with pytest.raises(Halt):
        cache.fetch_all(members, stop)


def test_all_that_is_gone_is_counted(bench: Bench, cache: Cache) -> None:
    from dataclasses import replace

    members = bench.station.desk.dataset(bench.run.version).members
    lost = [replace(members[0], name="消えた.jpg", sha256="0" * 64), replace(members[1], sha256="1" * 64)]
    with pytest.raises(InputError) as caught:
        cache.fetch_all([*lost, *members[2:]], nothing)
    assert caught.value.fields == {"count": 2, "image": "消えた.jpg"}
    assert cache.path(members[3].sha256).is_file()  # The others are here for the next try.


def test_what_is_used_is_young(bench: Bench, cache: Cache) -> None:
    member = bench.station.desk.dataset(bench.run.version).members[0]
    path: Path = cache.fetch(member.sha256)
    os.utime(path, (1, 1))
    assert cache.fetch(member.sha256).stat().st_mtime > 1
