"""What the admin API answers, as the nouns that it was made from."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import msgspec

from bridge.cli.side import Clash, Difference, Head
from bridge.model.delivery import Delivery
from bridge.model.job import Node
from bridge.model.scores import Scores
from bridge.model.training import Checkpoint, Run


def run_of(body: dict[str, Any]) -> Run:
    """A run."""
    failure = body["failure"]
    told = {
        **body,
        "job_id": body["job"],
        "recipe": {**body["recipe"], "cfg": body["recipe"].get("cfg") or ""},
        "iteration": body.get("progress", {}).get("iteration", body["iteration"]),
        "failure": failure and {**failure, **failure["keys"]},
    }
    return msgspec.convert(told, Run)


def checkpoint_of(run_id: str, body: dict[str, Any]) -> tuple[Checkpoint, Scores | None]:
    """A checkpoint of a run, with its scores."""
    scores = body["scores"]
    if scores is not None:
        scores = msgspec.convert(_with_nan({**scores, "checkpoint_id": body["id"]}), Scores)
    return msgspec.convert({**body, "run_id": run_id}, Checkpoint), scores


def delivery_of(body: dict[str, Any]) -> Delivery:
    """A delivery; its key stays on the server."""
    return msgspec.convert({**body, "key": ""}, Delivery)


def clash_of(body: dict[str, Any]) -> Clash:
    """A picture in conflict."""
    return Clash(body["name"], tuple(_head(head) for head in body["heads"]))


def _head(body: dict[str, Any]) -> Head:
    changes = msgspec.convert(body["changes"], tuple[Difference, ...])
    return Head(body["id"], body["source"], body["author"], body["at"], body["regions"], changes)


def _with_nan(scores: dict[str, Any]) -> dict[str, Any]:
    """Scores with not-a-number where JSON, which has no word for it, says null."""
    classes: Sequence[dict[str, Any]] = scores["classes"]
    return {
        **scores,
        "map": _number(scores["map"]),
        "classes": [{**one, "ap": _number(one["ap"])} for one in classes],
        "stats": {name: _number(value) for name, value in scores["stats"].items()},
    }


def _number(value: float | None) -> float:
    return float("nan") if value is None else value


def node_of(body: dict[str, Any]) -> Node:
    """A node."""
    return msgspec.convert({**body, "seen": datetime.fromisoformat(body["seen"]).timestamp()}, Node)
