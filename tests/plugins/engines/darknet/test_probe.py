"""Every darknet we have run is told from its output alone."""

from __future__ import annotations

from pathlib import Path

import pytest

from bridge.errors import MissingPartError
from bridge.plugin import Output
from plugins.engines.darknet.probe import probes, recognise

FOLDER = Path(__file__).parents[3] / "fixtures" / "darknet"


def heard(name: str) -> Output:
    text = (FOLDER / "probe" / f"{name}.txt").read_text("utf-8")
    head, _, rest = text.partition("--- stdout\n")
    out, _, err = rest.partition("--- stderr\n")
    return Output(out, err, int(head.partition("=")[2]))


def told(name: str) -> list[Output]:
    return [heard(f"{name}_version"), heard(f"{name}_detector")]


@pytest.mark.parametrize(
    ("name", "fork", "version", "can", "cannot"),
    [
        ("pjreddie", "pjreddie", "", {"clear", "train"}, {"map", "dont_show", "gpu", "calc_anchors", "points"}),
        ("alexeyab_2018-11", "alexeyab", "2018-2019", {"map", "dont_show"}, {"train_map", "points", "gpu"}),
        ("alexeyab_2019-02", "alexeyab", "2018-2019", {"map", "dont_show"}, {"train_map", "calc_anchors"}),
        ("alexeyab_2020-05", "alexeyab", "2020 or later", {"map", "train_map", "points"}, {"opencv", "gpu"}),
        ("alexeyab_head", "alexeyab", "2020 or later", {"map", "calc_anchors"}, {"opencv", "gpu", "nocolour"}),
        ("alexeyab_head_opencv", "alexeyab", "2020 or later", {"map", "opencv"}, {"gpu"}),
        ("hank_v5.1", "hank-ai", "v5.1-104-gf684e1d7", {"map", "nocolour", "opencv"}, {"gpu"}),
    ],
)
def test_forks(name: str, fork: str, version: str, can: set[str], cannot: set[str]) -> None:
    info = recognise("darknet", told(name))
    assert (info.fork, info.version, info.gpu_count) == (fork, version, 0)
    assert can <= info.capabilities
    assert not cannot & info.capabilities


def test_a_gpu_build_says_how_many() -> None:
    err = (FOLDER / "gpu_stub" / "version.stderr.txt").read_text("utf-8")
    info = recognise("darknet", [Output("", err, 0), heard("alexeyab_head_detector")])
    assert (info.fork, info.gpu_count) == ("alexeyab", 3)
    assert "gpu" in info.capabilities


def test_hank_with_cuda_counts_its_cards() -> None:
    version = (
        'Darknet V5 "Moonlit" v5.1-104-gf684e1d7 [Nov 24 2026]\n'
        "CUDA runtime version 12000 (v12.0), driver version 12020 (v12.2)\n"
        "cuDNN is DISABLED\n=> 0: NVIDIA GeForce RTX 3090, 23.6 GiB\n=> 1: NVIDIA GeForce RTX 3090, 23.6 GiB\n"
    )
    info = recognise("darknet", [Output(version, "", 0), Output(version, "", -6)])
    assert (info.fork, info.gpu_count, "gpu" in info.capabilities) == ("hank-ai", 2, True)


def test_an_old_gpu_build_stops_at_a_gpu_that_no_machine_has() -> None:
    stopped = Output("CUDA Error: invalid device ordinal\n", "darknet: ./src/cuda.c:36: Assertion `0' failed.\n", -6)
    assert "gpu" in recognise("darknet", [*told("pjreddie"), stopped]).capabilities
    assert "gpu" not in recognise("darknet", [*told("pjreddie"), heard("pjreddie_version")]).capabilities


def test_a_gpu_build_without_a_driver_is_named_as_such() -> None:
    out, err = (
        (FOLDER / "gpu_stub" / f"no_driver_real_cudart.{s}.txt").read_text("utf-8") for s in ("stdout", "stderr")
    )
    with pytest.raises(MissingPartError) as caught:
        recognise("/opt/darknet", [Output(out, err, 1), Output(out, err, 1)])
    assert caught.value.rule == "darknet-no-driver"
    assert "insufficient" in caught.value.fields["reason"]


def test_another_program_is_refused() -> None:
    with pytest.raises(MissingPartError) as caught:
        recognise("/bin/true", [Output("", "", 0), Output("hello\n", "", 0)])
    assert caught.value.rule == "darknet-unknown"


def test_probes_read_no_input() -> None:
    assert all(command.argv[0] == "darknet" and command.stdin == b"" for command in probes("darknet"))
