"""The admin API against its own description: schemathesis sends what fits it and what does not."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest
from sqlalchemy import update

from bridge.running import free_port
from bridge.settings import Settings
from bridge.store import tables as t
from bridge.store import tokens
from bridge.workspace import open_workspace
from tests.filled import fill
from tests.parts import absent
from tests.stories.test_pages_story import serving

pytestmark = pytest.mark.story

# Whether a text is a cfg that can be trained with, no schema can tell.
CONFIG = """
[[operations]]
include-path-regex = "/projects/.project./(plan|runs)$"
checks.positive_data_acceptance.enabled = false
"""


def test_the_api_does_what_its_description_says(tmp_path: Path) -> None:
    program = Path(sys.executable).with_name("schemathesis")
    if not program.is_file():
        absent("schemathesis")
    config = tmp_path / "schemathesis.toml"
    config.write_text(CONFIG)
    settings = Settings(data=tmp_path / "data", port=free_port())
    ws = open_workspace(settings, create=True)
    fill(ws, tmp_path / "撮影")
    with ws.db.write() as tx:
        _, word = tokens.create(tx, "試験", "admin")
        # Its worker stays alive, however long this takes.
        tx.execute(update(t.node).values(seen=time.time() + 3600))
    with serving(settings):
        done = subprocess.run(
            [
                *(program, "--no-color", "--config-file", config, "run", f"{settings.url()}/api/v1/openapi.json"),
                *("--header", f"Authorization: Bearer {word}"),
                *("--phases", "examples,coverage,fuzzing", "--max-examples", "20", "--seed", "1"),
                # It would take away its own key and learn nothing more.
                *("--exclude-path-regex", "/tokens/"),
            ],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=600,
            check=False,
        )
    ws.close()
    assert done.returncode == 0, done.stdout
