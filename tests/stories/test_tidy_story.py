"""A program that is killed while it renames: whatever moment it was, all can be ended or taken back."""

from __future__ import annotations

import json
import random
import subprocess
import sys
import time
from pathlib import Path

import pytest
from PIL import Image

from plugins.formats.vott1.tidy.journal import MAP

pytestmark = pytest.mark.story

ROOT = Path(__file__).parents[2]
PICTURES = 300


def project(folder: Path) -> None:
    """Pictures that a wrong name would not go unnoticed on, and their labels by name."""
    (folder / "imgs").mkdir()
    frames = {}
    for n in range(PICTURES):
        name = f"写真 {n}.jpg"
        Image.new("RGB", (8, 8), (n % 256, n // 256, 0)).save(folder / "imgs" / name, "PNG")
        frames[name] = [{"x1": n, "y1": 0, "x2": n + 5, "y2": 5, "width": 640, "height": 480, "tags": ["a"]}]
    top = {"frames": frames, "inputTags": "a", "visitedFrames": list(frames)}
    (folder / "imgs.json").write_text(json.dumps(top, ensure_ascii=False), "utf-8")


def files(folder: Path) -> dict[str, bytes]:
    found = (p for p in folder.rglob("*") if p.is_file() and ".labelbridge-backup" not in p.parts)
    return {str(path.relative_to(folder)): path.read_bytes() for path in found}


def started(folder: Path, *words: str) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "bridge.cli.main", "tidy", str(folder / "imgs"), *words]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def run(folder: Path, *words: str) -> int:
    return started(folder, *words).wait(60)


def killed_on_the_way(folder: Path, chance: random.Random, *words: str) -> bool:
    """Start, wait until it is at work, kill it; whether it was caught before its end."""
    program = started(folder, *words)
    deadline = time.monotonic() + 30
    marker = b'"running"' if "--undo" not in words else b'"undoing"'
    while time.monotonic() < deadline and program.poll() is None:
        map_ = folder / "imgs" / MAP
        if map_.exists() and marker in map_.read_bytes()[:200]:
            break
    time.sleep(chance.random() * 0.03)
    program.kill()
    return program.wait(30) != 0


@pytest.mark.parametrize("seed", range(6))
def test_killed_at_any_moment(tmp_path: Path, seed: int) -> None:
    chance = random.Random(seed)
    project(tmp_path)
    before = files(tmp_path)
    caught = 0
    for words in ((), ("--undo",)) * 2:
        if words:
            assert run(tmp_path) == 0
        caught += killed_on_the_way(tmp_path, chance, *words)
        # No picture is ever lost or written over.
        assert len({data for name, data in files(tmp_path).items() if name.endswith(".jpg")}) == PICTURES
        if chance.random() < 0.5:
            assert run(tmp_path) == 0
        if (tmp_path / "imgs" / MAP).exists():
            assert run(tmp_path, "--undo") == 0
        assert files(tmp_path) == before
    assert caught
