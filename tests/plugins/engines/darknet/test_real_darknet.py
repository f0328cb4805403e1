"""The contract with a real program: Debian's darknet trains what we prepare, and we read what it says and saves."""

from __future__ import annotations

import os
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image, ImageDraw

from bridge.model.training import Recipe
from bridge.plugin import Command, EngineInfo, Output, RecipeWish, RunFiles
from plugins.engines.darknet.engine import Darknet
from tests.parts import absent

pytestmark = pytest.mark.story
ENGINE = Darknet()


@pytest.fixture(scope="module")
def binary() -> str:
    found = shutil.which("darknet")
    if found is None:
        absent("darknet")
    return str(found)


@pytest.fixture
def pictures(tmp_path: Path) -> list[Path]:
    folder = tmp_path / "pictures"
    folder.mkdir()
    made = []
    for i in range(8):
        picture = Image.new("RGB", (160, 120), (30 * i, 90, 120))
        ImageDraw.Draw(picture).rectangle((20 + 4 * i, 30, 80 + 4 * i, 90), fill=(250, 250, 40))
        path = folder / f"p{i}.jpg"
        picture.save(path)
        path.with_suffix(".txt").write_text(f"{i % 2} {(50 + 4 * i) / 160} 0.5 0.375 0.5\n")
        made.append(path)
    return made


def run(command: Command, folder: Path) -> Output:
    done = subprocess.run(
        command.argv,
        input=command.stdin,
        capture_output=True,
        cwd=folder,
        env={**os.environ, **command.env, "OMP_NUM_THREADS": "1"},
        timeout=120,
    )
    return Output(done.stdout.decode("utf-8", "replace"), done.stderr.decode("utf-8", "replace"), done.returncode)


def known(binary: str, folder: Path) -> EngineInfo:
    return ENGINE.recognise(binary, [run(command, folder) for command in ENGINE.probes(binary)])


def recipe(max_batches: int) -> Recipe:
    return ENGINE.draft(RecipeWish(("square", "box"), 8, "demo-tiny", batch=4, max_batches=max_batches))


def train(files: RunFiles, wanted: Recipe, info: EngineInfo, resume: bool = False) -> tuple[list[int], Output]:
    output = run(ENGINE.command(files, wanted, info, resume), files.folder)
    parser = ENGINE.parser()
    events = parser.feed("out", output.out.encode()) + parser.feed("err", output.err.encode()) + parser.end()
    failure = ENGINE.classify(events, output, wanted.max_batches)
    assert failure is None, failure
    return [e.fields["iteration"] for e in events if e.kind == "iteration"], output


def test_train_and_go_on(binary: str, tmp_path: Path, pictures: list[Path]) -> None:
    info = known(binary, tmp_path)
    assert (info.fork, "gpu" in info.capabilities) == ("pjreddie", False)
    wanted = recipe(4)
    assert [f for f in ENGINE.preflight(wanted, info, len(pictures)) if f.severity != "info"] == []
    files = ENGINE.prepare(tmp_path / "run", wanted, pictures, pictures[:4])
    iterations, _ = train(files, wanted, info)
    assert iterations == [1, 2, 3, 4]
    (final,) = ENGINE.saved(files, wanted)
    assert (final.path.name, final.kind, final.iteration, final.sound) == ("net_final.weights", "final", 4, True)
    assert ENGINE.outlook(wanted, info).weights_bytes == final.path.stat().st_size

    # Longer now, from those weights: the count goes on.
    longer = recipe(6)
    assert ENGINE.check_weights(final.path, longer, info) == []
    files = ENGINE.prepare(tmp_path / "run", longer, pictures, pictures[:4])
    iterations, _ = train(files, longer, info, resume=True)
    assert iterations == [5, 6]
    assert ENGINE.saved(files, longer)[0].iteration == 6
    assert ENGINE.iteration_of(final.path, longer) == 6


def test_what_it_says_when_it_fails(binary: str, tmp_path: Path, pictures: list[Path]) -> None:
    info = known(binary, tmp_path)
    wanted = recipe(4)
    files = ENGINE.prepare(tmp_path / "run", wanted, pictures, [])
    command = ENGINE.command(files, wanted, info, False)

    def failing(change: tuple[Path, str]) -> str | None:
        path, text = change
        before = path.read_text()
        path.write_text(text)
        output = run(command, files.folder)
        path.write_text(before)
        failure = ENGINE.classify([], output, wanted.max_batches)
        return failure.kind if failure else None

    cfg = wanted.cfg
    assert failing((files.cfg, cfg.replace("classes=2", "classes=3"))) == "cfg"
    assert failing((files.cfg, cfg.replace("steps=", "stops="))) == "cfg"
    assert failing((files.cfg, cfg.replace("[maxpool]", "[frobnicate]", 1))) == "cfg"
    assert (
        failing((files.cfg, cfg.replace("learning_rate=0.01", "learning_rate=1e9").replace("burn_in=", "#"))) == "nan"
    )
    assert failing((files.train, "")) == "data"
    # Whichever thread comes first finds the picture or its labels missing.
    assert failing((files.train, f"{tmp_path}/missing.jpg\n")) in ("data", "missing-file")
    assert failing((files.data, files.data.read_text().replace("train.txt", "none.txt"))) == "missing-file"
    shutil.rmtree(files.backup)
    assert failing((files.cfg, cfg)) == "missing-file", "it exits 0 all the same"


def test_resume_at_the_end_trains_nothing(binary: str, tmp_path: Path, pictures: list[Path]) -> None:
    info = known(binary, tmp_path)
    wanted = recipe(2)
    files = ENGINE.prepare(tmp_path / "run", wanted, pictures, [])
    train(files, wanted, info)
    keep = replace(wanted, clear=False)
    final = ENGINE.saved(files, wanted)[-1].path
    assert [f.rule for f in ENGINE.check_weights(final, keep, info)] == ["weights-done"]
    output = run(ENGINE.command(files, wanted, info, True), files.folder)
    failure = ENGINE.classify([], output, 2)
    assert failure is not None
    assert (failure.kind, failure.cause) == ("incomplete", "cause-nothing-trained")
