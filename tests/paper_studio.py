"""A Label Studio on paper: the few routes that we use, in memory, for faults that the real one cannot be made to have.

It answers as the real server (1.23.2) does, traps included: invalid predictions are dropped with 201, one unknown task
refuses a whole import, a webhook needs a host with a dot. The stories run the same code against the real one.
"""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

TOKEN = "a" * 40
PERSONAL = "eyJh.eyJi.sig"
CONFIG = """<View><Image name="image" value="$image"/><RectangleLabels name="label" toName="image">
<Label value="猫"/><Label value="dog"/></RectangleLabels></View>"""

Reply = tuple[int, Any]


@dataclass(frozen=True, slots=True)
class Asked:
    """One request that came in."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: Any


@dataclass
class PaperStudio:
    """Everything it holds; faults are answers that come first, by "METHOD /path"."""

    url: str = ""
    projects: dict[int, dict[str, Any]] = field(default_factory=dict)
    tasks: dict[int, dict[str, Any]] = field(default_factory=dict)
    predictions: dict[int, dict[str, Any]] = field(default_factory=dict)
    webhooks: dict[int, dict[str, Any]] = field(default_factory=dict)
    backends: dict[int, dict[str, Any]] = field(default_factory=dict)
    uploads: list[str] = field(default_factory=list)
    asked: list[Asked] = field(default_factory=list)
    faults: dict[str, list[Reply]] = field(default_factory=dict)
    access: set[str] = field(default_factory=set)
    after: Callable[[Asked], None] = lambda asked: None
    number: int = 0

    def new(self) -> int:
        self.number += 1
        return self.number

    def project(self, config: str = CONFIG) -> int:
        """A project of somebody's."""
        number = self.new()
        self.projects[number] = {"id": number, "title": "theirs", "label_config": config, "model_version": ""}
        return number

    def task(self, project: int, address: str = "http://elsewhere.test/a.jpg", **rest: Any) -> int:
        """A task of somebody's."""
        number = self.new()
        task = {
            "id": number,
            "project": project,
            "data": {"image": address},
            "meta": {},
            "annotations": [],
            "drafts": [],
        }
        self.tasks[number] = {**task, "updated_at": written(datetime.now(UTC)), **rest}
        return number

    def annotate(self, task: int, *result: dict[str, Any], **rest: Any) -> int:
        """What an annotator submits."""
        number, now = self.new(), written(datetime.now(UTC))
        told = {"id": number, "completed_by": 7, "was_cancelled": False, "updated_at": now, "result": list(result)}
        self.tasks[task]["annotations"].append({**told, **rest})
        self.tasks[task]["updated_at"] = now
        return number

    def count(self, method: str, path: str) -> int:
        """How often this was asked."""
        return sum(a.method == method and a.path == path for a in self.asked)

    def versions(self) -> dict[str, int]:
        """How many predictions of each version it holds."""
        found: dict[str, int] = {}
        for one in self.predictions.values():
            found[one["model_version"]] = found.get(one["model_version"], 0) + 1
        return found

    # ------------------------------------------------------------ answering

    def answer(self, asked: Asked) -> Reply:
        self.asked.append(asked)
        waiting = self.faults.get(f"{asked.method} {asked.path}")
        if waiting:
            return waiting.pop(0)
        if asked.path == "/api/token/refresh/":
            return self._refresh(asked)
        if not self._allowed(asked.headers.get("Authorization", "")):
            return 401, {"detail": "Invalid token.", "status_code": 401}
        for pattern, view in ROUTES:
            found = re.fullmatch(pattern, f"{asked.method} {asked.path}")
            if found:
                reply = view(self, asked, *map(int, found.groups()))
                self.after(asked)
                return reply
        return 404, {"detail": "Not found."}

    def _allowed(self, shown: str) -> bool:
        return shown == f"Token {TOKEN}" or shown in {f"Bearer {word}" for word in self.access}

    def _refresh(self, asked: Asked) -> Reply:
        if asked.body.get("refresh") != PERSONAL:
            return 401, {"detail": "Token is invalid", "code": "token_not_valid"}
        word = f"access-{self.new()}"
        self.access.add(word)
        return 200, {"access": word}


def written(when: datetime) -> str:
    return when.strftime("%Y-%m-%dT%H:%M:%S.%fZ")


# ---------------------------------------------------------------- routes


def make_project(paper: PaperStudio, asked: Asked) -> Reply:
    number = paper.project(asked.body["label_config"])
    paper.projects[number]["title"] = asked.body["title"]
    return 201, paper.projects[number]


def get_project(paper: PaperStudio, asked: Asked, number: int) -> Reply:
    return (200, paper.projects[number]) if number in paper.projects else (404, {"detail": "Not found."})


def change_project(paper: PaperStudio, asked: Asked, number: int) -> Reply:
    wanted = asked.body.get("model_version")
    known = {*paper.versions(), "", *(b["title"] for b in paper.backends.values())}
    if wanted is not None and wanted not in known:
        return 400, {"detail": "Validation error", "validation_errors": {"model_version": ["unknown"]}}
    paper.projects[number] |= asked.body
    return 200, paper.projects[number]


def list_tasks(paper: PaperStudio, asked: Asked) -> Reply:
    fit = [task for task in paper.tasks.values() if task["project"] == int(asked.query["project"])]
    for item in json.loads(asked.query["query"])["filters"]["items"]:
        fit = [task for task in fit if _fits(task, item)]
    page = sorted(fit, key=lambda task: task["id"])[: int(asked.query["page_size"])]
    return 200, {"total": len(fit), "tasks": [_shown(task, asked.query.get("include")) for task in page]}


def _fits(task: dict[str, Any], item: dict[str, Any]) -> bool:
    value = task[item["filter"].rpartition(":")[2]]
    if item["operator"] == "greater":
        return bool(value > item["value"])
    if item["operator"] == "in_list":
        return value in item["value"]
    return bool(value >= item["value"])


def _shown(task: dict[str, Any], include: str | None) -> dict[str, Any]:
    cancelled = sum(a["was_cancelled"] for a in task["annotations"])
    counts = {"total_annotations": len(task["annotations"]) - cancelled, "cancelled_annotations": cancelled}
    whole = {**task, **counts, "predictions": [{"id": 1, "result": [{"id": "x"}]}]}
    return {key: whole[key] for key in include.split(",")} if include else whole


def import_tasks(paper: PaperStudio, asked: Asked, project: int) -> Reply:
    if isinstance(asked.body, bytes):  # Files.
        names = re.findall(rb'filename="([^"]+)"', asked.body)
        numbers = [len(paper.uploads) + n for n in range(len(names))]
        paper.uploads += [f"upload/{project}/0123abcd-{name.decode()}" for name in names]
        return 201, {"file_upload_ids": numbers}
    made = [paper.task(project, **task) for task in asked.body]
    return 201, {"task_count": len(made), "task_ids": made}


def list_uploads(paper: PaperStudio, asked: Asked, project: int) -> Reply:
    return 200, [{"id": n, "file": paper.uploads[n]} for n in json.loads(asked.query["ids"])]


def import_predictions(paper: PaperStudio, asked: Asked, project: int) -> Reply:
    if any(one["task"] not in paper.tasks for one in asked.body):
        return 400, {"detail": "Validation error", "validation_errors": ["Invalid task IDs"]}
    known = set(re.findall(r'<Label value="([^"]+)"', paper.projects[project]["label_config"]))
    used = [{label for item in one["result"] for label in item["value"]["rectanglelabels"]} for one in asked.body]
    fine = [one for one, labels in zip(asked.body, used, strict=True) if labels <= known]
    for one in fine:
        number = paper.new()
        paper.predictions[number] = {"id": number, **one}
    return 201, {"created": len(fine)}


def list_versions(paper: PaperStudio, asked: Asked, project: int) -> Reply:
    return 200, {"static": [{"model_version": v, "count": n} for v, n in paper.versions().items()], "live": None}


def delete_version(paper: PaperStudio, asked: Asked, project: int) -> Reply:
    old = [n for n, one in paper.predictions.items() if one["model_version"] == asked.body["model_version"]]
    for number in old:
        del paper.predictions[number]
    return 200, {"deleted_predictions": len(old)}


def list_predictions(paper: PaperStudio, asked: Asked) -> Reply:
    return 200, list(paper.predictions.values())


def change_prediction(paper: PaperStudio, asked: Asked, number: int) -> Reply:
    paper.predictions[number] |= asked.body
    return 200, paper.predictions[number]


def delete_prediction(paper: PaperStudio, asked: Asked, number: int) -> Reply:
    del paper.predictions[number]
    return 204, None


def make_hook(paper: PaperStudio, asked: Asked) -> Reply:
    host = urlsplit(asked.body["url"]).hostname or ""
    if "." not in host and host != "localhost":
        return 400, {"detail": "Validation error", "validation_errors": {"url": ["Enter a valid URL."]}}
    number = paper.new()
    paper.webhooks[number] = {"id": number, "is_active": True, **asked.body}
    return 201, paper.webhooks[number]


def change_hook(paper: PaperStudio, asked: Asked, number: int) -> Reply:
    paper.webhooks[number] |= asked.body
    return 200, paper.webhooks[number]


def make_backend(paper: PaperStudio, asked: Asked) -> Reply:
    number = paper.new()
    paper.backends[number] = {"id": number, **asked.body}
    told = {"url": f"{asked.body['url']}/webhook", "send_for_all_actions": True, "headers": {}, "actions": []}
    hook = paper.new()
    paper.webhooks[hook] = {"id": hook, "is_active": True, **told}
    paper.projects[asked.body["project"]]["model_version"] = asked.body["title"]
    return 201, paper.backends[number]


def change_backend(paper: PaperStudio, asked: Asked, number: int) -> Reply:
    paper.backends[number] |= asked.body
    return 200, paper.backends[number]


def change_task(paper: PaperStudio, asked: Asked, number: int) -> Reply:
    paper.tasks[number] |= asked.body
    return 200, paper.tasks[number]


ROUTES: list[tuple[str, Callable[..., Reply]]] = [
    ("GET /api/current-user/whoami", lambda paper, asked: (200, {"id": 7, "email": "bridge@example.com"})),
    ("GET /api/users/", lambda paper, asked: (200, [{"id": 7, "email": "aiko@example.com"}])),
    ("POST /api/projects/", make_project),
    (r"GET /api/projects/(\d+)/", get_project),
    (r"PATCH /api/projects/(\d+)/", change_project),
    ("GET /api/tasks/", list_tasks),
    (r"PATCH /api/tasks/(\d+)/", change_task),
    (r"POST /api/projects/(\d+)/import", import_tasks),
    (r"GET /api/projects/(\d+)/file-uploads", list_uploads),
    (r"POST /api/projects/(\d+)/import/predictions", import_predictions),
    (r"GET /api/projects/(\d+)/model-versions/", list_versions),
    (r"DELETE /api/projects/(\d+)/model-versions/", delete_version),
    ("GET /api/predictions/", list_predictions),
    (r"PATCH /api/predictions/(\d+)/", change_prediction),
    (r"DELETE /api/predictions/(\d+)/", delete_prediction),
    ("GET /api/webhooks/", lambda paper, asked: (200, list(paper.webhooks.values()))),
    ("POST /api/webhooks/", make_hook),
    (r"PATCH /api/webhooks/(\d+)/", change_hook),
    ("GET /api/ml/", lambda paper, asked: (200, list(paper.backends.values()))),
    ("POST /api/ml/", make_backend),
    (r"PATCH /api/ml/(\d+)", change_backend),
]


@contextmanager
def paper_studio() -> Iterator[PaperStudio]:
    """One that listens, for as long as the block lasts."""
    paper = PaperStudio()

    class Handler(BaseHTTPRequestHandler):
        def _answer(self) -> None:
            parts = urlsplit(self.path)
            query = {name: values[0] for name, values in parse_qs(parts.query).items()}
            raw = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            multipart = self.headers.get("Content-Type", "").startswith("multipart/")
            body = raw if multipart else json.loads(raw) if raw else None
            status, said = paper.answer(Asked(self.command, parts.path, query, dict(self.headers), body))
            self.send_response(status)
            data = said if isinstance(said, bytes) else b"" if said is None else json.dumps(said).encode()
            if 300 <= status < 400:
                self.send_header("Location", data.decode())
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        do_GET = do_POST = do_PATCH = do_DELETE = _answer

        def log_message(self, format: str, *args: Any) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    paper.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield paper
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
