"""Weights files: header, size, nan, and what lies in a backup folder."""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from bridge.errors import InputError
from bridge.model.training import Recipe
from bridge.plugin import EngineInfo, RecipeWish, RunFiles
from plugins.engines.darknet.weights import check_weights, iteration_of, read_header, save_every, saved
from plugins.engines.darknet.wish import draft

NET = (Path(__file__).parents[3] / "fixtures" / "darknet" / "cfg" / "net.cfg").read_text("utf-8")
Writer = Callable[..., Path]
FLOATS = 168_552
HANK = EngineInfo("darknet", "hank-ai", "v5.1", "darknet")
ALEXEYAB = EngineInfo("darknet", "alexeyab", "2020 or later", "darknet")


@pytest.fixture
def recipe() -> Recipe:
    return draft(RecipeWish(("a", "b", "c"), 40, cfg=NET))


@pytest.fixture
def weights(tmp_path: Path) -> Writer:
    def write(name: str, iteration: int, floats: int = FLOATS, nan: int | None = None, cut: int = 0) -> Path:
        numbers = np.zeros(floats, "<f4")
        if nan is not None:
            numbers[nan] = np.nan
        data = struct.pack("<iiiQ", 0, 2, 5, iteration * 8) + numbers.tobytes()
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(data[: len(data) - cut])
        return path

    return write


def test_headers_of_both_ages(tmp_path: Path) -> None:
    new, old = tmp_path / "new", tmp_path / "old"
    new.write_bytes(struct.pack("<iiiQ", 0, 2, 5, 5_000_000_000) + bytes(8))
    old.write_bytes(struct.pack("<iiiI", 0, 1, 0, 640) + bytes(8))
    assert (read_header(new).seen, read_header(new).size) == (5_000_000_000, 20)
    assert (read_header(old).seen, read_header(old).size) == (640, 16)
    assert iteration_of(old, 64) == 10
    assert iteration_of(old, 16) == 40, "another batch is another count"
    assert iteration_of(old, 8, 3) == 106, "of 8 in 3 parts darknet trains on 6"


@pytest.mark.parametrize("data", [b"", b"\0" * 15, b"[net]\nbatch=64\nsubdivisions=8\n"])
def test_no_weights_file(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "x.weights"
    path.write_bytes(data)
    with pytest.raises(InputError) as caught:
        read_header(path)
    assert caught.value.rule == "weights-header"


def test_what_a_training_left(tmp_path: Path, weights: Writer, recipe: Recipe) -> None:
    for name, iteration in (
        ("net_100.weights", 100),
        ("net_1002.weights", 1002),
        ("net_last.weights", 1100),
        ("net_best.weights", 100),
        ("net_final.weights", 1200),
        ("net.backup", 1100),
    ):
        weights(f"backup/{name}", iteration)
    weights("backup/net_200.weights", 200, cut=400)
    weights("backup/net_300.weights", 300, nan=5)
    weights("backup/net_400.weights", 400, nan=FLOATS - 1)
    for name in ("other_100.weights", "net2_100.weights", "net_100.good.weights", "chart_net.png"):
        weights(f"backup/{name}", 9)
    (tmp_path / "backup" / "net_500.weights").write_bytes(b"")
    files = RunFiles(*[tmp_path / n for n in ("", "obj.data", "net.cfg", "n", "t", "v", "backup")])
    found = saved(files, recipe)
    assert [(w.path.name, w.iteration, w.kind, w.sound) for w in found] == [
        ("net_500.weights", 0, "numbered", False),
        ("net_100.weights", 100, "numbered", True),
        ("net_best.weights", 100, "best", True),
        ("net_200.weights", 200, "numbered", False),
        ("net_300.weights", 300, "numbered", False),
        ("net_400.weights", 400, "numbered", False),
        ("net_1002.weights", 1002, "numbered", True),
        ("net.backup", 1100, "last", True),
        ("net_last.weights", 1100, "last", True),
        ("net_final.weights", 1200, "final", True),
    ]


def test_a_large_file_is_looked_at_from_both_ends(weights: Writer, recipe: Recipe) -> None:
    count = 900_000
    for place in (0, count - 1):
        path = weights("a.weights", 1, floats=count, nan=place)
        assert "weights-nan" in {f.rule for f in check_weights(path, recipe, ALEXEYAB)}


def test_weights_that_fit_are_fine(weights: Writer, recipe: Recipe) -> None:
    assert check_weights(weights("a.weights", 50), recipe, HANK) == []


def test_weights_to_start_from(weights: Writer, recipe: Recipe) -> None:
    def rules(path: Path, info: EngineInfo | None, clear: bool = True) -> dict[str, str]:
        return {f.rule: f.severity.value for f in check_weights(path, replace(recipe, clear=clear), info)}

    done = weights("done.weights", recipe.max_batches)
    assert rules(done, ALEXEYAB, clear=False) == {"weights-done": "error"}
    assert rules(done, ALEXEYAB) == {}
    assert rules(weights("n.weights", 1, nan=0), ALEXEYAB) == {"weights-nan": "error"}
    assert rules(weights("cut.weights", 1, cut=4), ALEXEYAB) == {"weights-size": "error"}
    assert rules(weights("more.weights", 1, floats=FLOATS + 1), ALEXEYAB) == {"weights-size": "error"}
    first = weights("net.conv.1", 0, floats=8 * 4 + 8 * 27)
    assert rules(first, ALEXEYAB) == {"weights-partial": "info"}
    assert rules(first, HANK) == {"weights-partial": "error", "weights-name": "error"}
    assert rules(first.rename(first.with_suffix(".weights")), HANK) == {"weights-partial": "error"}
    first.with_suffix(".weights").write_bytes(b"nothing")
    assert rules(first.with_suffix(".weights"), None) == {"weights-header": "error"}


@pytest.mark.parametrize(("end", "every"), [(40, 100), (900, 100), (6000, 600), (20_000, 2000), (500_000, 10_000)])
def test_how_often_weights_are_saved(end: int, every: int) -> None:
    assert save_every(end) == every
