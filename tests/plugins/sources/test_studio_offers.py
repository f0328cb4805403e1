from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from bridge import picture as looking
from bridge.model.annotation import Image
from bridge.plugin import Offer
from plugins.sources.label_studio import offers as offers_module
from plugins.sources.label_studio.client import Client
from plugins.sources.label_studio.offers import Offers
from tests.paper_studio import TOKEN, PaperStudio

Make = Callable[..., Path]


def noun(path: Path, number: int, name: str | None = None) -> Image:
    return Image(name or path.name, 64, 48, orientation=6, file=looking.stamp(path), id=number)


def offers(paper: PaperStudio, project: int, ours: str = "p") -> Offers:
    return Offers(Client(paper.url, TOKEN), project, ours, "image")


def test_every_picture_gets_one_task_that_knows_it(paper: PaperStudio, picture: Make) -> None:
    project = paper.project()
    shown = [Offer(noun(picture(f"{n}.jpg"), n, f"犬/{n}.jpg"), f"http://us.test/{n}") for n in (4, 5)]
    found, notes = offers(paper, project).offer(shown)
    assert notes == []
    task = paper.tasks[int(found[4])]
    assert task["data"] == {"image": "http://us.test/4", "labelbridge_name": "犬/4.jpg"}
    noted = {"project": "p", "image_id": 4, "name": "犬/4.jpg", "width": 64, "height": 48, "orientation": 6}
    assert task["meta"] == {"labelbridge": noted}
    # A run that could not remember what it made makes nothing twice.
    assert offers(paper, project).offer(shown)[0] == found
    assert len(paper.tasks) == 2
    # Another project of ours, or of another installation, is somebody else.
    other, _ = offers(paper, project, "q").offer(shown)
    assert set(other.values()).isdisjoint(found.values())


def test_a_link_is_renewed_and_nothing_else(paper: PaperStudio, picture: Make) -> None:
    project = paper.project()
    image = noun(picture("a.jpg"), 1)
    [number] = offers(paper, project).offer([Offer(image, "http://us.test/old")])[0].values()
    paper.tasks[int(number)]["data"]["theirs"] = "kept"
    offers(paper, project).offer([Offer(image, "http://us.test/new")])
    assert paper.tasks[int(number)]["data"] == {
        "image": "http://us.test/new",
        "labelbridge_name": "a.jpg",
        "theirs": "kept",
    }


def test_files_are_sent_in_bundles_and_found_by_their_tasks(
    paper: PaperStudio, picture: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(offers_module, "_FILES", 2)
    project = paper.project()
    shown = [Offer(noun(picture(f"{n}/同じ名前.png"), n), None) for n in range(1, 6)]
    found, _ = offers(paper, project).offer(shown)
    assert {i: paper.tasks[int(task)]["data"]["image"] for i, task in found.items()} == {
        n: f"/data/upload/{project}/0123abcd-{n}.png" for n in range(1, 6)
    }
    assert paper.count("POST", f"/api/projects/{project}/import") == 6  # Three bundles, each with its tasks.
    # They stay where they are, also when links are given later.
    offers(paper, project).offer([Offer(offer.image, "http://us.test/x") for offer in shown])
    assert all(task["data"]["image"].startswith("/data/upload/") for task in paper.tasks.values())


def test_what_browsers_cannot_show_is_told(paper: PaperStudio, picture: Make, tmp_path: Path) -> None:
    tiff, gone = picture("a.tiff"), picture("b.jpg")
    images = [noun(tiff, 1), noun(gone, 2), Image("never.jpg", id=3), noun(picture("c.jpg"), 4)]
    gone.unlink()
    found, notes = offers(paper, paper.project()).offer([Offer(image, "http://us.test/") for image in images])
    assert list(found) == [4]
    assert [(f.image, f.fields["case"]) for f in notes] == [
        ("a.tiff", "format"),
        ("b.jpg", "missing"),
        ("never.jpg", "missing"),
    ]
