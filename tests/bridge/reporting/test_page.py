"""The report as one HTML file, as a person gets it."""

from __future__ import annotations

import math
import re
from dataclasses import replace
from html.parser import HTMLParser

import pytest

from bridge.model.annotation import Box, Region
from bridge.model.report import Example, Report
from bridge.model.scores import ClassScore
from bridge.reporting.difference import why_different
from bridge.reporting.page import render_report, report_fragment, stylesheet
from bridge.texts import LANGUAGES, catalogue

VOID = {"meta", "br", "hr", "img", "input", "link"}


class Outline(HTMLParser):
    """Tags in order, whether they nest, and all that the file would fetch or run."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.wrong: list[str] = []
        self.asked: list[str] = []
        self.text: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in VOID:
            self.open.append(tag)
        for name, value in attrs:
            if name in ("src", "href", "xlink:href", "srcset", "action") and not (value or "").startswith("data:"):
                self.asked.append(f"{tag} {name}={value}")
            if name.startswith("on"):
                self.asked.append(f"{tag} {name}")
        if tag in ("script", "link", "iframe", "object"):
            self.asked.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if not self.open or self.open.pop() != tag:
            self.wrong.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.open.pop()

    def handle_data(self, data: str) -> None:
        if not self.open or self.open[-1] != "style":
            self.text.append(data)


@pytest.mark.parametrize("language", LANGUAGES)
def test_one_well_formed_file_that_asks_for_nothing(report: Report, language: str) -> None:
    html = render_report(report, language)
    outline = Outline(html)
    assert (outline.open, outline.wrong, outline.asked) == ([], [], [])
    assert "@import" not in stylesheet()
    assert "url(" not in stylesheet()
    assert len(html.encode()) - sum(len(e.jpeg) * 4 // 3 for e in report.examples) < 300_000
    assert f'<html lang="{language}">' in html


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_sentence_is_missing(report: Report, language: str) -> None:
    html = render_report(report, language)
    text = " ".join(Outline(html).text)
    keys = {k for k in catalogue("en", "report") if re.search(rf"(?<![\w.]){re.escape(k)}(?![\w.])", text)}
    assert keys <= {"run", "title"}  # plain words that are keys too
    assert not re.search(r"\{\w+\}", text)


@pytest.mark.parametrize("language", LANGUAGES)
def test_cocos_number_stands_beside_darknets_with_why_they_differ(report: Report, language: str) -> None:
    text = " ".join(" ".join(Outline(render_report(report, language)).text).split())
    best = report.checkpoints[7]
    assert best.coco is not None
    assert why_different(best.scores, best.coco, language) in text
    assert catalogue(language, "report")["table.coco"] in text
    bare = replace(report, checkpoints=tuple(replace(row, coco=None) for row in report.checkpoints))
    assert "COCO" not in " ".join(Outline(render_report(bare, language)).text)


def test_the_headline_says_the_number_and_how_it_was_got(report: Report) -> None:
    text = " ".join(" ".join(Outline(render_report(report)).text).split())
    assert "mAP@0.5 64.7 % at iteration 800, the best of 9 checkpoints" in text
    assert "80 held out from training" in text
    assert "9c1f5be07d8a" in text
    assert "darknet pjreddie 0.0.0+git20180914" in text
    assert "expect a little less on new pictures" in text


def test_names_from_outside_are_text_and_nothing_else(report: Report) -> None:
    evil = "</style><script>alert(1)</script>"
    row = report.checkpoints[7]
    classes = tuple(replace(c, name=f"{evil}{c.id}") for c in row.scores.classes)
    picture = Example(f"{evil}.jpg", 320, 240, b"x", (Region.rectangle(Box(1, 1, 50, 50), f"{evil}0"),), ())
    nasty = replace(
        report,
        project=evil,
        run_id=evil,
        created=evil,
        classes=tuple(c.name for c in classes),
        checkpoints=(replace(row, scores=replace(row.scores, classes=classes)),),
        examples=(picture,),
        findings={evil: 1},
        facts={evil: evil, "node": evil, "engine": evil},
    )
    html = render_report(nasty, "ja")
    assert "<script" not in html
    assert html.count("</style>") == 1
    assert Outline(html).asked == []
    assert Outline(html).text.count(evil) >= 3


def test_the_fragment_is_the_article_without_a_page(report: Report) -> None:
    fragment = report_fragment(report, "ja")
    assert fragment.strip().startswith('<article class="report" lang="ja">') or "<article" in fragment
    assert "<html" not in fragment
    assert "<style" not in fragment
    assert str(fragment) in render_report(report, "ja")


def test_an_unknown_language_is_english(report: Report) -> None:
    assert '<html lang="en">' in render_report(report, "xx")


def test_a_run_without_anything_yet(report: Report) -> None:
    empty = replace(
        report, losses=(), checkpoints=(), best=None, examples=(), findings={}, facts={}, objects={}, created=""
    )
    html = render_report(empty)
    assert "No checkpoint has been measured yet." in html
    assert "<table" not in html
    assert "What the best checkpoint sees" not in html
    assert Outline(html).wrong == []


def test_scores_without_a_best_one_are_still_shown(report: Report) -> None:
    html = render_report(replace(report, best=None))
    assert "No checkpoint has been measured yet." not in html.partition("<table")[2]
    assert html.count("<tr>") == 7


def test_a_single_checkpoint_and_a_broken_training(report: Report) -> None:
    broken = replace(
        report,
        checkpoints=report.checkpoints[7:8],
        losses=(*report.losses[:850], *((i, math.nan, math.nan) for i in range(851, 860))),
    )
    html = render_report(broken)
    assert "the only checkpoint measured" in html
    assert "no number from iteration 851 on" in html


def test_a_large_run_stays_small(report: Report) -> None:
    names = tuple(f"class {i}" for i in range(80))
    classes = tuple(ClassScore(i, n, i / 80, 40, 50) for i, n in enumerate(names))
    rows = tuple(
        replace(
            report.checkpoints[0],
            checkpoint_id=f"c{i}",
            iteration=1000 * i,
            scores=replace(report.checkpoints[0].scores, classes=classes, map=i / 60),
        )
        for i in range(1, 61)
    )
    losses = tuple((i, 3.0 + i % 5, 3.0) for i in range(1, 60_001))
    large = replace(report, classes=names, checkpoints=rows, best="c60", losses=losses, examples=())
    html = render_report(large)
    assert len(html.encode()) < 1_500_000
    assert "dense" in html
    assert "There are 60 checkpoints" in html
