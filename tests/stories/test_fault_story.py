"""What goes wrong on a real machine: killed, full, forbidden, taken. Nothing is lost, and it says what to do."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bridge.settings import Settings
from bridge.store import projects, revisions
from bridge.workspace import open_workspace
from tests.parts import absent

pytestmark = pytest.mark.story

PICTURES = 3000


def command(*words: str | Path, data: Path, **options: Any) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "bridge.cli.main", *map(str, words)],
        env={**os.environ, "LABELBRIDGE_DATA": str(data)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        **options,
    )


def run(*words: str | Path, data: Path) -> tuple[int, dict[str, Any]]:
    child = command(*words, "--json", data=data)
    out, err = child.communicate(timeout=120)
    assert "Traceback" not in err
    return child.returncode, json.loads(out)


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from bench.projects import vott_project

    return vott_project(tmp_path_factory.mktemp("large"), PICTURES, 3, 4_000)


def labelled(data: Path) -> tuple[int, int, int]:
    ws = open_workspace(Settings(data=data))
    try:
        with ws.db.read() as tx:
            found = projects.find(tx, "p")
            counts = revisions.counts(tx, found.id)
            return counts.labelled, counts.boxes, counts.conflicts
    finally:
        ws.close()


def test_an_import_killed_in_the_middle_is_simply_run_again(project: Path, tmp_path: Path) -> None:
    data = tmp_path / "data"
    # Given an import that is killed when some labels are in
    child = command("import", "p", project, data=data)
    while child.poll() is None:
        try:
            if 0 < labelled(data)[0] < PICTURES:
                break
        except Exception:
            time.sleep(0.01)
    child.send_signal(signal.SIGKILL)
    child.communicate()
    assert 0 < labelled(data)[0] < PICTURES
    # When it is run again
    code, told = run("import", "p", project, data=data)
    # Then everything is there once
    assert code == 0
    assert 0 < told["revisions"] < PICTURES
    assert labelled(data) == (PICTURES, 3 * PICTURES, 0)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of two megabytes."""
    if os.geteuid() != 0 or shutil.which("mount") is None:
        pytest.skip("only root can mount a small file system")
    folder = tmp_path / "small"
    folder.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2m", "none", folder], check=False).returncode != 0:
        pytest.skip("no file system can be mounted here")
    yield folder
    subprocess.run(["umount", folder], check=True)


def test_a_full_disk_is_told_and_what_was_in_stays(project: Path, small_disk: Path) -> None:
    code, told = run("import", "p", project, data=small_disk / "data")
    assert code == 1
    assert told["error"]["name"] == "disk-full"
    subprocess.run(["mount", "-o", "remount,size=60m", small_disk], check=True)
    code, _ = run("import", "p", project, data=small_disk / "data")
    assert code == 0
    assert labelled(small_disk / "data") == (PICTURES, 3 * PICTURES, 0)


def test_a_read_only_folder_is_enough_and_no_file_gets_a_new_time(project: Path, tmp_path: Path) -> None:
    folder = tmp_path / "project"
    shutil.copytree(project.parent, folder)
    before = {p: (p.stat().st_mtime_ns, p.stat().st_size) for p in folder.rglob("*")}
    folder.chmod(0o555)
    (folder / "vott").chmod(0o555)
    data, out = tmp_path / "data", tmp_path / "out"
    try:
        assert run("import", "p", folder / "vott", "--images", folder / "pictures", data=data)[0] == 0
        assert run("check", "p", data=data)[0] == 0
        assert run("check", folder / "vott" / "bench.vott", data=data)[0] == 0
        assert run("export", "p", "yolo", out, "--pictures", "copy", data=data)[0] == 0
        assert {p: (p.stat().st_mtime_ns, p.stat().st_size) for p in folder.rglob("*")} == before
    finally:
        folder.chmod(0o755)
        (folder / "vott").chmod(0o755)


def test_a_half_written_project_file_is_named_and_the_rest_goes_in(project: Path, tmp_path: Path) -> None:
    folder = tmp_path / "vott"
    shutil.copytree(project, folder)
    asset = sorted(folder.glob("*-asset.json"))[0]
    asset.write_bytes(asset.read_bytes()[:100])
    code, told = run("import", "p", folder, data=tmp_path / "data")
    assert code == 0
    assert "damaged" in {f["rule"] for f in told["findings"]}
    assert labelled(tmp_path / "data")[0] == PICTURES - 1


def test_a_port_that_is_taken_is_said(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        code, told = run("up", "--port", port, data=tmp_path / "data")
    assert code == 1
    assert told["error"]["name"] == "port-taken"
    assert port in told["error"]["message"]


def test_no_darknet_is_said_before_a_training_starts(tmp_path: Path, project: Path) -> None:
    if shutil.which("darknet") is None:
        absent("darknet")
    from bridge.running import Running

    data = tmp_path / "data"
    assert run("import", "p", project, data=data)[0] == 0
    with Running(Settings(data=data, port=0, darknet="/nowhere/darknet")):
        code, told = run("train", "p", "--template", "demo-tiny", "--size", "128x96", "--max-batches", "20", data=data)
    assert code == 1
    assert told["error"]["name"] == "engine-missing"
