"""The web server as people use it: a real granian process and a real Chromium."""

from __future__ import annotations

import contextlib
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import requests

from bridge.model.job import JobState
from bridge.model.training import RunEvent
from bridge.running import free_port
from bridge.settings import Settings
from bridge.store import jobs, runs
from bridge.web import auth
from bridge.workspace import Workspace, open_workspace
from tests.filled import Filled, fill

pytestmark = pytest.mark.story


@dataclass(frozen=True)
class Served:
    """A server that runs, over a filled workspace that this process can reach too."""

    url: str
    ws: Workspace
    filled: Filled


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    folder = tmp_path_factory.mktemp("served")
    settings = Settings(data=folder / "data", port=free_port())
    ws = open_workspace(settings, create=True)
    filled = fill(ws, folder / "撮影 2026")
    with serving(settings):
        yield Served(settings.url(), ws, filled)
    ws.close()


@contextlib.contextmanager
def serving(settings: Settings) -> Iterator[subprocess.Popen[bytes]]:
    environment = {**os.environ, **settings.environment()}
    server = subprocess.Popen([sys.executable, "-m", "bridge.web.serve"], env=environment)
    try:
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline and server.poll() is None:
            with contextlib.suppress(requests.ConnectionError):
                if requests.get(f"{settings.url()}/readyz", timeout=5).ok:
                    break
            time.sleep(0.1)
        yield server
    finally:
        server.terminate()
        server.wait(20)


def visit(browser: Any, served: Served, language: str, width: int) -> tuple[Any, list[str]]:
    """A window of somebody who followed a fresh login link, and all that goes wrong in it."""
    context = browser.new_context(locale=language, viewport={"width": width, "height": 900})
    page = context.new_page()
    wrong: list[str] = []
    page.on("console", lambda m: wrong.append(m.text) if m.type == "error" else None)
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on("request", lambda r: None if r.url.startswith((served.url, "data:")) else wrong.append(f"asks {r.url}"))
    page.goto(auth.login_link(served.ws))
    assert page.url == f"{served.url}/"
    return page, wrong


@pytest.mark.parametrize(("language", "width"), [("en", 1280), ("ja", 390)])
def test_every_link_leads_to_a_page_that_fits(
    served: Served, browser: Any, language: str, width: int, tmp_path: Path
) -> None:
    # Given somebody on a desk or a phone
    page, wrong = visit(browser, served, language, width)
    # When he follows every link there is
    to_see, seen = ["/"], set[str]()
    while to_see:
        path = to_see.pop()
        if path in seen:
            continue
        seen.add(path)
        answer = page.goto(served.url + path, wait_until="load")
        assert answer.status == 200, path
        # Then every page speaks his language, fits his screen, and asks nobody else for anything
        assert page.locator("html").get_attribute("lang") == language
        assert page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth") <= 0, path
        page.screenshot(path=tmp_path / f"{len(seen)}.png", full_page=True)
        links = page.eval_on_selector_all("main a[href], nav a[href]", "all => all.map(a => a.getAttribute('href'))")
        to_see += [link for link in links if link.startswith("/") and not re.search("original|report.html", link)]
    assert len(seen) > 25
    assert wrong == []


def test_japanese_names_are_shown_as_they_are(served: Served, browser: Any) -> None:
    page, wrong = visit(browser, served, "ja", 1280)
    assert page.get_by_role("heading", name="浴衣と水着 <2026>").is_visible()
    page.goto(f"{served.url}/projects/{served.filled.project}/pictures")
    page.get_by_text("はみ出し.jpg").click()
    page.wait_for_load_state()
    assert page.locator("h1").inner_text() == "はみ出し.jpg"
    drawn = page.locator(".canvas img")
    assert drawn.evaluate("image => image.naturalWidth") == 64
    assert "水着" in page.locator(".canvas text").first.inner_html()
    page.keyboard.press("ArrowRight")
    page.wait_for_url("**/images/*")
    assert page.locator("h1").inner_text() == "空.jpg"
    assert wrong == []


def test_labels_are_mended_and_taken_back_with_the_mouse(served: Served, browser: Any) -> None:
    page, wrong = visit(browser, served, "en", 1280)
    page.on("dialog", lambda dialog: dialog.accept())
    page.goto(f"{served.url}/projects/{served.filled.project}/findings")
    page.get_by_role("button", name=re.compile("Mend 1 safely")).click()
    page.get_by_role("status").wait_for()
    assert "mended: 1" in page.get_by_role("status").inner_text()
    page.get_by_text("Take mendings or an acceptance back").first.click()
    page.get_by_role("button", name="Take mendings or an acceptance back").click()
    page.get_by_role("status").get_by_text("Taken back").wait_for()
    assert wrong == []


def test_a_running_training_is_watched_live(served: Served, browser: Any) -> None:
    # Given a run that trains
    ws, run_id = served.ws, served.filled.done
    with ws.db.write() as tx:
        job = runs.find(tx, run_id).job_id
        jobs.requeue(tx, job)
        held = jobs.lease(tx, job, "検査室/train", time.time(), 600).lease
    assert held is not None
    page, wrong = visit(browser, served, "en", 1280)
    page.goto(f"{served.url}/runs/{run_id}")
    page.get_by_text("Running").first.wait_for()
    # When its node says how it goes
    news = [
        RunEvent(
            "iteration", {"iteration": 150, "loss": 1.0, "avg_loss": 1.25, "seconds": 1.0, "hours_left": 2.0}, 200
        ),
        RunEvent("message", {"text": "重みを保存しました"}, 201),
    ]
    with ws.db.write() as tx:
        runs.add_events(tx, run_id, news)
        runs.change(tx, run_id, iteration=150)
    # Then the open page shows it, and its end, without being loaded again
    page.get_by_text("重みを保存しました").wait_for(timeout=15_000)
    assert "150" in page.locator("#head").inner_text()
    assert "2 h 0 min" in page.locator("#head").inner_text()
    with ws.db.write() as tx:
        jobs.finish(tx, job, held.number, JobState.DONE)
    page.locator("#head").get_by_text("Finished").wait_for(timeout=15_000)
    assert wrong == []


def test_the_server_ends_when_asked_although_somebody_watches(tmp_path: Path) -> None:
    settings = Settings(data=tmp_path / "data", port=free_port())
    ws = open_workspace(settings, create=True)
    filled = fill(ws, tmp_path / "p")
    with ws.db.write() as tx:
        job = runs.find(tx, filled.done).job_id
        jobs.requeue(tx, job)
        jobs.lease(tx, job, "検査室/train", time.time(), 600)
    with serving(settings) as server:
        session = requests.Session()
        session.get(auth.login_link(ws), timeout=10)
        watching = session.get(f"{settings.url()}/runs/{filled.done}/live", stream=True, timeout=30)
        assert next(watching.iter_lines()).startswith(b"id: ")
        started = time.monotonic()
        server.terminate()
        assert server.wait(20) == 0
        assert time.monotonic() - started < 15
        watching.close()
    ws.close()


def test_a_taken_port_is_named(served: Served) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "bridge.web.serve"],
        env={**os.environ, **served.ws.settings.environment()},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 1
    assert str(served.ws.settings.port) in done.stderr
    assert "Traceback" not in done.stderr
