"""Checkpoints are kept when they are whole, under names that nothing overwrites."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from bridge.model.training import Recipe
from bridge.plugin import Engine, RecipeWish, RunFiles
from bridge.registry import Registry
from tests.workers.conftest import floats_of
from workers import weights as weights_module
from workers.outbox import Outbox, Weights
from workers.weights import Kept


@pytest.fixture(scope="module")
def engine() -> Engine:
    return Registry().engine("darknet")


@pytest.fixture(scope="module")
def recipe(engine: Engine) -> Recipe:
    return engine.draft(RecipeWish(("a", "b"), 4, "demo-tiny", network=(64, 64), max_batches=100))


@pytest.fixture
def files(engine: Engine, recipe: Recipe, tmp_path: Path) -> RunFiles:
    pictures = [tmp_path / f"{n}.jpg" for n in range(4)]
    return engine.prepare(tmp_path / "run", recipe, pictures, pictures)


@pytest.fixture
def outbox(tmp_path: Path) -> Iterator[Outbox]:
    found = Outbox(tmp_path / "outbox.sqlite3")
    yield found
    found.close()


@pytest.fixture
def kept(tmp_path: Path, outbox: Outbox) -> Kept:
    return Kept(tmp_path / "kept", "job", outbox)


def save(path: Path, recipe: Recipe, iteration: int, share: float = 1.0, value: float = 0.5) -> bytes:
    floats = int(floats_of(recipe) * share)
    data = struct.pack("<iiiQ", 0, 2, 0, iteration * recipe.batch) + struct.pack("<f", value) * floats
    path.write_bytes(data)
    return data


def handed_in(outbox: Outbox) -> list[tuple[int, str]]:
    found: list[tuple[int, str]] = []
    while (entry := outbox.first("job")) is not None:
        one = msgspec.json.decode(entry.body, type=Weights)
        assert Path(one.path).stat().st_size == one.size
        found.append((one.iteration, one.kind))
        outbox.drop(entry)
    return found


def test_what_is_new_is_kept_once(engine: Engine, files: RunFiles, recipe: Recipe, kept: Kept, outbox: Outbox) -> None:
    data = save(files.backup / "net_10.weights", recipe, 10)
    assert kept.collect(engine, files, recipe)
    assert kept.collect(engine, files, recipe)
    assert handed_in(outbox) == [(10, "numbered")]
    newest = kept.newest()
    assert newest is not None
    assert (newest[0].read_bytes(), newest[1]) == (data, 10)


def test_a_file_that_is_still_being_written_is_waited_for(
    engine: Engine, files: RunFiles, recipe: Recipe, kept: Kept, outbox: Outbox
) -> None:
    save(files.backup / "net_10.weights", recipe, 10, share=0.5)
    assert not kept.collect(engine, files, recipe)
    assert kept.newest() is None
    save(files.backup / "net_10.weights", recipe, 10)
    assert kept.collect(engine, files, recipe)
    assert handed_in(outbox) == [(10, "numbered")]


def test_weights_that_are_no_numbers_are_not_kept(
    engine: Engine, files: RunFiles, recipe: Recipe, kept: Kept, outbox: Outbox
) -> None:
    save(files.backup / "net_10.weights", recipe, 10, value=float("nan"))
    assert not kept.collect(engine, files, recipe)
    assert handed_in(outbox) == []


@pytest.mark.parametrize("name", ["net_best.weights", "net_last.weights", "net.backup"])
def test_a_file_that_is_overwritten_in_place_leaves_the_kept_one_alone(
    engine: Engine, files: RunFiles, recipe: Recipe, kept: Kept, name: str
) -> None:
    first = save(files.backup / name, recipe, 10)
    kept.collect(engine, files, recipe)
    newest = kept.newest()
    assert newest is not None
    with (files.backup / name).open("r+b") as file:  # darknet truncates and writes into the same file.
        file.truncate()
        file.write(b"torn")
    kept.collect(engine, files, recipe)
    assert newest[0].read_bytes() == first


def test_last_weights_are_for_going_on_and_handed_in_seldom(
    engine: Engine, files: RunFiles, recipe: Recipe, kept: Kept, outbox: Outbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    for iteration in (10, 20, 30):
        save(files.backup / "net_last.weights", recipe, iteration, value=iteration)
        kept.collect(engine, files, recipe)
    newest = kept.newest()
    assert newest is not None
    assert newest[1] == 30
    assert len(list(kept.folder.iterdir())) == 1
    assert handed_in(outbox) == []
    monkeypatch.setattr(weights_module, "_LAST_SECONDS", 0.0)
    save(files.backup / "net_last.weights", recipe, 40, value=40)
    kept.collect(engine, files, recipe)
    assert handed_in(outbox) == [(40, "last")]


def test_at_an_end_the_last_weights_count_too(
    engine: Engine, files: RunFiles, recipe: Recipe, kept: Kept, outbox: Outbox
) -> None:
    save(files.backup / "net_10.weights", recipe, 10)
    save(files.backup / "net_last.weights", recipe, 17, value=17)
    kept.collect(engine, files, recipe)
    assert handed_in(outbox) == [(10, "numbered")]
    kept.collect(engine, files, recipe, all_kinds=True)
    assert handed_in(outbox) == [(17, "last")]


def test_equal_bytes_are_one_checkpoint_under_its_better_name(
    engine: Engine, files: RunFiles, recipe: Recipe, kept: Kept, outbox: Outbox
) -> None:
    for name in ("net.backup", "net_10.weights"):
        save(files.backup / name, recipe, 10)
    kept.collect(engine, files, recipe, all_kinds=True)
    assert handed_in(outbox) == [(10, "numbered")]


def test_another_worker_of_the_node_finds_what_was_kept(
    engine: Engine, files: RunFiles, recipe: Recipe, kept: Kept, outbox: Outbox
) -> None:
    save(files.backup / "net_10.weights", recipe, 10)
    kept.collect(engine, files, recipe)
    later = Kept(kept.folder, "job", outbox)
    newest = later.newest()
    assert newest is not None
    assert newest[1] == 10
