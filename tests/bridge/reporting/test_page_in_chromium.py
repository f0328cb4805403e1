"""The report in a real browser: on a desk, on a phone, on paper."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bridge.model.report import Report
from bridge.reporting.page import render_report
from tests.parts import CHROMIUM, absent

pytestmark = pytest.mark.story


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    if not Path(CHROMIUM).exists():
        absent("chromium")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as play:
        chromium = play.chromium.launch(executable_path=CHROMIUM)
        yield chromium
        chromium.close()


@pytest.mark.parametrize("language", ["en", "ja"])
@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (390, "dark")])
def test_it_fits_and_fetches_nothing(
    browser: Any, report: Report, tmp_path: Path, language: str, width: int, scheme: str
) -> None:
    file = tmp_path / "report.html"
    file.write_text(render_report(report, language), "utf-8")
    page = browser.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme)
    asked: list[str] = []
    errors: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.on("console", lambda message: errors.append(message.text))
    page.goto(file.as_uri())
    assert [url for url in asked if not url.startswith(("data:", "file:"))] == []
    assert errors == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    shown = page.evaluate("[...document.querySelectorAll('.chart > div')].filter(d => d.offsetHeight > 0).length")
    assert shown == 1
    paper = page.evaluate("getComputedStyle(document.documentElement).backgroundColor")
    assert (paper == "rgb(251, 250, 247)") == (scheme == "light")
    # The curve takes the page's colour, in daylight and in the dark.
    accent = page.evaluate("getComputedStyle(document.querySelector('.figure')).color")
    line = page.evaluate(
        "getComputedStyle(document.querySelector('.chart .mark-line path[stroke=\"#0b7a69\"]')).stroke"
    )
    assert line == accent
    page.close()


def test_it_prints(browser: Any, report: Report, tmp_path: Path) -> None:
    file = tmp_path / "report.html"
    file.write_text(render_report(report), "utf-8")
    page = browser.new_page(viewport={"width": 703, "height": 1000}, color_scheme="dark")
    page.goto(file.as_uri())
    page.emulate_media(media="print")
    assert page.evaluate("getComputedStyle(document.documentElement).backgroundColor") == "rgb(255, 255, 255)"
    assert page.evaluate("document.querySelector('.chart .wide').offsetHeight") > 0
    assert page.pdf(format="A4").startswith(b"%PDF")
    page.close()
