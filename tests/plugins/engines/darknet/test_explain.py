"""Logs as people have them: both streams in one file, any fork, any encoding, cut off or not."""

from __future__ import annotations

import base64
import json
import tracemalloc
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bridge.errors import InputError, NotFoundError
from bridge.texts import catalogue
from plugins.engines.darknet.explain import explain

FOLDER = Path(__file__).parents[3] / "fixtures" / "darknet"
KEYS = ["last_iteration", "iterations", "saved", "map", "class_names", "first_nan_iteration", "failure"]


def merged(name: str) -> bytes:
    """Both streams in one file, as `> log 2>&1` leaves them when stderr comes first."""
    parts = [FOLDER / f"{name}.{word}.txt" for word in ("stderr", "stdout")]
    return b"".join(path.read_bytes() for path in parts if path.exists())


def told(tmp_path: Path, data: bytes | str, name: str = "log.txt") -> dict[str, Any]:
    path = tmp_path / name
    path.write_bytes(data if isinstance(data, bytes) else data.encode())
    found = explain(path)
    assert list(found) == KEYS
    assert json.loads(json.dumps(found, allow_nan=False)) == found, "nan is null"
    return found


@pytest.mark.parametrize(
    ("name", "last", "maps", "names", "nan", "failure"),
    [
        ("train/pjreddie", 40, [], [], None, None),
        ("train/alexeyab_2018-11", 40, [], [], None, None),
        ("train/alexeyab_2019-02_map", 40, [0.060619], ["circle", "square", "triangle"], None, None),
        ("train/alexeyab_head_random", 24, [], [], None, None),
        ("train/hank_v5.1_colour", 40, [], [], None, None),
        ("train/hank_v5.1_map_nocolour", 120, [0.1123, 0.0803], ["circle", "square", "triangle"], None, None),
        ("train/alexeyab_head_nan", 205, [0.0, 0.0], ["circle", "square", "triangle"], 2, "nan"),
        ("train/hank_v5.1_nan_then_hang", 220, [0.0, 0.0, 0.0], ["circle", "square", "triangle"], 61, "nan"),
        ("gpu_stub/oom_at_load", 0, [], [], None, "out-of-memory"),
        ("gpu_stub/oom_second_gpu", 0, [], [], None, "out-of-memory"),
        ("gpu_stub/launch_timeout", 16, [], [], None, "launch-timeout"),
        ("gpu_stub/launch_failure_3gpu", 54, [], [], None, "kernel-fault"),
        ("gpu_stub/illegal_access_3gpu", 54, [], [], None, "kernel-fault"),
        ("gpu_stub/bad_gpu_index", 0, [], [], None, "environment"),
        ("gpu_stub/no_driver_real_cudart", 0, [], [], None, "environment"),
        ("map/alexeyab_head", 0, [0.619535], ["circle", "square", "triangle"], None, None),
        ("map/alexeyab_2018-11", 0, [0.609889], ["circle", "square", "triangle"], None, None),
        ("map/hank_v5.1", 0, [0.6338], ["circle", "square", "triangle"], None, None),
    ],
)
def test_console_logs(
    tmp_path: Path, name: str, last: int, maps: list[float], names: list[str], nan: int | None, failure: str | None
) -> None:
    found = told(tmp_path, merged(name))
    assert (found["last_iteration"], found["map"], found["class_names"]) == (last, maps, names)
    assert found["first_nan_iteration"] == nan
    assert (found["failure"] and found["failure"]["class"]) == failure
    if failure:
        assert set(found["failure"]) == {"class", "cause", "action"}
        assert "{" not in found["failure"]["cause"] + found["failure"]["action"]


def test_iterations_and_weights_in_order(tmp_path: Path) -> None:
    found = told(tmp_path, merged("train/hank_v5.1_map_nocolour"))
    assert found["iterations"][0] == {"iteration": 1, "loss": 9.212, "avg_loss": 9.212}
    assert [s["iteration"] for s in found["iterations"]] == list(range(1, 121))
    assert [Path(p).name for p in found["saved"]] == ["net_best.weights", "net_last.weights", "net_final.weights"]
    assert told(tmp_path, merged("train/alexeyab_head_nan"))["iterations"][-1]["avg_loss"] is None


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "cp932"])
@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_logs_of_windows(tmp_path: Path, encoding: str, newline: str) -> None:
    text = (
        "Learning Rate: 0.001, Momentum: 0.9, Decay: 0.0005\n"
        " 1: 2.5, 2.5 avg loss, 0.001 rate, 0.5 seconds, 64 images, -1.0 hours left\n"
        "class_id = 0, name = 六角ナット, ap = 48.66%   \t (TP = 13, FP = 18) \n"
        " 2: -nan(ind), -nan(ind) avg loss, 0.001 rate, 0.5 seconds, 128 images, 0.1 hours left\n"
        "Saving weights to バックアップ/網_final.weights\n"
    )
    found = told(tmp_path, text.replace("\n", newline).encode(encoding))
    assert found["class_names"] == ["六角ナット"]
    assert found["saved"] == ["バックアップ/網_final.weights"]
    assert (found["last_iteration"], found["first_nan_iteration"], found["failure"]["class"]) == (2, 2, "nan")


def test_the_answer_can_be_japanese(tmp_path: Path) -> None:
    path = tmp_path / "log"
    path.write_text("CUDA Error: out of memory\n")
    failure = explain(path, "ja")["failure"]
    assert failure["action"] == catalogue("ja", "failures")["action-out-of-memory"]


LINE = " {}: 1.5, 1.5 avg loss, 0.001 rate, 0.5 seconds, 64 images, 0.1 hours left\n"


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("layer     filters    size              input                output\n", "incomplete"),
        (LINE.format(5), "incomplete"),
        (LINE.format(5) + "Killed\n", "killed"),
        (LINE.format(5) + "./train.sh: line 2:  4711 Segmentation fault      (core dumped) darknet detector\n", "data"),
        ("Couldn't open file: data/obj.names\n", "missing-file"),
        (LINE.format(5) + "Saving weights to /b/net_final.weights\n", None),
        (LINE.format(5) + "Saving weights to /b/net_final.weights", None),
        (LINE.format(5) + "Saving weights to /b/net_fin", "incomplete"),
        ("9/20: loss=1.5\n" + LINE.format(9) + "Saving weights to /b/net_final.weights\n", "incomplete"),
        ("Saving weights to /b/net_final.weights\n", "incomplete"),
        ("a.jpg: Predicted in 323.1 milli-seconds.\ntriangle: 72%\n", None),
    ],
)
def test_ends(tmp_path: Path, text: str, kind: str | None) -> None:
    failure = told(tmp_path, text)["failure"]
    assert (failure and failure["class"]) == kind


def test_a_log_of_two_runs_is_judged_by_the_second(tmp_path: Path) -> None:
    start = "Learning Rate: 0.001, Momentum: 0.9, Decay: 0.0005\n"
    first = start + LINE.format(100) + "CUDA Error: unspecified launch failure\n"
    second = start + LINE.format(101) + LINE.format(200) + "Saving weights to /b/net_final.weights\n"
    found = told(tmp_path, first + second)
    assert found["failure"] is None
    assert [s["iteration"] for s in found["iterations"]] == [100, 101, 200]
    assert told(tmp_path, second + first)["failure"]["class"] == "kernel-fault"


def transcript(name: str, end: int | None, size: int = 700) -> list[str]:
    lines = []
    for stream, word in (("out", "stdout"), ("err", "stderr")):
        path = FOLDER / f"{name}.{word}.txt"
        data = path.read_bytes() if path.exists() else b""
        for i in range(0, len(data), size):
            lines.append(json.dumps({"stream": stream, "data": base64.b64encode(data[i : i + size]).decode()}))
    return lines if end is None else [*lines, json.dumps({"exit": end})]


@pytest.mark.parametrize(
    ("name", "code", "kind"),
    [
        ("train/pjreddie", 0, None),
        ("train/pjreddie", -6, None),
        ("train/alexeyab_2019-02_map", 0, None),
        ("gpu_stub/oom_second_gpu", 1, "out-of-memory"),
        ("train/alexeyab_head_nan", -6, "nan"),
    ],
)
def test_our_transcripts(tmp_path: Path, name: str, code: int, kind: str | None) -> None:
    data = "\n".join(transcript(name, code)) + "\n"
    for file in ("run.jsonl", "without-ending"):
        found = told(tmp_path, data, file)
        assert (found["failure"] and found["failure"]["class"]) == kind
    assert found == told(tmp_path, merged(name)), "the same as from the console log"


def test_a_transcript_that_breaks_off(tmp_path: Path) -> None:
    lines = transcript("train/pjreddie", None)
    half = [*lines[:20], lines[20][: len(lines[20]) // 2]]
    found = told(tmp_path, "\n".join(half), "run.jsonl")
    assert 0 < found["last_iteration"] < 40
    assert found["failure"]["class"] == "incomplete"
    killed = told(tmp_path, "\n".join([*lines[:20], '{"exit": -9}', '{"stre']), "run.jsonl")
    assert killed["failure"]["class"] == "killed"
    odd = [*lines, '{"stream": "out"}', '{"stream": "out", "data": 7}', "[1]", "null", '{"exit": null}']
    assert told(tmp_path, "\n".join(odd), "run.jsonl")["failure"] is None


def test_no_file(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError):
        explain(tmp_path / "missing.log")
    with pytest.raises(InputError):
        explain(tmp_path)


@pytest.mark.parametrize(
    "data",
    [b"", b"root:x:0:0:root:/root:/bin/bash\n", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "学習のメモ\n".encode("utf-16")],
)
def test_what_darknet_never_wrote_is_not_judged(tmp_path: Path, data: bytes) -> None:
    for name in ("log.txt", "run.jsonl"):
        (tmp_path / name).write_bytes(data)
        with pytest.raises(InputError, match="log-not-darknet"):
            explain(tmp_path / name)


def test_a_large_log_takes_little_memory(tmp_path: Path) -> None:
    path = tmp_path / "large.log"
    layer = "Region 13 Avg IOU: 0.39, Class: 0.41, Obj: 0.53, No Obj: 0.47, .5R: 0.5, .75R: 0.0,  count: 4\n" * 40
    with path.open("w") as file:
        for i in range(1, 1001):
            file.write(layer + f"{i}: 1.5, 1.6 avg, 0.001 rate, 0.5 seconds, {i * 64} images\n")
    assert path.stat().st_size > 3_500_000
    tracemalloc.start()
    found = explain(path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert found["last_iteration"] == 1000
    assert peak < 2_500_000


@settings(deadline=None, max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary(max_size=300))
def test_anything_is_answered(tmp_path: Path, data: bytes) -> None:
    assert told(tmp_path, b"darknet\n" + data)["last_iteration"] >= 0
    with suppress(InputError):  # Nearly all of it was never written by darknet.
        told(tmp_path, data)
