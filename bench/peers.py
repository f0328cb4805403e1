"""Programs to measure beside, each in an environment of its own, made on first use."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from bench.measure import Taken, run
from bridge.label_studio import cache_folder


def environment(package: str, version: str, *others: str) -> Path | None:
    """The Python that has this version of a package; None where it cannot be installed."""
    place = cache_folder() / f"{package}-{version}"
    python = place / "bin" / "python"
    if not (place / ".complete").exists():
        print(f"Installing {package} {version} into {place}, once …", file=sys.stderr)
        commands = (
            [sys.executable, "-m", "venv", place],
            [python, "-m", "pip", "install", "--quiet", f"{package}=={version}", *others],
        )
        for argv in commands:
            if subprocess.run([str(a) for a in argv], check=False).returncode != 0:
                return None
        (place / ".complete").touch()
    return python


def script(python: Path, text: str, *words: str | Path) -> Taken:
    """Run a few lines with that Python."""
    return run([python, "-c", text, *words])
