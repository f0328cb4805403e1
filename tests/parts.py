"""Real parts that tests need (a missing one skips, or fails where all must be there), and what stories share."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

import pytest

# Where Debian puts it.
CHROMIUM = "/usr/bin/chromium"


def absent(what: str) -> NoReturn:
    """Skip because a real part is missing, or fail where all must be there."""
    if os.environ.get("LABELBRIDGE_REQUIRE_ALL") == "1":
        pytest.fail(f"{what} is missing, and LABELBRIDGE_REQUIRE_ALL=1")
    pytest.skip(f"{what} is not installed")


@dataclass(frozen=True, slots=True)
class DemoRun:
    """A finished demo: its folder, what it printed as JSON, and its exit code."""

    folder: Path
    told: dict[str, Any]
    exit_code: int
