"""A refused VoTT 1 import, decided by a person: a real terminal, a real granian process and a real Chromium."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from bridge.model.delivery import DeliveryState
from bridge.running import free_port
from bridge.settings import Settings
from bridge.store import deliveries, projects, revisions
from bridge.web import auth
from bridge.workspace import Workspace, open_workspace
from tests.stories.test_pages_story import serving
from tests.untold import draw_untold

pytestmark = pytest.mark.story

FIXTURES = Path(__file__).parents[1] / "fixtures" / "vott1" / "order"
# Of one shape, so that nothing tells how they were listed: thirty places, each of two pictures.
NAMES = tuple(name for n in range(15) for name in (f"a{n:02}.jpg", f"Z{n:02} 浴衣.jpg"))


@dataclass(frozen=True)
class Served:
    """A server that runs over a workspace that this process and terminals can reach too."""

    settings: Settings
    ws: Workspace

    def labelbridge(self, *words: str | Path) -> subprocess.CompletedProcess[str]:
        """Call the command in a terminal of its own, which knows the data folder alone."""
        said = [sys.executable, "-m", "bridge.cli.main", *map(str, words), "--data", str(self.settings.data)]
        surroundings = {k: v for k, v in os.environ.items() if not k.startswith("LABELBRIDGE_")}
        return subprocess.run(said, env=surroundings, capture_output=True, text=True, check=False)

    def visit(self, browser: Any, language: str, width: int) -> tuple[Any, list[str]]:
        """A window of somebody who followed a fresh login link, and all that goes wrong in it."""
        page = browser.new_context(locale=language, viewport={"width": width, "height": 900}).new_page()
        wrong: list[str] = []
        page.on("console", lambda m: wrong.append(m.text) if m.type == "error" else None)
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.on("response", lambda r: wrong.append(f"{r.status} {r.url}") if r.status >= 400 else None)
        page.goto(auth.login_link(self.ws))
        return page, wrong


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    settings = Settings(data=tmp_path / "data", port=free_port())
    ws = open_workspace(settings, create=True)
    with serving(settings):
        yield Served(settings, ws)
    ws.close()


@pytest.mark.parametrize(("language", "width"), [("en", 1280), ("en", 390), ("ja", 1280), ("ja", 390)])
def test_a_person_compares_and_chooses(served: Served, browser: Any, language: str, width: int, tmp_path: Path) -> None:
    # Given an import that was refused in a terminal, which names the page of the server that runs
    path = draw_untold(tmp_path / "撮影", (640, 480), NAMES, len(NAMES))
    told = served.labelbridge("import", "浴衣", path, "--lang", language)
    assert told.returncode == 3
    address = f"{served.settings.url()}/deliveries/1"
    assert address in told.stdout
    # When somebody who is told of it on the first page goes there
    page, wrong = served.visit(browser, language, width)
    page.locator('a[href="/deliveries/1"]').click()
    page.wait_for_url(address)
    # Then each place shows the pictures that it may mean beside each other, and the page fits his screen
    shot(page, tmp_path / "1-page.png")
    first = page.locator(".reading").first
    assert first.locator("figure").count() == 2
    assert first.locator("figcaption .file").all_inner_texts() == ["a00.jpg", "Z00 浴衣.jpg"]
    assert drawn(page) == drawn_all(page) <= 24
    assert page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth") <= 0
    # And the arrow keys lead through the places, a page at a time
    place = first.locator("h3").inner_text()
    page.keyboard.press("ArrowRight")
    page.wait_for_url("**after=12**")
    assert page.locator(".reading h3").first.inner_text() != place
    shot(page, tmp_path / "2-more.png")
    page.keyboard.press("ArrowLeft")
    page.wait_for_url(lambda url: "after" not in url)
    # When he chooses with the keyboard, and first thinks better of it
    asked: list[str] = []

    def answer(dialog: Any) -> None:
        asked.append(dialog.message)
        dialog.accept() if len(asked) == 2 else dialog.dismiss()

    page.on("dialog", answer)
    button = page.locator(".candidates button").nth(1)
    button.focus()
    page.keyboard.press("Enter")
    page.wait_for_timeout(200)
    assert page.url.startswith(address)
    button.focus()
    page.keyboard.press("Enter")
    # Then it is imported as he said, and he is told so on the page of the project
    page.wait_for_url("**/projects/*")
    assert "30" in page.get_by_role("status").inner_text()
    assert len(asked) == 2
    assert "浴衣" in asked[0]
    assert owner_of(served.ws, 0) == sorted(NAMES, key=str.encode)[0]
    page.goto(address)
    shot(page, tmp_path / "3-done.png")
    assert wrong == []


@pytest.mark.parametrize(("language", "width"), [("en", 1280), ("ja", 390)])
def test_a_folder_that_has_changed_shows_which_pictures_fit(
    served: Served, browser: Any, language: str, width: int, tmp_path: Path
) -> None:
    # Given a project of VoTT 1.0.9 whose folder got one more picture since
    shutil.copytree(FIXTURES / "images", tmp_path / "images")
    shutil.copy(FIXTURES / "images.ntfs-order.json", tmp_path / "images.json")
    shutil.copy2(tmp_path / "images" / "apple.jpg", tmp_path / "images" / "0-new.jpg")
    told = served.labelbridge("import", "着物", tmp_path / "images.json", "--lang", language, "--json")
    assert told.returncode == 3
    assert json.loads(told.stdout)["error"]["evidence"]["candidates"]
    # When a person looks
    page, wrong = served.visit(browser, language, width)
    page.goto(f"{served.settings.url()}/deliveries/1")
    shot(page, tmp_path / "4-misfits.png")
    # Then what does not fit is marked, and the page fits his screen
    assert page.locator(".reading .badge.severity-error").count() > 5
    assert page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth") <= 0
    # When the picture goes away again, the page says that nothing stands in the way, and it is imported
    (tmp_path / "images" / "0-new.jpg").unlink()
    page.reload()
    shot(page, tmp_path / "5-readable.png")
    page.locator(".decide button.strong").click()
    page.wait_for_url("**/projects/*")
    with served.ws.db.read() as tx:
        assert deliveries.find(tx, 1).state is DeliveryState.DONE
        assert deliveries.find(tx, 1).outcome["order"] == "ntfs"
    assert wrong == []


def shot(page: Any, path: Path) -> None:
    """What a person sees once all pictures on the page have come."""
    page.evaluate("document.querySelectorAll('img').forEach(image => (image.loading = 'eager'))")
    page.evaluate("Promise.all([...document.images].map(image => image.decode()))")
    page.screenshot(path=path, full_page=True)


def drawn(page: Any) -> int:
    """Pictures that were really shown."""
    return int(page.evaluate("[...document.querySelectorAll('.side img')].filter(i => i.naturalWidth).length"))


def drawn_all(page: Any) -> int:
    return int(page.locator(".side img").count())


def owner_of(ws: Workspace, place: int) -> str:
    """The picture that got the box of a place: each box of the drawn project lies a little further right."""
    with ws.db.read() as tx:
        found = projects.find(tx, "浴衣")
        present = list(revisions.current(tx, found.id, found.labels))
    lefts = {c.document.image.name: c.document.regions[0].points[0][0] for c in present if c.document.regions}
    return sorted(lefts, key=lambda name: (lefts[name], name))[place]
