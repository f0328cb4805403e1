from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bridge import listeners
from bridge.errors import NotFoundError
from bridge.listeners import tell
from bridge.loop import dispatch, train, work
from bridge.loop.check import check
from bridge.loop.cut import CutOptions, cut
from bridge.loop.intake import take
from bridge.model.annotation import Box, Document, Image, Region
from bridge.model.dataset import Reading
from bridge.model.project import Project
from bridge.model.work import End
from bridge.plugin import hookimpl
from bridge.registry import Plugin, Registry
from bridge.workspace import Workspace
from tests.serving import make_run

HEAD = """
import time
from bridge.plugin import hookimpl
"""


class Ear:
    """Remembers what it hears."""

    def __init__(self) -> None:
        self.heard: list[Any] = []

    @hookimpl
    def run_changed(self, run_id: str, state: str) -> None:
        self.heard.append((run_id, state))

    @hookimpl
    def dataset_cut(self, version: str) -> None:
        """Takes fewer arguments than there are."""
        self.heard.append(version)

    @hookimpl
    def findings_changed(self, project: str, counts: dict[str, int]) -> None:
        self.heard.append((project, counts))


def listening(registry: Registry, listener: object, name: str = "ear") -> Any:
    """A listener for one test."""
    registry.add(Plugin("listener", name, "test", "package"), listener)
    return listener


def reason(registry: Registry, name: str) -> str:
    with pytest.raises(NotFoundError) as missing:
        registry.find("listener", name)
    return str(missing.value.fields["reason"])


def dropped(folder: Path, name: str, body: str) -> None:
    text = f'{HEAD}\nclass Ear:\n{body}\n\nPLUGINS = {{"listener:{name}": Ear}}\n'
    (folder / f"{name}.py").write_text(text, "utf-8")


def test_a_listener_hears_what_it_asked_for() -> None:
    registry = Registry()
    ear = listening(registry, Ear())
    tell(registry, "run_changed", run_id="r1", state="running")
    tell(registry, "dataset_cut", project="bolts", version="abc")
    assert ear.heard == [("r1", "running"), "abc"]


def test_broken_ones_are_put_aside_and_the_others_hear(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listeners, "SECONDS", 0.2)
    bodies = {
        "hangs": "    @hookimpl\n    def run_changed(self): time.sleep(5)",
        "leaves": "    @hookimpl\n    def run_changed(self): raise SystemExit(1)",
        "misnamed": "    @hookimpl\n    def run_changes(self): pass",
        "raises": "    @hookimpl\n    def run_changed(self, state): raise ValueError(state)",
        "wants": "    @hookimpl\n    def run_changed(self, loss): pass",
    }
    for name, body in bodies.items():
        dropped(tmp_path, name, body)
    registry = Registry(tmp_path)
    ear = listening(registry, Ear())
    tell(registry, "run_changed", run_id="r1", state="failed")
    tell(registry, "run_changed", run_id="r1", state="queued")
    assert ear.heard == [("r1", "failed"), ("r1", "queued")]
    assert registry.names("listener") == ["ear"]
    reasons = {name: reason(registry, name) for name in bodies}
    assert reasons["hangs"] == "no end after 0.2 s (run_changed)"
    assert reasons["leaves"] == "SystemExit: 1"
    assert reasons["raises"] == "ValueError: failed"
    assert "run_changes" in reasons["misnamed"]
    assert "loss" in reasons["wants"]


def test_without_listeners_nothing_is_started() -> None:
    before = threading.active_count()
    tell(Registry(), "run_changed", run_id="r1", state="done")
    assert threading.active_count() == before


@pytest.fixture
def project(sqlite_workspace: Workspace, picture: Callable[..., Path]) -> Project:
    """Two pictures with a box each, one of them with its corners in the wrong order."""
    from bridge import picture as look
    from bridge.store import projects

    ws = sqlite_workspace
    documents: list[Document] = []
    for name, box in (("a.png", Box(1, 1, 20, 20)), ("b.png", Box(30, 30, 3, 3))):
        path = picture(name, width=64 + len(documents))
        image = Image(name, file=look.stamp(path))
        documents.append(Document(image, (Region.rectangle(box, "ボルト"),)))
    with ws.db.write() as tx:
        made = projects.create(tx, "部品")
        source = projects.put_source(tx, made.id, "import", "import", "/x")
    take(ws, made, source, Reading(("ボルト",), documents, 2), "test")
    return made


def test_cutting_and_checking_are_told(sqlite_workspace: Workspace, project: Project) -> None:
    ws = sqlite_workspace
    ear = listening(ws.registry, Ear())
    version = cut(ws, project.id, CutOptions(0.5)).version
    cut(ws, project.id, CutOptions(0.5))
    assert ear.heard == [version.id]  # The second cut is the same version.
    check(ws, project.id)
    told, counts = ear.heard[-1]
    assert told == project.id
    assert counts["swapped"] == 1
    check(ws, project.id, fix=True)
    assert "swapped" not in ear.heard[-1][1]


def test_the_life_of_a_run_is_told(sqlite_workspace: Workspace, tmp_path: Path) -> None:
    ws = sqlite_workspace
    run = make_run(ws, tmp_path / "pictures")
    ear = listening(ws.registry, Ear())
    number = work.lease(ws, run.job_id, "n1/train").number
    work.finish(ws, run.job_id, End(number, "failed"))
    train.resume(ws, run.id, "aiko")
    work.lease(ws, run.job_id, "n1/train")
    dispatch.expire(ws, time.time() + 3600)  # The node fell silent.
    train.cancel(ws, run.id, "aiko")
    assert ear.heard == [(run.id, s) for s in ("running", "failed", "queued", "running", "queued", "cancelled")]
