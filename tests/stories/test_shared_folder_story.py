"""Annotators at VoTT and a bridge that shares their folders: slow, half-written, at once, and killed in the middle."""

from __future__ import annotations

import json
import os
import random
import signal
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

import psutil
import pytest
import requests
from PIL import Image as Picture

from bridge import picture as looking
from bridge.loop.connect import connect_folder
from bridge.loop.intake import take
from bridge.loop.push import push
from bridge.loop.reconcile import pull
from bridge.model.annotation import Box, Document, Image, Region, Revision, fold_name
from bridge.model.dataset import Dataset, Reading
from bridge.plugin import ReadOptions, WriteOptions
from bridge.running import Running
from bridge.settings import Settings
from bridge.store import deliveries, images, jobs, projects, revisions, tokens
from bridge.workspace import Workspace
from plugins.formats.backup import FOLDER
from tests.annotators import VottOne, VottTwo

pytestmark = pytest.mark.story

NAMES = [f"写真 {n}.jpg" for n in range(6)]
FIRST = Region.rectangle(Box(1, 1, 9, 9), "猫", region_id="first1")
Kind = Literal["vott-v1", "vott-v2"]
Place = tuple[float, float]


@dataclass
class Shared:
    """One VoTT project with its own project in the store, and what everybody drew, by picture and left top corner."""

    ws: Workspace
    project: str
    kind: Kind
    folder: Path
    place: Path
    drawn: dict[str, set[Place]] = field(default_factory=lambda: {name: {(1.0, 1.0)} for name in NAMES})

    @classmethod
    def make(cls, ws: Workspace, project: str, kind: Kind, folder: Path) -> Shared:
        shown, documents = folder / "写真", []
        shown.mkdir(parents=True)
        for n, name in enumerate(NAMES):
            Picture.new("RGB", (640, 480), (n * 40, 10, 10)).save(shown / name)
            documents.append(Document(Image(name, 640, 480, file=looking.stamp(shown / name)), (FIRST,)))
        place = folder / "写真.json" if kind == "vott-v1" else folder / "vott"
        write = ws.registry.format(kind).write
        write(Dataset("撮影", ("猫", "犬"), documents), place, WriteOptions("none"))
        with ws.db.write() as tx:
            projects.create(tx, project)
        connect_folder(ws, project, kind, place)
        return cls(ws, project, kind, folder, place)

    def heads(self, name: str) -> list[Revision]:
        """The present labels of a picture."""
        with self.ws.db.read() as tx:
            found = projects.find(tx, self.project)
            wanted = images.known_images(tx, found.id).get(fold_name(name))
            return revisions.heads(tx, wanted.id or 0, found.labels) if wanted else []

    def stored(self, name: str) -> set[Place]:
        """What all present labels of a picture hold together."""
        return {region.points[0] for head in self.heads(name) for region in head.regions}

    def there(self, name: str) -> set[Place]:
        """What the files say."""
        reading = self.ws.registry.format(self.kind).read(self.place, ReadOptions())
        found = next(d.regions for d in reading.documents if d.image.name == name)
        return {region.points[0] for region in found or ()}

    def elsewhere(self, name: str, at: Place) -> None:
        """Somebody adds a box in another tool."""
        new = Region.rectangle(Box(*at, at[0] + 8, at[1] + 8), "鳥", region_id=f"e{at[0]:.0f}x{at[1]:.0f}")
        with self.ws.db.write() as tx:
            found = projects.find(tx, self.project)
            other = projects.put_source(tx, found.id, "elsewhere:x", "import", "/elsewhere")
            image = images.find(tx, found.id, name)
            [head] = revisions.heads(tx, image.id or 0, found.labels)
            item = images.Item(image.id or 0, str(image.id), head.content_hash, head.id)
            images.put_items(tx, other.id, [(item, {})])
        document = Document(replace(image, item=str(image.id)), (*head.regions, new))
        take(self.ws, found, other, Reading((), [document], 1, declared=False), "健太", partial=True)
        self.drawn[name].add(at)

    def annotator(self, pause: float = 0.0) -> Any:
        return VottOne(self.place, pause, (640, 480)) if self.kind == "vott-v1" else VottTwo(self.place, pause)

    def sync(self) -> int:
        """As `labelbridge sync` does; gives how many pictures were written."""
        pull(self.ws, self.project, wait=time.sleep)
        return sum(outcome.written for outcome in push(self.ws, self.project, wait=time.sleep))


def wait(what: Callable[[], bool], seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < deadline
        time.sleep(0.05)


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    settings = Settings(data=tmp_path_factory.mktemp("shared") / "data", port=0, heartbeat_seconds=1.0, lease_seconds=5)
    with Running(settings) as running:
        yield running


def both(house: Running, folder: Path, project: str) -> list[Shared]:
    """A project of each VoTT, connected while all runs."""
    kinds: tuple[Kind, ...] = ("vott-v1", "vott-v2")
    found = [Shared.make(house.ws, f"{project} {kind}", kind, folder / kind) for kind in kinds]
    # They are read, and nobody asked for it.
    wait(lambda: all(one.stored(name) == {(1.0, 1.0)} for one in found for name in NAMES), 30)
    return found


def asked(house: Running, shared: Shared) -> None:
    """As a sync over the API."""
    with house.ws.db.write() as tx:
        _, secret = tokens.create(tx, "story", "admin")
    url = f"{house.settings.url()}/api/v1/projects/{shared.project}/sync"
    requests.post(url, json={}, headers={"Authorization": f"Bearer {secret}"}, timeout=5).raise_for_status()


def test_what_an_annotator_saves_is_here_in_seconds(house: Running, tmp_path: Path) -> None:
    found = both(house, tmp_path, "saved")
    began = time.monotonic()
    for shared in found:
        shared.annotator(pause=0.1).draw(NAMES[0], "犬", 100, 100, 120, 120)
    wait(lambda: all((100.0, 100.0) in shared.stored(NAMES[0]) for shared in found), 30)
    assert time.monotonic() - began < 25  # Five on an idle machine.
    # What changed elsewhere is written when somebody asks for it, and our own writing makes no end of jobs.
    for shared in found:
        shared.elsewhere(NAMES[1], (200.0, 200.0))
        asked(house, shared)
    wait(lambda: all((200.0, 200.0) in shared.there(NAMES[1]) for shared in found), 30)
    time.sleep(3)
    with house.ws.db.read() as tx:
        made = [jobs.listing(tx, projects.find(tx, shared.project).id) for shared in found]
    assert all(sum(job.due <= time.time() for job in each) <= 4 for each in made)


@dataclass
class Hand(threading.Thread):
    """A person who draws and moves for a while, slowly saved, now and then in a program that he has just opened."""

    shared: Shared
    seed: int
    ended: threading.Event
    drawn: list[tuple[str, str, Place]] = field(default_factory=list)
    failure: BaseException | None = None

    def __post_init__(self) -> None:
        super().__init__(daemon=True)

    def __hash__(self) -> int:
        return id(self)

    def run(self) -> None:
        try:
            self._work(random.Random(self.seed))
        except BaseException as error:
            self.failure = error

    def _work(self, chance: random.Random) -> None:
        person, n = self.shared.annotator(pause=0.01), 0
        while not self.ended.is_set():
            if chance.random() < 0.15:
                person = self._opened(person)
            name, at = chance.choice(NAMES), (20.0 + 12 * (n % 50), 20.0 + 60 * self.seed + 12 * (n // 50))
            person.draw(name, chance.choice(["猫", "犬"]), *at, at[0] + 9, at[1] + 9)
            self.shared.drawn[name].add(at)
            n += 1
            self.ended.wait(chance.uniform(0.05, 0.6))

    def _opened(self, person: Any) -> Any:
        try:
            person.reopen()
        except ValueError:
            return person  # Half-written by himself? He tries later.
        return person


def test_nothing_is_lost_when_all_write_at_once_and_the_bridge_is_killed(house: Running, tmp_path: Path) -> None:
    found = both(house, tmp_path, "at once")
    ended, chance = threading.Event(), random.Random(7)
    hands = [Hand(shared, 1, ended) for shared in found]
    for hand in hands:
        hand.start()
    # Given edits on both sides, and a bridge that syncs
    for n in range(8):
        for shared in found:
            name = chance.choice(NAMES)
            if len(shared.heads(name)) == 1:  # Not in conflict just now.
                shared.elsewhere(name, (20.0 + 12 * n, 300.0))
            asked(house, shared)
        time.sleep(0.5)
        if n == 4:  # When it is killed in the middle of that
            family = psutil.Process(house.pid).children(recursive=True)
            os.kill(house.pid, signal.SIGKILL)
            psutil.wait_procs(family, timeout=20)
            house.stop()
            house.start()
    ended.set()
    for hand in hands:
        hand.join(10)
    assert [hand.failure for hand in hands] == [None, None]
    for shared in found:
        wait(lambda shared=shared: shared.sync() == 0, 60)  # type: ignore[misc]
        assert_all_is_there(shared)


def assert_all_is_there(shared: Shared) -> None:
    """It has come to rest."""
    with shared.ws.db.read() as tx:
        known = projects.find(tx, shared.project).id
        assert deliveries.pending(tx, "write-back", known) == []
        torn = set(revisions.conflicts(tx, known))
    for name in NAMES:
        # Nothing that anybody drew is lost, and the files say what the store says.
        assert shared.stored(name) >= shared.drawn[name], name
        assert torn or shared.there(name) == shared.stored(name)
    # Every file is whole, and what was there before our first change is kept.
    for path in [shared.place] if shared.place.is_file() else list(shared.place.glob("*.*")):
        json.loads(path.read_text("utf-8")) if path.is_file() else None
    backups = (shared.place if shared.place.is_dir() else shared.place.parent) / FOLDER
    assert list(backups.iterdir()) != []
    assert not list(shared.folder.rglob("*.part"))
