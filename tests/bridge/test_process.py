"""Real child programs: what they write, how they end, and that nothing of them stays."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import psutil
import pytest

from bridge.errors import MissingPartError
from bridge.process import Chunk, Message, Process, Started, Stopped, alive, end_group

# Real child programs and servers: too slow for the unit tests.
pytestmark = pytest.mark.story


def python(code: str) -> list[str]:
    return [sys.executable, "-u", "-c", code]


def read_all(process: Process) -> list[Message]:
    with process:
        return [m for m in process.messages() if m is not None]


def text(messages: list[Message], stream: str) -> str:
    return b"".join(m.data for m in messages if isinstance(m, Chunk) and m.stream == stream).decode()


def wait_for_line(process: Process) -> int:
    """The number that the child prints first."""
    for message in process.messages():
        if isinstance(message, Chunk):
            return int(message.data)
    raise AssertionError("the child said nothing")


def gone_soon(pid: int) -> bool:
    for _ in range(100):
        if not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE:
            return True
        time.sleep(0.02)
    return False


def test_a_child_is_started_read_and_stopped() -> None:
    messages = read_all(Process(["sh", "-c", "echo one; echo two >&2; echo three; exit 3"]))
    assert isinstance(messages[0], Started)
    assert messages[-1] == Stopped(3)
    assert sum(not isinstance(m, Chunk) for m in messages) == 2
    assert text(messages, "out") == "one\nthree\n"
    assert text(messages, "err") == "two\n"


def test_output_comes_while_the_child_runs() -> None:
    with Process(["sh", "-c", "echo ready; exec sleep 30"]) as process:
        messages = process.messages()
        next(messages)
        assert next(messages) == Chunk("out", b"ready\n")
        assert alive(*process.identity)
    assert not alive(*process.identity)


def test_a_lot_of_output_on_both_streams_arrives_whole() -> None:
    code = "import sys\nfor i in range(20000): print('o%059d' % i); print('e%059d' % i, file=sys.stderr)"
    messages = read_all(Process([sys.executable, "-c", code]))
    assert text(messages, "out").splitlines() == [f"o{i:059d}" for i in range(20000)]
    assert text(messages, "err").splitlines() == [f"e{i:059d}" for i in range(20000)]


def test_a_slow_reader_still_gets_the_end() -> None:
    with Process(python("print('x' * 50000)")) as process:
        messages = process.messages()
        found: list[Message] = [m for m in [next(messages)] if m]
        time.sleep(0.3)  # The child is long gone.
        found += [m for m in messages if m is not None]
    assert text(found, "out") == "x" * 50000 + "\n"


def test_bytes_are_not_touched() -> None:
    messages = read_all(Process(python(r"import os; os.write(1, b'\xff\x00\x1b[H\r\n')")))
    assert [m for m in messages if isinstance(m, Chunk)] == [Chunk("out", b"\xff\x00\x1b[H\r\n")]


@pytest.mark.parametrize("given", [b"", b"yes\n", "犬\n".encode() * 60000])
def test_the_child_reads_its_input_to_the_end(given: bytes) -> None:
    messages = read_all(Process(python("import sys; print(len(sys.stdin.buffer.read()))"), stdin=given))
    assert text(messages, "out") == f"{len(given)}\n"


def test_arguments_environment_and_folder_reach_the_child(tmp_path: Path) -> None:
    folder = tmp_path / "日本語 $(touch x)"
    folder.mkdir()
    code = "import sys, os; print(sys.argv[1], os.environ['LB'], 'PATH' in os.environ, os.path.basename(os.getcwd()))"
    messages = read_all(Process([*python(code), "a $(b); 'c'"], cwd=folder, env={"LB": "犬"}))
    assert text(messages, "out") == "a $(b); 'c' 犬 True 日本語 $(touch x)\n"


@pytest.mark.parametrize("cwd", [None, Path("/no/such/folder")])
def test_what_cannot_be_started_says_so(cwd: Path | None) -> None:
    with pytest.raises(MissingPartError) as caught:
        Process(["/no/such/darknet" if cwd is None else "sh"], cwd=cwd)
    assert caught.value.rule == "program-not-started"
    assert "/no/such" in caught.value.fields["reason"]


def test_stop_is_polite_first() -> None:
    code = (
        "import signal, sys, time\n"
        "signal.signal(signal.SIGTERM, lambda *_: (print('saved'), sys.exit(7)))\n"
        "print(1); time.sleep(60)"
    )
    with Process(python(code)) as process:
        wait_for_line(process)
        assert process.stop(grace=10)
        messages = [m for m in process.messages() if m is not None]
    assert text(messages, "out") == "saved\n"
    assert messages[-1] == Stopped(7)


def test_stop_is_firm_then() -> None:
    code = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print(1); time.sleep(60)"
    with Process(python(code)) as process:
        wait_for_line(process)
        began = time.monotonic()
        assert process.stop(grace=0.2)
        assert 0.2 <= time.monotonic() - began < 5
        assert list(process.messages())[-1] == Stopped(-signal.SIGKILL)
        assert process.stop()


def test_stop_from_another_thread_ends_the_messages() -> None:
    with Process(["sleep", "60"]) as process:
        threading.Timer(0.2, process.stop).start()
        messages = [m for m in process.messages() if m is not None]
    assert messages[-1] == Stopped(-signal.SIGTERM)
    assert isinstance(messages[-1], Stopped)
    assert messages[-1].signal == "SIGTERM"


def test_a_grandchild_that_holds_the_pipe_is_not_waited_for() -> None:
    began = time.monotonic()
    messages = read_all(Process(["sh", "-c", "sleep 60 & echo $!; exit 0"]))
    assert time.monotonic() - began < 5
    assert messages[-1] == Stopped(0)
    assert gone_soon(int(text(messages, "out")))


def test_a_grandchild_in_a_session_of_its_own_does_not_hang_us() -> None:
    code = "import subprocess; print(subprocess.Popen(['sleep', '60'], start_new_session=True).pid)"
    began = time.monotonic()
    messages = read_all(Process(python(code)))
    os.kill(int(text(messages, "out")), signal.SIGKILL)
    assert time.monotonic() - began < 5
    assert messages[-1] == Stopped(0)


def test_stop_reaches_grandchildren_that_ignore_it() -> None:
    inner = "import os,signal,time; signal.signal(15, signal.SIG_IGN); print(os.getpid(), flush=True); time.sleep(60)"
    with Process(["sh", "-c", '"$0" -c "$1" & wait', sys.executable, inner]) as process:
        grandchild = wait_for_line(process)
        assert process.stop(grace=0.3)
    assert gone_soon(grandchild)


def test_a_kill_from_outside_is_seen() -> None:
    with Process(["sleep", "60"]) as process:
        messages = process.messages()
        started = next(messages)
        assert isinstance(started, Started)
        os.kill(started.pid, signal.SIGKILL)
        assert next(messages) == Stopped(-signal.SIGKILL)


def test_silence_is_told_by_ticks() -> None:
    with Process(["sh", "-c", "sleep 0.7; echo late"]) as process:
        messages = list(process.messages(tick=0.1))
    assert None in messages
    assert text([m for m in messages if m], "out") == "late\n"


def test_a_child_that_closes_its_streams_is_still_waited_for() -> None:
    messages = read_all(Process(["sh", "-c", "exec >&- 2>&-; sleep 0.4; exit 5"]))
    assert messages[-1] == Stopped(5)


def test_identity_tells_a_program_from_a_later_one_with_its_number() -> None:
    with Process(["sleep", "60"]) as process:
        pid, created = process.identity
        assert alive(pid, created)
        assert not alive(pid, created - 3600)
        assert end_group(pid, created - 3600)  # A stranger's: nothing is done.
        assert alive(pid, created)
        assert end_group(pid, created, grace=2)
        assert not alive(pid, created)


def test_end_group_never_turns_on_ourselves() -> None:
    leader = os.getpgrp()  # It may have ended long ago, as the shell that started this has.
    created = psutil.Process(leader).create_time() if psutil.pid_exists(leader) else time.time()
    assert end_group(leader, created, grace=0.1)
    assert end_group(0, time.time(), grace=0.1)
    assert not alive(-5, 0.0)


ORPHAN_MAKER = """
import sys
from bridge.process import Process
process = Process(["sh", "-c", "trap '' TERM; sleep 60 & wait; sleep 60"], dies_with_parent={dies})
print(*process.identity, flush=True)
sys.stdin.read()
"""


def left_behind(dies: bool) -> tuple[int, float]:
    """A child whose parent was killed."""
    root = Path(__file__).parents[2]
    code = ORPHAN_MAKER.replace("trap '' TERM; ", "") if dies else ORPHAN_MAKER
    with subprocess.Popen(
        [sys.executable, "-c", code.format(dies=dies)], cwd=root, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as parent:
        assert parent.stdout is not None
        pid, created = parent.stdout.readline().split()
        parent.kill()
    return int(pid), float(created)


def test_an_orphan_is_found_and_ended() -> None:
    orphan = left_behind(dies=False)
    time.sleep(0.2)
    assert alive(*orphan)
    assert end_group(*orphan, grace=0.2)
    assert not alive(*orphan)
    assert end_group(*orphan)


def test_a_group_without_its_leader_is_ended_too() -> None:
    pid, created = left_behind(dies=False)
    time.sleep(0.2)
    sleeper = psutil.Process(pid).children()[0].pid
    os.kill(pid, signal.SIGKILL)
    assert gone_soon(pid)
    assert end_group(pid, created, grace=1)
    assert gone_soon(sleeper)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a child of its parent's death")
def test_a_child_may_die_with_its_parent() -> None:
    pid, created = left_behind(dies=True)
    assert gone_soon(pid)
    assert not alive(pid, created)
    end_group(pid, created, grace=0.2)
