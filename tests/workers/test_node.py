"""A node says what it has, as often as the bridge wants to hear it, and obeys when it shall drain."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable
from dataclasses import replace

import pytest

from bridge.errors import MissingPartError
from bridge.model.job import Node
from bridge.plugin import Command
from bridge.settings import Settings
from bridge.store import nodes
from tests.parts import absent
from tests.workers.conftest import Bench
from workers import node

Eventually = Callable[[Callable[[], bool]], bool]


def told(bench: Bench, name: str = "n1") -> Node | None:
    with bench.ws.db.read() as tx:
        return next((n for n in nodes.listing(tx) if n.name == name), None)


def test_the_real_darknet_is_recognised(bench: Bench) -> None:
    if shutil.which("darknet") is None:
        absent("darknet")
    station = replace(bench.station, settings=replace(bench.station.settings, darknet="darknet"))
    info = node.engine_info(station, station.registry.engine("darknet"))
    assert (info.engine, info.fork) == ("darknet", "pjreddie")
    assert info.binary == shutil.which("darknet")


def test_a_node_without_a_trainer_says_so(bench: Bench) -> None:
    bare = replace(bench.station, settings=replace(bench.station.settings, darknet="/nowhere/darknet"))
    assert node.describe(bare).engine == {}
    with pytest.raises(MissingPartError) as caught:
        node.engine_info(bare, bare.registry.engine("darknet"))
    assert caught.value.fields == {"engine": "darknet", "program": "/nowhere/darknet", "node": "n1"}


def test_a_program_that_does_not_end_is_ended() -> None:
    began = time.monotonic()
    output = node.run_briefly(Command(("sh", "-c", "echo hello; echo there >&2; sleep 60")), seconds=0.3)
    assert (output.out, output.err) == ("hello\n", "there\n")
    assert output.exit_code != 0
    assert time.monotonic() - began < 5


def test_the_bridge_hears_of_the_node_and_its_roles(bench: Bench, eventually: Eventually) -> None:
    station = replace(bench.station, name="n7")
    node.show(replace(station, role="detect"))
    announcer = node.Announcer(station, lambda draining: None).start()
    assert eventually(lambda: told(bench, "n7") is not None)
    announcer.stop()
    found = told(bench, "n7")
    assert found is not None
    assert found.queues == ("train", "train.n7", "detect", "detect.n7")
    assert found.engine["fork"] == "pjreddie"
    assert found.disk_free is not None
    assert found.disk_free > 0


def test_a_node_that_shall_drain_hears_it(bench: Bench, eventually: Eventually) -> None:
    station = replace(bench.station, name="n8")
    heard: list[bool] = []
    announcer = node.Announcer(station, heard.append).start()
    assert eventually(lambda: told(bench, "n8") is not None)
    with bench.ws.db.write() as tx:
        nodes.drain(tx, "n8", True)
    assert eventually(lambda: heard == [True])
    with bench.ws.db.write() as tx:
        nodes.drain(tx, "n8", False)
    assert eventually(lambda: heard == [True, False])
    announcer.stop()


def test_a_bridge_that_is_away_does_not_silence_the_node(bench: Bench, eventually: Eventually) -> None:
    bench.served.stop()
    try:
        announcer = node.Announcer(replace(bench.station, name="n9"), lambda draining: None).start()
        time.sleep(0.2)
    finally:
        bench.served.start()
    assert eventually(lambda: told(bench, "n9") is not None)
    announcer.stop()


def test_a_worker_without_a_bridge_is_told_what_is_missing() -> None:
    with pytest.raises(MissingPartError, match="bridge-unnamed"):
        node.open_station(Settings(), "train")
