"""The same commands on the data folder here and on a server elsewhere say the same."""

from __future__ import annotations

import shutil
import struct
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

import msgspec
import pytest

from bridge import background
from bridge.loop import work
from bridge.loop.connect import connect_folder
from bridge.model.job import JobState, Node
from bridge.model.training import Failure, Recipe, RunEvent
from bridge.model.work import Beat, End, Events, NewCheckpoint
from bridge.registry import Registry
from bridge.settings import Settings
from bridge.store import jobs, nodes, projects, tokens
from bridge.web.app import create_app
from bridge.workspace import Workspace, open_workspace
from tests.bridge.cli.conftest import Said, Say
from tests.bridge.cli.test_conflicts_cli import clash
from tests.serving import PROJECT, Served, make_run
from tests.untold import draw_untold

# Real child programs and servers: too slow for the unit tests.
pytestmark = pytest.mark.story

TINY = ("--template", "demo-tiny", "--size", "128x96", "--max-batches", "40")


class Both:
    """Calls a command on either side of the bridge."""

    def __init__(self, say: Say, served: Served, data: Path) -> None:
        self._say, self.ws, self._data = say, served.ws, data
        with self.ws.db.write() as tx:
            _, self.token = tokens.create(tx, "愛子", "admin")
        self.url = served.url

    def here(self, *words: str) -> Said:
        return self._say(*words, "--data", self._data)

    def there(self, *words: str, token: str = "") -> Said:
        return self._say(*words, "--server", self.url, "--token", token or self.token)

    def same(self, *words: str, code: int = 0, people: bool = True) -> Any:
        """The JSON that both sides print, after seeing that people are told the same too."""
        if people:
            here, there = (side(*words, "--lang", "ja") for side in (self.here, self.there))
            assert (here.code, here.out, here.err) == (there.code, there.out, there.err)
            assert here.out + here.err != ""
        here, there = self.here(*words, "--json"), self.there(*words, "--json")
        assert (here.code, there.code) == (code, code)
        assert here.json == there.json
        return here.json


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder with an empty store."""
    folder = tmp_path_factory.mktemp("empty") / "data"
    open_workspace(Settings(data=folder), create=True).close()
    return folder


@pytest.fixture(scope="module")
def app(empty: Path) -> Any:
    """One app for all: to make it takes longer than most that is asked of it."""
    return create_app(open_workspace(Settings(data=empty)))


@pytest.fixture
def both(say: Say, tmp_path: Path, empty: Path, app: Any) -> Iterator[Both]:
    shutil.copytree(empty, tmp_path / "data")
    ws = app.extensions["workspace"] = open_workspace(Settings(data=tmp_path / "data"))
    served = Served(ws, app)
    yield Both(say, served, tmp_path / "data")
    served.close()
    ws.close()


def node(ws: Workspace) -> None:
    engine = {"engine": "darknet", "fork": "pjreddie", "version": "", "binary": "darknet", "capabilities": ["train"]}
    with ws.db.write() as tx:
        nodes.put(tx, Node("gpu-1", engine=engine, queues=("train", "detect"), seen=time.time()))


def trained(ws: Workspace, folder: Path, state: Literal["done", "failed"] = "done") -> str:
    """A run with a checkpoint, as a worker would have left it."""
    run = make_run(ws, folder)
    number = work.lease(ws, run.job_id, "gpu-1/train").number
    losses = {"iteration": 20, "loss": 3.5, "avg_loss": None}
    events = (RunEvent("iteration", losses, 1, time.time()), RunEvent("message", {"text": "学習中"}, 2, time.time()))
    work.events(ws, run.job_id, Events(number, events))
    blob = ws.blobs.put(b"weights")
    work.checkpoint(ws, run.job_id, NewCheckpoint(number, blob, 20, "last", 7))
    failure = Failure("nan", "nan-diverged", "nan-diverged-action", {"iteration": 20}, ("last words",))
    work.finish(ws, run.job_id, End(number, state, msgspec.to_builtins(failure) if state == "failed" else None))
    return run.id


# ---------------------------------------------------------------- projects and labels


def test_projects(both: Both) -> None:
    assert both.same("project", "list") == {"projects": []}
    made = both.there("project", "create", "撮影 / 二階", "--json").json
    assert both.here("project", "create", "撮影 / 二階").code == 1
    assert both.there("project", "create", "撮影 / 二階", "--json").json["error"]["name"] == "project-exists"
    assert both.same("project", "list")["projects"][0] == {
        "name": "撮影 / 二階",
        "id": made["id"],
        **dict.fromkeys(("images", "labelled", "reviewed_empty", "unknown", "boxes"), 0),
        "labels": [],
    }
    # A slash fits no address, and looks like a path.
    assert both.same("check", "撮影 / 二階") == {"findings": [], "fixed": 0}
    assert both.there("project", "remove", "撮影 / 二階", "--json").code == 3
    assert both.there("project", "remove", "撮影 / 二階", "--yes", "--json").json == {"removed": made["id"]}
    assert both.same("check", "撮影", code=1)["error"]["name"] == "project-missing"


def test_the_ledger_knows_who_it_was(both: Both) -> None:
    both.here("project", "create", "one")
    both.there("project", "create", "two")
    with both.ws.db.read() as tx:
        assert [(line["who"], line["what"]) for line in tokens.recorded(tx)] == [("愛子", "create")] * 2


def test_check_fix_and_cut(both: Both, vott: Path) -> None:
    both.here("import", "撮影", str(vott))
    found = both.same("check", "撮影", "--size", "64x64", code=1)["findings"]
    assert {"tiny", "untagged", "zero-area"} <= {f["rule"] for f in found}
    assert both.same("check", "p", code=1)["error"]["name"] == "project-missing"
    fixed = both.there("check", "撮影", "--fix", "--fail-on", "warning", "--json")
    assert (fixed.code, fixed.json["fixed"]) == (1, 2)
    made = both.there("cut", "撮影", "--split", "0.8", "--seed", "3", "--json").json
    assert made["new"]
    again = both.same("cut", "撮影", "--split", "0.8", "--seed", "3")
    assert again == {**made, "new": False}
    (listed := Path("valid.txt")).write_text("bench_003.jpg\nbench_004.jpg\n")
    assert both.there("cut", "撮影", "--valid", str(listed), "--json").json["valid"] >= 2


def test_conflicts_and_their_end(both: Both) -> None:
    assert both.same("conflicts", "p", code=1)["error"]["name"] == "project-missing"
    first, second = clash(both.ws, "p / q")
    [one] = both.same("conflicts", "p / q")["conflicts"]
    assert [h["number"] for h in one["heads"]] == [first, second]
    assert "conflict" in {f["rule"] for f in both.same("check", "p / q")["findings"]}
    assert both.same("resolve", "p / q", "ない", "--keep", "1", code=1)["error"]["name"] == "image-missing"
    assert both.same("resolve", "p / q", "あ 1.jpg", "--keep", "99", code=1)["error"]["name"] == "revision-missing"
    done = both.there("resolve", "p / q", "あ 1.jpg", "--keep", str(second), "--json").json
    assert (done["kept"], done["revision"]) == (second, second + 1)
    assert both.same("conflicts", "p / q") == {"conflicts": []}
    keep = ("resolve", "p / q", "あ 1.jpg", "--keep", str(second))
    assert both.same(*keep, code=1)["error"]["name"] == "resolve-nothing"


# ---------------------------------------------------------------- training


def test_what_waits_is_decided_from_either_side(both: Both, tmp_path: Path) -> None:
    first, second = draw_untold(tmp_path / "a"), draw_untold(tmp_path / "b")
    for path in (first, second):
        assert both.here("import", "浴衣", str(path)).code == 3
    listed = both.same("deliveries", "浴衣", people=False)["deliveries"]
    assert [d["id"] for d in listed] == [2, 1]
    assert both.there("delivery", "show", "1", "--json").json["body"]["path"] == str(first)
    assert f"{both.url}/deliveries/1" in both.there("delivery", "show", "1").out
    for name in ("B.jpg", "浴衣.jpg"):
        (tmp_path / "b" / "images" / name).unlink()
    refused = both.there("delivery", "resume", "2", "--order", "ntfs", "--json")
    assert (refused.code, refused.json["error"]["name"]) == (3, "index-short")
    done = both.there("delivery", "resume", "1", "--order", "ntfs", "--json").json
    assert (done["outcome"]["order"], done["outcome"]["who"]) == ("ntfs", "愛子")
    assert both.there("delivery", "dismiss", "2").code == 0
    assert both.same("deliveries")["deliveries"] == []


def test_plan_and_start(both: Both, vott: Path) -> None:
    both.here("import", "撮影", str(vott))
    node(both.ws)
    both.here("cut", "撮影")
    plan = both.same("train", "撮影", *TINY, "--dry-run")
    assert (plan["recipe"]["width"], plan["recipe"]["max_batches"]) == (128, 40)
    newer = ("train", "撮影", "--template", "yolov4-tiny")
    broken = both.same(*newer, "--dry-run", code=1, people=False)
    assert {f["rule"] for f in broken["findings"]} >= {"cfg-fork"}
    assert both.same(*newer, code=3, people=False)["error"]["name"] == "plan-broken"
    assert both.same("train", "撮影", "--dry-run", people=False)["recipe"]["width"] == 416
    Path("own.cfg").write_text(plan["recipe"]["cfg"])
    own = both.same("train", "撮影", "--cfg", "own.cfg", "--dry-run", people=False)
    assert own["recipe"]["cfg"] == plan["recipe"]["cfg"]
    recipe = msgspec.convert(plan["recipe"], Recipe)
    Path("torn.weights").write_bytes(bytes(100))
    for side in (both.here, both.there):
        torn = side("train", "撮影", *TINY, "--weights", "torn.weights", "--json")
        assert (torn.code, torn.json["error"]["rules"]) == (3, "weights-size")
    size = Registry().engine("darknet").outlook(recipe, None).weights_bytes
    Path("w.weights").write_bytes(struct.pack("<iiiQ", 0, 2, 0, 0).ljust(size, b"\0"))
    started = [
        side("train", "撮影", *TINY, "--weights", "w.weights", "--json").json for side in (both.here, both.there)
    ]
    assert [one["state"] for one in started] == ["queued", "queued"]
    assert started[0]["recipe"] == started[1]["recipe"]
    assert both.ws.blobs.has(started[0]["recipe"]["weights"])
    assert {r["run"] for r in both.same("runs", "撮影")["runs"]} == {one["run"] for one in started}
    assert both.there("run", "cancel", started[1]["run"][:6], "--json").json["state"] == "cancelled"


def test_without_a_worker_it_says_so(both: Both, tmp_path: Path) -> None:
    run = trained(both.ws, tmp_path / "写真", "failed")
    for words in (("train", PROJECT, *TINY), ("run", "resume", run), ("predict", PROJECT)):
        for side in (both.here, both.there):
            said = side(*words, "--json")
            assert (said.code, said.json["error"]["name"]) == (1, "worker-missing"), words
            assert "labelbridge up" in said.json["error"]["message"]


@pytest.mark.parametrize("state", ["done", "failed"])
def test_a_run_and_its_report(both: Both, tmp_path: Path, state: Literal["done", "failed"]) -> None:
    run = trained(both.ws, tmp_path / "写真", state)
    shown = both.same("run", "show", run[:8])
    assert (shown["run"], shown["state"], shown["iteration"], shown["map"]) == (run, state, 20, None)
    assert (shown["failure"] or {}).get("class") == ("nan" if state == "failed" else None)
    assert [c["iteration"] for c in shown["checkpoints"]] == [20]
    assert both.same("run", "show", "ffffffff", code=1)["error"]["name"] == "run-missing"
    assert both.there("run", "show", "%/x", "--json").json["error"]["name"] == "run-missing"
    assert both.here("run", "show", "%", "--json").json["error"]["name"] == "run-missing"
    assert both.same("run", "log", run, "-n", "1") == {"run": run, "lines": ["学習中"]}
    assert both.same("runs")["runs"][0]["run"] == run
    here, there = (side("report", run, "--json").json for side in (both.here, both.there))
    assert {**here, "created": ""} == {**there, "created": ""}
    assert here["losses"] == [{"iteration": 20, "loss": 3.5, "avg_loss": None}]
    for side, name in ((both.here, "here.html"), (both.there, "there.html")):
        assert side("report", run, "--out", name).code == 0
        assert PROJECT in Path(name).read_text("utf-8")


def test_resume(both: Both, tmp_path: Path) -> None:
    run = trained(both.ws, tmp_path / "写真", "failed")
    node(both.ws)
    assert both.there("run", "resume", run, "--json").json == {"run": run, "state": "queued"}
    assert both.same("run", "resume", run, code=1)["error"]["name"] == "run-not-resumable"


def test_watching_until_it_ends(both: Both, tmp_path: Path, say: Say, monkeypatch: pytest.MonkeyPatch) -> None:
    make_run(both.ws, tmp_path / "写真")
    node(both.ws)

    def take(kind: str) -> tuple[str, int]:
        """The next job of a kind, as a worker takes it."""
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            with both.ws.db.read() as tx:
                due = [j for j in jobs.listing(tx, state=JobState.QUEUED, kind=kind) if j.created > since]
            if due:
                return due[0].id, work.lease(both.ws, due[0].id, "gpu-1/worker").number
            time.sleep(0.05)
        raise AssertionError(f"no job {kind} came")

    def train() -> None:
        """What workers do, in short: the scoring is still to come when the training has ended."""
        job, number = take("train")
        work.heartbeat(both.ws, job, Beat(number, {"iteration": 40}))
        blob = both.ws.blobs.put(job.encode())
        work.checkpoint(both.ws, job, NewCheckpoint(number, blob, 40, "final", 16))
        work.finish(both.ws, job, End(number, "done"))
        job, number = take("detect")
        time.sleep(0.7)
        work.finish(both.ws, job, End(number, "failed", {"rule": "work-broken", "fields": {"reason": "-"}}))

    for side, words in ((both.here, ("--json",)), (both.there, ())):
        with both.ws.db.read() as tx:
            since = max(j.created for j in jobs.listing(tx))
        worker = threading.Thread(target=train)
        worker.start()
        said = side("train", PROJECT, *TINY, "--watch", *words)
        worker.join()
        assert said.code == 0, said.out
        if words:
            assert said.json["state"] == "done"
        else:  # A missing number has a reason.
            assert "could not be scored: 1." in said.out
            assert "ended by an error that nobody expected" in said.err
        with both.ws.db.read() as tx:
            assert jobs.listing(tx, state=JobState.RUNNING) == []


# ---------------------------------------------------------------- models and tools


def test_promote_and_predict(both: Both, tmp_path: Path) -> None:
    run = trained(both.ws, tmp_path / "写真")
    node(both.ws)
    checkpoint = both.same("run", "show", run)["checkpoints"][0]["checkpoint"]
    with both.ws.db.read() as tx:
        project = projects.find(tx, PROJECT).id
    assert both.same("promote", checkpoint[:6]) == {"checkpoint": checkpoint, "project": project}
    assert both.same("promote", "best", "--project", PROJECT, code=1)["error"]["name"] == "checkpoint-none"
    both.here("project", "create", "other")
    assert both.same("promote", checkpoint, "--project", "other", code=1)["error"]["name"] == "checkpoint-elsewhere"
    assert both.same("promote", "0123456", code=1)["error"]["name"] == "checkpoint-missing"
    made = both.there("predict", PROJECT, "--no-wait", "--json").json
    with both.ws.db.read() as tx:
        assert jobs.find(tx, made["job"]).payload["checkpoint"] == checkpoint


@pytest.fixture
def bridge_queue(both: Both, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Does the jobs of queue bridge, as the process beside the server does."""
    monkeypatch.setenv("LABELBRIDGE_LOG_LEVEL", "critical")
    ended = threading.Event()

    def work_off() -> None:
        while not ended.wait(0.05):
            with both.ws.db.read() as tx:
                due = [
                    j for j in jobs.listing(tx, state=JobState.QUEUED) if j.queue == "bridge" and j.due <= time.time()
                ]
            for job in due:
                background.do(both.ws, job.id)

    thread = threading.Thread(target=work_off)
    thread.start()
    yield
    ended.set()
    thread.join()


def test_sync_and_push(both: Both, vott: Path, bridge_queue: None) -> None:
    both.here("project", "create", "撮影")
    assert both.same("push", "撮影", code=1)["error"]["name"] == "checkpoint-none"
    connect_folder(both.ws, "撮影", "vott-v2", vott)  # The command would read it at once.
    assert [s["kind"] for s in both.here("source", "list", "撮影", "--json").json["sources"]] == ["vott-v2"]
    pulled = both.there("sync", "撮影", "--json")
    assert pulled.code == 0
    assert pulled.json["pulled"] == [{"images": 30, "boxes": 116, "revisions": 29}]
    assert "untagged" in {f["rule"] for f in pulled.json["findings"]}
    assert pulled.json["pushed"] == [{"sent": 0, "accepted": 0, "written": 0, "refused": []}]
    assert both.same("sync", "撮影")["pulled"] == [{"images": 0, "boxes": 0, "revisions": 0}]
    assert both.same("sync", "撮影", "--source", "nothing", code=1)["error"]["name"] == "source-missing"


# ---------------------------------------------------------------- the server


def test_nodes_and_tokens(both: Both) -> None:
    assert both.same("nodes") == {"nodes": []}
    node(both.ws)
    assert [(n["name"], n["draining"]) for n in both.same("nodes")["nodes"]] == [("gpu-1", False)]
    assert both.there("node", "drain", "gpu-1", "--json").json == {"node": "gpu-1", "draining": True}
    assert both.same("nodes")["nodes"][0]["draining"]
    assert both.there("node", "drain", "gpu-1", "--undo").code == 0
    assert both.same("node", "drain", "gpu-2", code=1)["error"]["name"] == "node-missing"
    assert both.there("node", "drain", "gpu/2", "--json").json["error"]["name"] == "node-missing"
    made = both.there("token", "create", "監視", "--role", "read", "--json").json
    listed = both.same("token", "list")["tokens"]
    assert (made["id"], "監視", "read", False) in [(t["id"], t["name"], t["role"], t["revoked"]) for t in listed]
    assert both.there("runs", token=made["token"]).code == 0
    assert both.there("token", "revoke", made["id"]).code == 0
    assert both.same("token", "revoke", "0123", code=1)["error"]["name"] == "token-missing"


def test_a_token_without_the_right(both: Both) -> None:
    made = both.here("token", "create", "看", "--role", "read", "--json").json
    said = both.there("cut", "撮影", "--json", token=made["token"])
    assert (said.code, said.json["error"]["name"]) == (1, "right-missing")
    assert both.there("runs", "--json", token="lb_wrong").json["error"]["name"] == "token-wrong"


def test_variables_of_the_surroundings(both: Both, monkeypatch: pytest.MonkeyPatch, say: Say) -> None:
    both.here("project", "create", "撮影")
    monkeypatch.setenv("LABELBRIDGE_SERVER", both.url)
    monkeypatch.setenv("LABELBRIDGE_TOKEN", both.token)
    assert [p["name"] for p in say("project", "list", "--json").json["projects"]] == ["撮影"]
    # What works here only pays no heed to them, and an option is nearer than a variable.
    assert say("source", "list", "撮影", "--json").json["error"]["name"] == "data-missing"
    monkeypatch.setenv("LABELBRIDGE_SERVER", "http://127.0.0.1:1")
    assert [p["name"] for p in both.here("project", "list", "--json").json["projects"]] == ["撮影"]
