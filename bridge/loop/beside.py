"""A thread beside the web requests, which never wait for it."""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from typing import Self

from bridge.workspace import Workspace


class Beside(ABC):
    """Begins when it is told to, and ends with the process or when it is asked to."""

    def __init__(self, ws: Workspace, name: str) -> None:
        self._ws = ws
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> Self:
        """Begin."""
        self._thread.start()
        return self

    def stop(self, seconds: float = 5.0) -> None:
        """End after the round at hand."""
        self._stop.set()
        self._thread.join(seconds)

    @abstractmethod
    def _run(self) -> None:
        """Go on, round after round, until it shall stop."""
