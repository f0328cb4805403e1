"""From the report of an import alone a person sees what was done to which picture, in English and Japanese."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from bridge.model.finding import Finding, Severity
from bridge.texts import render
from tests.bridge.cli.conftest import Say
from tests.plugins.formats.vott_cases import Case, picture


def spoilt(case: Case) -> Path:
    """A project in which nearly everything went wrong that can."""
    case.tags = ("水着", "beauty", "Beauty")
    case.add("はみ出し.jpg", case.box(600, 400, 700, 480, tags=["水着"]))
    case.add("逆.jpg", case.box(30, 40, 1, 2, tags=["beauty"]))
    case.add("点.jpg", case.box(5, 5, 5, 5, tags=["水着"]), case.shape("point", (7, 8), tags=["水着"]))
    case.add("数.jpg", case.box(1, 2, None, 4, tags=["水着"]), case.box(1, 2, 30, 40, tags=["beauty"]))
    case.add("札なし.jpg", case.box(1, 2, 30, 40, tags=[]), case.box(5, 6, 70, 80, tags=["水着", None]))
    case.add("重複.jpg", *[case.box(1, 2, 30, 40, tags=["beauty"])] * 2)
    case.add("多角.jpg", case.shape("polygon", (10, 10), (100, 20), (80, 90), tags=["水着"]))
    case.add("未宣言.jpg", case.box(1, 2, 30, 40, tags=["kimono"]))
    case.add("円.jpg", case.box(1, 2, 30, 40, tags=["水着"]) | {"type": "CIRCLE"})
    case.add("縮小.jpg", case.box(10, 20, 100, 200, tags=["水着"]), size=(1280, 960))
    case.add("別の形.jpg", case.box(10, 20, 100, 200, tags=["水着"]), size=(1280, 480))
    case.add("横倒し.jpg", case.box(10, 20, 110, 220, tags=["水着"]), size=(480, 640))
    case.add("なし.jpg", case.box(1, 2, 30, 40, tags=["水着"]), here=False)
    case.add("壊れ.jpg", case.box(1, 2, 30, 40, tags=["水着"]))
    case.add("A.jpg", case.box(1, 2, 30, 40, tags=["水着"]))
    picture(case.images / "a.jpg")
    for name in ("縮小.jpg", "別の形.jpg"):
        picture(case.images / name)
    picture(case.images / "横倒し.jpg", orientation=6)
    (case.images / "壊れ.jpg").write_bytes(b"no picture")
    return case.write()


WANTED = {
    ("outside", "はみ出し.jpg"): "水着",
    ("swapped", "逆.jpg"): "beauty",
    ("zero-area", "点.jpg"): "水着",
    ("point", "点.jpg"): "水着",
    ("no-box", "点.jpg"): "2 region",
    ("bad-number", "数.jpg"): "水着",
    ("untagged", "札なし.jpg"): "Region 1",
    ("bad-tag", "札なし.jpg"): "None",
    ("duplicate-box", "重複.jpg"): "beauty",
    ("polygon", "多角.jpg"): "水着",
    ("undeclared-label", "未宣言.jpg"): "kimono",
    ("unknown-kind", "円.jpg"): "CIRCLE",
    ("resized", "縮小.jpg"): "1280x960",
    ("aspect", "別の形.jpg"): "1280x480",
    ("exif", "横倒し.jpg"): "6",
    ("missing-image", "なし.jpg"): "なし.jpg",
    ("unreadable", "壊れ.jpg"): "壊れ.jpg",
    ("name-clash", "A.jpg"): "a.jpg",
    ("label-typo", None): "Beauty",
}


@pytest.mark.parametrize("version", [1, 2])
def test_the_report_of_an_import_tells_all_that_was_odd_by_picture_and_label(
    say: Say, tmp_path: Path, version: int
) -> None:
    place = spoilt(Case(version, tmp_path / "撮影"))
    told = say("import", "撮影", place, "--json")
    assert told.code == 0
    found = {(f["rule"], f["image"]): f for f in told.json["findings"]}
    assert set(WANTED) == set(found)
    assert len(told.json["findings"]) == len(found)
    for about, part in WANTED.items():
        assert part in found[about]["message"], about
        assert found[about]["severity"] in set(Severity)


@pytest.mark.parametrize("version", [1, 2])
def test_the_report_reads_in_japanese_and_names_the_same(say: Say, tmp_path: Path, version: int) -> None:
    place = spoilt(Case(version, tmp_path / "撮影"))
    told = say("import", "撮影", place, "--json")
    for one in told.json["findings"]:
        own = ("rule", "severity", "image", "message", "region", "fix")
        finding = Finding(
            one["rule"], Severity(one["severity"]), one["image"], {k: v for k, v in one.items() if k not in own}
        )
        sentence = render("findings", finding.rule, finding.fields, "ja")
        assert re.search("[ぁ-ん]", sentence), one
        assert not re.search(r"\{\w+\}", sentence), one
    shown = say("import", "撮影", place, "--lang", "ja").out
    assert "はみ出し.jpg" in shown
    assert "はみ出し" in shown.replace("はみ出し.jpg", "")
