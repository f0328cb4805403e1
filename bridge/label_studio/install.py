"""Label Studio installed once, and a template of its data.

It brings about 160 packages that would not fit beside ours, so it gets a virtual environment in the cache folder. Its
first start makes a database (some 45 s); that data folder is kept, and a copy of it starts in a few seconds.
"""

from __future__ import annotations

import json
import os
import secrets
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path

from filelock import FileLock

from bridge.errors import MissingPartError
from bridge.label_studio.server import ACCESS, Access, Server

VERSION = "1.23.2"
# What it takes on disk, and how long pip takes on a small machine.
MEGABYTES = 995
MINUTES = 2
_FIRST_START_SECONDS = 240.0
_COMPLETE = ".complete"

# Says a key of the catalogue cli with its fields.
Say = Callable[..., None]


def silent(key: str, **fields: object) -> None:
    """Say nothing."""


def cache_folder(environ: Mapping[str, str] | None = None) -> Path:
    """Where what is made once lies: LABELBRIDGE_CACHE, else ~/.cache/labelbridge."""
    environ = os.environ if environ is None else environ
    told = environ.get("LABELBRIDGE_CACHE")
    return Path(told) if told else Path.home() / ".cache" / "labelbridge"


def program(cache: Path, say: Say = silent) -> Path:
    """The program label-studio: the one that LABELBRIDGE_LABEL_STUDIO names, else ours, installed on first use."""
    told = os.environ.get("LABELBRIDGE_LABEL_STUDIO")
    if not told:
        return install(cache, say)
    if not Path(told).is_file():
        raise MissingPartError("label-studio-program-missing", path=told)
    return Path(told)


def installed(cache: Path) -> Path | None:
    """The program, if it was installed here wholly."""
    folder = cache / f"label-studio-{VERSION}"
    return folder / "bin" / "label-studio" if (folder / _COMPLETE).is_file() else None


def install(cache: Path, say: Say = silent) -> Path:
    """Install it unless it is there; gives the program. Raises MissingPartError with what pip said."""
    cache.mkdir(parents=True, exist_ok=True)
    folder = cache / f"label-studio-{VERSION}"
    with FileLock(f"{folder}.lock"):
        found = installed(cache)
        if found is not None:
            return found
        shutil.rmtree(folder, ignore_errors=True)  # What was interrupted.
        say("label-studio-installing", version=VERSION, path=folder, megabytes=MEGABYTES, minutes=MINUTES)
        began = time.monotonic()
        for argv in _install_commands(folder):
            _must(argv)
        # A virtual environment cannot be moved, so a marker instead of a rename says that it is whole.
        (folder / _COMPLETE).write_text(VERSION)
        say("label-studio-installed", seconds=round(time.monotonic() - began), megabytes=_megabytes(folder))
    return folder / "bin" / "label-studio"


def _install_commands(folder: Path) -> list[list[str]]:
    wanted, python = f"label-studio=={VERSION}", str(folder / "bin" / "python")
    uv = shutil.which("uv") or shutil.which("uv", path=str(Path(sys.executable).parent))
    if uv:
        return [
            [uv, "venv", "--quiet", "--python", sys.executable, str(folder)],
            [uv, "pip", "install", "--quiet", "--python", python, wanted],
        ]
    return [
        [sys.executable, "-m", "venv", str(folder)],
        [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", wanted],
    ]


def _must(argv: list[str]) -> None:
    try:
        done = subprocess.run(argv, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    except OSError as error:
        raise MissingPartError("label-studio-not-installed", version=VERSION, reason=str(error)) from None
    if done.returncode != 0:
        reason = " ".join((done.stderr or done.stdout).strip().splitlines()[-4:])
        raise MissingPartError("label-studio-not-installed", version=VERSION, reason=reason)


def _megabytes(folder: Path) -> int:
    return sum(p.stat().st_size for p in folder.rglob("*") if p.is_file() and not p.is_symlink()) // 1_000_000


def template(cache: Path, program: Path, say: Say = silent) -> Path:
    """A data folder with an empty database and one user, made by a first start unless it is there."""
    cache.mkdir(parents=True, exist_ok=True)
    folder = cache / f"label-studio-data-{VERSION}"
    with FileLock(f"{folder}.lock"):
        if (folder / _COMPLETE).is_file():
            return folder
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(mode=0o700)
        say("label-studio-first-start", seconds=45)
        access = Access("admin@example.com", secrets.token_urlsafe(12), secrets.token_hex(20))
        path = folder / ACCESS
        path.touch(mode=0o600)
        path.write_text(json.dumps(asdict(access)))
        with Server(program, folder, start_seconds=_FIRST_START_SECONDS):
            pass
        (folder / _COMPLETE).write_text(VERSION)
    return folder


def fresh_server(folder: Path, say: Say = silent, port: int = 0, guarded: bool = False) -> Server:
    """A server over a data folder (a copy of the template when it is not there yet); all that it needs is made."""
    cache = cache_folder()
    found = program(cache, say)
    if not folder.exists():
        shutil.copytree(template(cache, found, say), folder, ignore=shutil.ignore_patterns(_COMPLETE))
    return Server(found, folder, port, guarded=guarded)
