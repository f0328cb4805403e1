from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from bridge import label_studio
from bridge.errors import MissingPartError
from bridge.label_studio import Access, Server

ACCESS = Access("admin@example.com", "geheim", "0" * 40)


def make_program(path: Path, body: str) -> Path:
    path.write_text(f"#!{sys.executable}\n{body}")
    path.chmod(0o755)
    return path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "data"
    made.mkdir()
    (made / "access.json").write_text(
        json.dumps({"user": ACCESS.user, "password": ACCESS.password, "token": ACCESS.token})
    )
    return made


def test_a_named_program_is_used_and_a_wrong_name_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    there = make_program(tmp_path / "label-studio", "")
    monkeypatch.setenv("LABELBRIDGE_LABEL_STUDIO", str(there))
    assert label_studio.program(tmp_path / "cache") == there
    monkeypatch.setenv("LABELBRIDGE_LABEL_STUDIO", str(tmp_path / "not-there"))
    with pytest.raises(MissingPartError, match="label-studio-program-missing"):
        label_studio.program(tmp_path / "cache")


def test_a_half_installation_does_not_count(tmp_path: Path) -> None:
    folder = tmp_path / f"label-studio-{label_studio.VERSION}"
    (folder / "bin").mkdir(parents=True)
    (folder / "bin" / "label-studio").touch()
    assert label_studio.installed(tmp_path) is None
    (folder / ".complete").touch()
    assert label_studio.installed(tmp_path) == folder / "bin" / "label-studio"
    assert label_studio.install(tmp_path) == folder / "bin" / "label-studio"


def test_a_failing_installation_says_why(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tools = tmp_path / "tools"
    tools.mkdir()
    make_program(tools / "uv", "import sys; sys.exit('no network here')")
    monkeypatch.setenv("PATH", f"{tools}{os.pathsep}{os.environ['PATH']}")
    with pytest.raises(MissingPartError) as caught:
        label_studio.install(tmp_path / "cache")
    assert caught.value.fields["reason"] == "no network here"
    assert label_studio.installed(tmp_path / "cache") is None


def test_its_environment_holds_no_stray_settings(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("DEBUG", "HOST", "DATABASE_NAME", "LABEL_STUDIO_DEBUG"):
        monkeypatch.setenv(name, "stray")
    told = label_studio.environment(ACCESS, folder, 8080)
    assert "stray" not in told.values()
    assert told["LABEL_STUDIO_HOST"] == "http://127.0.0.1:8080"
    assert (told["LABEL_STUDIO_COLLECT_ANALYTICS"], told["SENTRY_DSN"]) == ("false", "")


def test_a_server_that_ends_at_once_is_told_with_its_words(folder: Path, tmp_path: Path) -> None:
    broken = make_program(tmp_path / "label-studio", "import sys; sys.exit('no such table: core_user')")
    with pytest.raises(MissingPartError) as caught:
        Server(broken, folder).start()
    assert "no such table: core_user" in caught.value.fields["log"]


def test_the_password_is_not_on_the_command_line(folder: Path, tmp_path: Path) -> None:
    # Given a server that shows its own command line and environment, on the port that it was told
    shows = """
import http.server, os, subprocess, sys
print(subprocess.run(["ps", "-o", "args=", "-p", str(os.getpid())], capture_output=True, text=True).stdout)
print("PASSWORD IS", os.environ["LABEL_STUDIO_PASSWORD"])
class Healthy(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
port = int(sys.argv[sys.argv.index("--port") + 1])
server = http.server.HTTPServer(("127.0.0.1", port), Healthy)
print(f"Starting development server at http://127.0.0.1:{port}/", flush=True)
server.serve_forever()
"""
    # When it is started
    with Server(make_program(tmp_path / "label-studio", shows), folder) as server:
        said = server.log()
    # Then it got the password, but nobody who lists the processes did
    assert f"PASSWORD IS {ACCESS.password}" in said
    assert said.count(ACCESS.password) == 1
    assert subprocess.run(["curl", "-s", server.url], check=False).returncode != 0


def test_another_port_than_ours_is_not_accepted(folder: Path, tmp_path: Path) -> None:
    elsewhere = "import time\nprint('Starting development server at http://127.0.0.1:9/', flush=True)\ntime.sleep(60)"
    with pytest.raises(MissingPartError, match="label-studio-not-up"):
        Server(make_program(tmp_path / "label-studio", elsewhere), folder, port=45_678).start()
