"""A project and a Label Studio to connect it to, real or on paper: what tests of the connection share."""

from __future__ import annotations

import shutil
from dataclasses import dataclass, replace
from pathlib import Path

from bridge.loop import connect, intake, predict, push
from bridge.loop.connect import ConnectOptions
from bridge.loop.cut import CutOptions, cut
from bridge.model.annotation import Document
from bridge.model.dataset import Reading
from bridge.model.delivery import Delivery, DeliveryState
from bridge.model.project import Source
from bridge.model.training import Checkpoint
from bridge.plugin import PushOutcome
from bridge.sample import LABELS, draw_sample
from bridge.settings import Settings
from bridge.store import deliveries, images, projects, revisions, runs
from bridge.store.revisions import Current
from bridge.workspace import Workspace, open_workspace
from tests.serving import PROJECT, due_run, recipe


@dataclass
class Bench:
    """A project with a Label Studio: pictures, some of them labelled, and checkpoints with predictions."""

    ws: Workspace
    place: str
    token: str
    project: str = ""
    run: str = ""

    def draw(self, folder: Path, labelled: int, others: int) -> None:
        documents = draw_sample(folder, labelled, others)
        unseen: list[Document] = [replace(d, regions=None) for d in documents[labelled:]]
        said = [*documents[:labelled], *unseen]
        with self.ws.db.write() as tx:
            project = projects.create(tx, PROJECT)
            source = projects.put_source(tx, project.id, "import", "import", str(folder))
        intake.take(self.ws, project, source, Reading(tuple(LABELS), iter(said), len(said)), "test")
        version = cut(self.ws, project.id, CutOptions(fraction=0.5)).version
        self.project, self.run = project.id, due_run(self.ws, version.id, recipe(self.ws)).id

    def checkpoint(self, name: str, boxes: int = 3, shift: float = 0.0) -> str:
        """A published checkpoint that saw these boxes in every picture."""
        with self.ws.db.write() as tx:
            blob = self.ws.blobs.put(name.encode())
            kept, _ = runs.put_checkpoint(tx, Checkpoint(name, self.run, 1000, "numbered", blob, 1))
            found = {
                image.id: [
                    (k % 3, 0.9 - k / 10, 20.0 + 50 * k + shift, 30.0, 60.0 + 50 * k, 90.0) for k in range(boxes)
                ]
                for image in images.known_images(tx, self.project).values()
                if image.id is not None
            }
            predict.keep(tx, self.project, kept.id, found)
            projects.publish(tx, self.project, kept.id)
        return kept.id

    def connect(self, token: str | None = None, number: int | None = None, **options: bool) -> Source:
        told = token or self.token
        return connect.connect(self.ws, self.project, self.place, told, number, options=ConnectOptions(**options))

    def push(self, grace: float = push.GRACE_SECONDS) -> PushOutcome:
        return push.push(self.ws, self.project, "label-studio", grace)[0]

    def present(self) -> dict[str, Current]:
        with self.ws.db.read() as tx:
            found = revisions.current(tx, self.project, projects.labels(tx, self.project))
            return {current.document.image.name: current for current in found}

    def unseen(self) -> list[str]:
        """Pictures that nobody has looked at."""
        return [name for name, current in self.present().items() if current.heads == 0]

    def task_of(self, source: Source, name: str) -> int:
        with self.ws.db.read() as tx:
            image = images.find(tx, self.project, name)
            return int(images.items(tx, source.id)[image.id or 0].item or 0)

    def events(self, state: DeliveryState | None = None) -> list[Delivery]:
        with self.ws.db.read() as tx:
            return deliveries.listing(tx, self.project, state, "in")

    def waiting(self, action: str) -> list[Delivery]:
        return [d for d in self.events(DeliveryState.PENDING) if d.body["event"]["action"] == action]


@dataclass(frozen=True, slots=True)
class Drawn:
    """A bench's data folder to copy from: drawing, labelling and cutting takes far longer than a test."""

    data: Path
    project: str
    run: str

    def copied(self, to: Path, place: str, token: str, public_url: str = "http://127.0.0.1:8765") -> Bench:
        """A bench of its own over a copy."""
        shutil.copytree(self.data, to)
        ws = open_workspace(Settings(data=to, public_url=public_url))
        return Bench(ws, place, token, self.project, self.run)


def draw_once(folder: Path, labelled: int = 2, others: int = 2) -> Drawn:
    """Four pictures, two of them labelled."""
    ws = open_workspace(Settings(data=folder / "data"), create=True)
    bench = Bench(ws, "", "")
    bench.draw(folder / "pictures", labelled, others)
    with ws.db.engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    ws.close()
    return Drawn(folder / "data", bench.project, bench.run)
