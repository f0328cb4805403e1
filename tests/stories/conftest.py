"""What the stories share: one demo, run once, whose training all of them may look at."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys

import pytest

from bridge.running import free_port
from tests.parts import DemoRun, absent


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
