"""Label Studio as it calls us: real bodies of the real one, with the secrets that we gave it."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from bridge.loop.tool import secrets_of
from tests.studio_bench import Bench

EVENTS = Path(__file__).parent / "fixtures" / "label_studio"


def sent(name: str) -> dict[str, Any]:
    """The body of a real request."""
    body: dict[str, Any] = json.loads((EVENTS / f"{name}.json").read_text("utf-8"))["body"]
    return body


class Studio:
    """A connected Label Studio, from our side."""

    def __init__(self, app: Flask, bench: Bench) -> None:
        self.source = bench.connect(backend=True)
        words = secrets_of(bench.ws, self.source)
        self.bench, self.secret, self.password = bench, words["webhook"], words["backend"]
        app.extensions["workspace"] = bench.ws
        self.client: FlaskClient = app.test_client()

    def tells(self, name: str, path: str = "/webhooks/label-studio/{project}", **headers: str) -> TestResponse:
        """A real event, to one of our addresses."""
        headers = {"X-Labelbridge-Secret": self.secret, **headers}
        return self.client.post(path.format(project=self.bench.project), json=sent(name), headers=headers)

    def asks(self, method: str, route: str, body: object = None, **shown: str) -> TestResponse:
        """A request to us as its ML backend; shown is user and password if not ours."""
        user, password = shown.get("user", "labelbridge"), shown.get("password", self.password)
        basic = base64.b64encode(f"{user}:{password}".encode()).decode()
        path = f"/ml/{self.bench.project}{route}"
        return self.client.open(path, method=method, json=body, headers={"Authorization": f"Basic {basic}"})
