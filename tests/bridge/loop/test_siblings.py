"""Nearly equal pictures and the split."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from bridge.loop.check import check
from bridge.loop.cut import Cut, CutOptions, cut
from bridge.model.annotation import Box, Document, Region
from bridge.model.finding import Severity
from bridge.texts import LANGUAGES, render
from bridge.workspace import Workspace
from tests.bridge.loop.test_intake import Tool, of

CAT = Region.rectangle(Box(10, 10, 50, 40), "猫")
Draw = Callable[..., Path]


@pytest.fixture
def drawn(tmp_path: Path) -> Draw:
    def draw(name: str, number: int, quality: int = 88) -> Path:
        cells = np.random.default_rng(number).integers(20, 236, (9, 12, 3), np.uint8)
        path = tmp_path / "pictures" / name
        path.parent.mkdir(exist_ok=True)
        Image.fromarray(cells).resize((160, 120), Image.Resampling.BICUBIC).save(path, quality=quality)
        return path

    return draw


def documents(*paths: Path) -> list[Document]:
    return [of(path, CAT) for path in paths]


def parts(done: Cut) -> dict[str, str]:
    for finding in done.findings:
        for language in LANGUAGES:
            assert "{" not in render("findings", finding.rule, finding.fields, language)
    return {member.name: member.part for member in done.version.members}


def cases(done: Cut) -> set[tuple[str | None, str]]:
    return {(f.image, f.fields["case"]) for f in done.findings if f.rule == "near-duplicate"}


def test_each_stays_with_its_like_and_a_later_copy_too(workspace: Workspace, drawn: Draw) -> None:
    paths = [drawn(f"{number}{copy}.jpg", number, 60 + copy) for number in range(6) for copy in range(2)]
    tool = Tool(workspace)
    tool.says(*documents(*paths))
    done = cut(workspace, "p", CutOptions(0.5))
    first = parts(done)
    assert all(first[f"{number}0.jpg"] == first[f"{number}1.jpg"] for number in range(6))
    assert set(first.values()) == {"train", "valid"}
    assert cases(done) == {(None, "cut")}
    later = [drawn(f"{number}9.jpg", number, 40) for number in range(6)]
    tool.says(*documents(*paths, *later))
    for seed in range(3):
        again = parts(cut(workspace, "p", CutOptions(0.5, seed)))
        held = {number for number in range(6) if first[f"{number}0.jpg"] == "valid"}
        assert {number for number in range(6) if again[f"{number}9.jpg"] == "valid"} >= held
        assert all(again[f"{number}9.jpg"] == again[f"{number}0.jpg"] for number in range(6))


def test_a_list_is_kept_and_what_it_costs_is_told(workspace: Workspace, drawn: Draw) -> None:
    paths = [drawn("a.jpg", 1), drawn("b.jpg", 1, 50), drawn("c.jpg", 2), drawn("d.jpg", 3)]
    Tool(workspace).says(*documents(*paths))
    done = cut(workspace, "p", CutOptions(held_out=frozenset({"a.jpg", "d.jpg"})))
    assert parts(done) == {"a.jpg": "valid", "b.jpg": "train", "c.jpg": "train", "d.jpg": "valid"}
    assert ("b.jpg", "cut-said") in cases(done)
    found = check(workspace, "p").findings
    assert [(f.image, f.severity) for f in found if f.rule == "near-duplicate"] == [("a.jpg", Severity.ERROR)]


def test_what_was_trained_on_goes_to_its_held_out_like(workspace: Workspace, drawn: Draw) -> None:
    paths = [drawn("a.jpg", 1), drawn("b.jpg", 1, 50), drawn("c.jpg", 2), drawn("d.jpg", 3)]
    Tool(workspace).says(*documents(*paths))
    cut(workspace, "p", CutOptions(held_out=frozenset({"a.jpg"})))
    done = cut(workspace, "p", CutOptions())
    assert (parts(done)["a.jpg"], parts(done)["b.jpg"]) == ("valid", "valid")
    assert ("b.jpg", "cut-moved") in cases(done)
