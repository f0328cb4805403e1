"""Children are started again when they die, and nothing of them stays when we end."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from bridge.embedded import children
from bridge.embedded.children import Child, Family

# Real child programs and servers: too slow for the unit tests.
pytestmark = pytest.mark.story


@pytest.fixture
def family() -> Iterator[Family]:
    with Family() as found:
        yield found


def sleeper(folder: Path, name: str = "sleeper", code: str = "import time; time.sleep(60)") -> Child:
    return Child(name, [sys.executable, "-S", "-c", code], {"LB_WORD": "こんにちは"}, folder)


def eventually(what: Callable[[], bool], seconds: float = 5.0) -> bool:
    deadline = time.monotonic() + seconds
    while not what():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.01)
    return True


def test_a_child_that_died_is_started_again(family: Family, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(children, "_SHORTEST_PAUSE", 0.01)
    child = sleeper(tmp_path)
    family.start(child, seconds=5)
    first = child.pid
    assert first is not None
    family.care()
    assert child.pid == first
    os.kill(first, signal.SIGKILL)

    def back() -> bool:
        family.care()
        return child.pid not in (None, first)

    assert eventually(back)


def test_one_that_dies_at_once_is_given_longer_and_longer_pauses(
    family: Family, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(children, "_SHORTEST_PAUSE", 0.1)
    deaths: list[int] = []
    child = Child("dying", [sys.executable, "-S", "-c", "raise SystemExit(3)"], {}, tmp_path, deaths.append)
    family.start(child, seconds=1)
    until = time.monotonic() + 0.9
    while time.monotonic() < until:
        family.care()
        time.sleep(0.01)
    assert 1 <= len(deaths) <= 3  # After 0.1, 0.2 and 0.4 seconds.
    assert deaths == list(range(1, len(deaths) + 1))


def test_its_output_and_its_surroundings_are_its_own(family: Family, tmp_path: Path) -> None:
    code = "import os; print(os.environ['LB_WORD'], os.getsid(0) == os.getpid(), flush=True)"
    child = sleeper(tmp_path, "loud", code)
    family.start(child, seconds=1)
    assert eventually(lambda: child.log.exists() and child.log.read_text() == "こんにちは True\n")


def test_all_of_its_group_ends_with_it(tmp_path: Path) -> None:
    code = (
        "import subprocess, sys, time, signal\n"
        "other = subprocess.Popen([sys.executable, '-S', '-c', 'import time; time.sleep(60)'])\n"
        "print(other.pid, flush=True)\ntime.sleep(60)\n"
    )
    child = sleeper(tmp_path, "parent", code)
    with Family() as family:
        family.start(child, seconds=2)
        assert eventually(lambda: child.log.exists() and child.log.read_text().endswith("\n"))
        other = int(child.log.read_text())
        assert psutil.pid_exists(other)
    assert eventually(lambda: not psutil.pid_exists(other) or psutil.Process(other).status() == psutil.STATUS_ZOMBIE)


def test_one_that_does_not_listen_is_killed(tmp_path: Path) -> None:
    code = "import signal, time\nsignal.signal(15, signal.SIG_IGN)\nprint('deaf', flush=True)\ntime.sleep(60)"
    child = sleeper(tmp_path, "deaf", code)
    began = time.monotonic()
    with Family() as family:
        family.start(child, seconds=0.3)
        assert eventually(lambda: child.log.exists() and child.log.read_text() == "deaf\n")
    assert child.pid is None
    assert time.monotonic() - began < 5


def test_groups_end_in_the_opposite_order(tmp_path: Path) -> None:
    told = tmp_path / "told"
    code = (
        "import signal, sys, time\n"
        "def end(*_):\n    open({told!r}, 'a').write({name!r}); sys.exit()\n"
        "signal.signal(15, end)\nprint('up', flush=True)\ntime.sleep(60)"
    )
    parts = [sleeper(tmp_path, name, code.format(told=str(told), name=name)) for name in "abc"]
    with Family() as family:
        for part in parts:
            family.start(part, seconds=5)
        assert eventually(lambda: all(p.log.exists() and p.log.read_text() for p in parts))
    assert told.read_text() == "cba"


def test_a_long_log_is_put_aside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(children, "_LOG_BYTES", 10)
    (tmp_path / "loud.log").write_text("what was said before")
    with Family() as family:
        family.start(sleeper(tmp_path, "loud", "pass"), seconds=1)
    assert (tmp_path / "loud.log.1").read_text() == "what was said before"
    assert (tmp_path / "loud.log").read_text() == ""
