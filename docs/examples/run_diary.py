"""A listener: a diary of all trainings, one line whenever one begins, ends or fails."""

# start run-diary
from __future__ import annotations

from datetime import datetime
from pathlib import Path

from bridge.plugin import hookimpl

DIARY = Path("labelbridge-diary.txt")


class RunDiary:
    """Appends to a text file; sending a message to a chat would look the same."""

    @hookimpl
    def run_changed(self, run_id: str, state: str) -> None:
        """Write a line."""
        with DIARY.open("a", encoding="utf-8") as file:
            file.write(f"{datetime.now():%Y-%m-%d %H:%M} {run_id} {state}\n")


PLUGINS = {"listener:run-diary": RunDiary}
# end run-diary
