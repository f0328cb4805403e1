"""The real program in a process of its own: it starts at once, and ends as a shell expects."""

from __future__ import annotations

import json
import os
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
HEAVY = {"sqlalchemy", "numpy", "flask", "celery", "alembic", "altair", "requests", "pydantic", "onnxruntime"}
PROGRAM = [sys.executable, "-m", "bridge.cli.main"]
CODE = """
import json, sys
from bridge.cli.main import main
try:
    main(sys.argv[1:])
except SystemExit as ended:
    print(json.dumps([ended.code, sorted(m for m in sys.modules if "." not in m)]), file=sys.stderr)
"""


def environment() -> dict[str, str]:
    known = {key: value for key, value in os.environ.items() if not key.startswith("LABELBRIDGE_")}
    return {**known, "PYTHONPATH": str(ROOT), "LANG": "C.UTF-8", "PYTHONWARNINGS": "error"}


def loaded(folder: Path, *words: str) -> tuple[int, set[str]]:
    """The exit code and the packages that a call has loaded."""
    told = subprocess.run(
        [sys.executable, "-c", CODE, *words], env=environment(), cwd=folder, capture_output=True, check=True, text=True
    )
    code, modules = json.loads(told.stderr.splitlines()[-1])
    return code, set(modules)


def test_help_loads_nothing_and_takes_no_time(tmp_path: Path) -> None:
    code, modules = loaded(tmp_path, "--help")
    assert code == 0
    assert modules & {*HEAVY, "msgspec", "rich", "PIL", "pluggy"} == set()
    spent = []
    for _ in range(3):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run([*PROGRAM, "--help"], env=environment(), cwd=tmp_path, stdout=subprocess.DEVNULL, check=True)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        spent.append(after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime)
    assert min(spent) < 0.15


def test_bare_commands_load_neither_store_nor_server(vott: Path, tmp_path: Path) -> None:
    code, modules = loaded(tmp_path, "export", str(next(vott.glob("*.vott"))), "yolo", "out", "--json")
    assert (code, modules & HEAVY) == (0, set())
    code, modules = loaded(tmp_path, "check", "./out")
    assert (code, modules & HEAVY) == (1, {"numpy"})  # It compares the pictures.
    assert {p.name for p in tmp_path.iterdir()} == {"out"}


def test_a_reader_that_has_seen_enough(tmp_path: Path) -> None:
    script = f'set -o pipefail; "{sys.executable}" -m bridge.cli.main --help | head -c 5; echo " $?"'
    told = subprocess.run(["bash", "-c", script], env=environment(), cwd=tmp_path, capture_output=True, text=True)
    assert (told.stdout, told.stderr) == ("Usage 0\n", "")


@pytest.mark.parametrize("words", [[], ["--json"]])
def test_ctrl_c(tmp_path: Path, words: list[str]) -> None:
    os.mkfifo(tmp_path / "log")
    child = subprocess.Popen(
        [*PROGRAM, "explain", "log", *words],
        env=environment(),
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # A run in the background passes it over.
    )
    writer = os.open(tmp_path / "log", os.O_WRONLY)  # Once it opens, the child is reading.
    time.sleep(0.1)
    child.send_signal(signal.SIGINT)
    out, err = child.communicate(timeout=20)
    os.close(writer)
    assert child.returncode == 130
    assert "Traceback" not in err
    assert json.loads(out)["error"]["name"] == "interrupted" if words else "Interrupted." in err
