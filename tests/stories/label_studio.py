"""A real Label Studio for stories, and an annotator who sits at it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import requests

from bridge.label_studio import Server, cache_folder, fresh_server, installed
from tests.parts import absent


@contextmanager
def started(folder: Path) -> Iterator[Server]:
    """A server over a fresh copy of an empty database; it skips where Label Studio is missing."""
    here = os.environ.get("LABELBRIDGE_LABEL_STUDIO") or installed(cache_folder())
    if here is None and os.environ.get("LABELBRIDGE_REQUIRE_ALL") != "1":  # There it is installed: 1 GB, two minutes.
        absent("Label Studio")
    with fresh_server(folder) as server:
        yield server


class Person:
    """Somebody with a browser: logged in by form, with a session and its CSRF token."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self._session = requests.Session()
        self._session.get(f"{server.url}/user/login/")
        form = {"email": server.access.user, "password": server.access.password}
        entered = self._session.post(
            f"{server.url}/user/login/", data={**form, "csrfmiddlewaretoken": self._csrf()}, headers=self._headers()
        )
        assert entered.ok

    def __enter__(self) -> Person:
        return self

    def __exit__(self, *_: object) -> None:
        self._session.close()

    def ask(self, method: str, path: str, **rest: Any) -> requests.Response:
        """A request as the page makes it."""
        return self._session.request(method, self.server.url + path, headers=self._headers(), timeout=60, **rest)

    def get(self, path: str) -> Any:
        """What the page is told."""
        answer = self.ask("GET", path)
        assert answer.ok, answer.text[:500]
        return answer.json()

    def next(self, project: int) -> dict[str, Any]:
        """The next picture of the label stream, with the predictions that it shows."""
        found: dict[str, Any] = self.get(f"/api/projects/{project}/next")
        return found

    def submit(self, task: int, result: list[dict[str, Any]], **rest: Any) -> requests.Response:
        """Submit what was drawn."""
        return self.ask("POST", f"/api/tasks/{task}/annotations/", json={"result": result, "lead_time": 3.2, **rest})

    def cookies(self) -> list[dict[str, str]]:
        """The session, for a browser."""
        return [{"name": str(c.name), "value": str(c.value), "url": self.server.url} for c in self._session.cookies]

    def _csrf(self) -> str:
        return str(self._session.cookies.get("csrftoken"))

    def _headers(self) -> dict[str, str]:
        return {"Referer": self.server.url, "X-CSRFToken": self._csrf()}


def box(label: str, x: float, y: float, width: float, height: float, **rest: Any) -> dict[str, Any]:
    """A drawn box in percent."""
    value = {"x": x, "y": y, "width": width, "height": height, "rotation": 0, "rectanglelabels": [label]}
    shape = {"from_name": "label", "to_name": "image", "type": "rectanglelabels", "value": value}
    return {**shape, "original_width": 640, "original_height": 480, "image_rotation": 0, "origin": "manual", **rest}
