"""The argument list, fork by fork."""

from __future__ import annotations

import struct
from dataclasses import replace
from pathlib import Path

import pytest

from bridge.errors import InputError
from bridge.plugin import EngineInfo, RecipeWish, RunFiles
from plugins.engines.darknet.cfg import read
from plugins.engines.darknet.command import train
from plugins.engines.darknet.files import prepare
from plugins.engines.darknet.network import walk
from plugins.engines.darknet.wish import draft

RECIPE = draft(RecipeWish(("a", "b"), 40, "demo-tiny"))
TWO_GPUS = replace(RECIPE, gpus=(0, 2))
PJREDDIE = EngineInfo("darknet", "pjreddie", "", "/bin/dk", frozenset({"train", "clear"}))
ALEXEYAB = EngineInfo("darknet", "alexeyab", "2020 or later", "/bin/dk", frozenset({"dont_show", "map", "train_map"}))
HANK = EngineInfo("darknet", "hank-ai", "v5", "/bin/dk", frozenset({"dont_show", "nocolour", "saveweights", "map"}))


def on_gpu(info: EngineInfo) -> EngineInfo:
    return replace(info, capabilities=info.capabilities | {"gpu"}, gpu_count=3)


@pytest.fixture
def files(tmp_path: Path) -> RunFiles:
    return prepare(tmp_path / "r", RECIPE, [tmp_path / "a.jpg"], [])


def put(path: Path, iteration: int, floats: int | None = None) -> Path:
    count = walk(read(RECIPE.cfg)).floats if floats is None else floats
    path.write_bytes(struct.pack("<iiiQ", 0, 2, 5, iteration * RECIPE.batch) + bytes(4 * count))
    return path


def words(files: RunFiles, argv: tuple[str, ...]) -> str:
    return " ".join(argv).replace(str(files.folder), ".")


def test_each_fork_gets_only_what_it_knows(files: RunFiles) -> None:
    head = "/bin/dk detector train ./obj.data ./net.cfg"
    said = {i.fork: train(files, RECIPE, i, False) for i in (PJREDDIE, ALEXEYAB, HANK)}
    assert words(files, said["pjreddie"].argv) == f"stdbuf -oL {head}"
    assert words(files, said["alexeyab"].argv) == f"{head} -dont_show"
    assert words(files, said["hank-ai"].argv) == f"{head} -dont_show -nocolour -saveweights 100"
    assert [c.stdin for c in said.values()] == [b"", b"", b"yes\nyes\n"], "hank-ai's asks whether the CPU will do"
    assert all(c.env == {} for c in said.values())


def test_gpus_only_for_a_gpu_build(files: RunFiles) -> None:
    for info in (PJREDDIE, ALEXEYAB, HANK):
        assert "-gpus" not in train(files, TWO_GPUS, info, False).argv
        command = train(files, TWO_GPUS, on_gpu(info), False)
        assert command.argv[-2:] == ("-gpus", "0,2")
        assert command.env == {"CUDA_DEVICE_ORDER": "PCI_BUS_ID"}
        assert command.stdin == b""


def test_start_weights_and_clear(files: RunFiles, tmp_path: Path) -> None:
    start = put(tmp_path / "start.weights", 7)
    with_weights = replace(files, weights=start)
    assert words(files, train(with_weights, RECIPE, ALEXEYAB, False).argv).endswith(
        f"net.cfg {start} -clear -dont_show"
    )
    assert "-clear" not in train(with_weights, replace(RECIPE, clear=False), ALEXEYAB, False).argv
    assert "-clear" not in train(with_weights, RECIPE, ALEXEYAB, True).argv


def test_resume_takes_the_newest_sound_weights(files: RunFiles, tmp_path: Path) -> None:
    with_weights = replace(files, weights=put(tmp_path / "start.weights", 7))
    assert str(with_weights.weights) in train(with_weights, RECIPE, PJREDDIE, True).argv
    good = put(files.backup / "net_200.weights", 200)
    put(files.backup / "net_300.weights", 300, floats=5)
    put(files.backup / "net_100.weights", 100)
    command = train(with_weights, RECIPE, PJREDDIE, True)
    assert str(good) in command.argv
    assert str(with_weights.weights) not in command.argv
    assert str(good) not in train(with_weights, RECIPE, PJREDDIE, False).argv


def test_hank_is_not_given_weights_that_it_would_pass_over(files: RunFiles, tmp_path: Path) -> None:
    for path in (put(tmp_path / "net.conv.29", 0), tmp_path / "missing.weights"):
        with pytest.raises(InputError) as caught:
            train(replace(files, weights=path), RECIPE, HANK, False)
        assert caught.value.rule == "weights-name"
        assert str(path) in train(replace(files, weights=path), RECIPE, ALEXEYAB, False).argv


def test_labels_must_be_found(tmp_path: Path) -> None:
    files = prepare(tmp_path / "r", RECIPE, [tmp_path / "raw" / "a.jpg"], [])
    with pytest.raises(InputError) as caught:
        train(files, RECIPE, PJREDDIE, False)
    assert caught.value.rule == "label-path"
