"""What the stories share: one demo, run once, whose training all of them may look at."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bridge.label_studio import Server
from bridge.running import free_port
from tests.parts import CHROMIUM, DemoRun, absent
from tests.stories.label_studio import started


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> DemoRun:
    """`labelbridge demo --once`, from drawing the pictures to the boxes back in the VoTT project."""
    if shutil.which("darknet") is None:
        absent("darknet")
    folder = tmp_path_factory.mktemp("demo") / "out"
    done = subprocess.run(
        [sys.executable, "-m", "bridge.cli.main", "demo", "--once", "--json", "--out", str(folder)],
        env={**os.environ, "LABELBRIDGE_PORT": str(free_port())},
        stdout=subprocess.PIPE,
        text=True,
        timeout=900,
        check=False,
    )
    return DemoRun(folder, json.loads(done.stdout), done.returncode)


@pytest.fixture(scope="session")
def label_studio(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One real Label Studio for all stories; every story makes its own project in it."""
    with started(tmp_path_factory.mktemp("label-studio") / "data") as server:
        yield server


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """A real Chromium; every story opens windows of its own in it."""
    if not Path(CHROMIUM).is_file():
        absent("chromium")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        found = playwright.chromium.launch(executable_path=CHROMIUM)
        yield found
        found.close()
