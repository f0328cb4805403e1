"""Every fork's output becomes the same events, whatever the chunks."""

from __future__ import annotations

import math
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.model.training import RunEvent, Stream
from plugins.engines.darknet.log import DarknetLog, number, seconds

FOLDER = Path(__file__).parents[3] / "fixtures" / "darknet"
STREAMS: tuple[tuple[Stream, str], ...] = (("out", "stdout"), ("err", "stderr"))


def heard(name: str) -> list[RunEvent]:
    log = DarknetLog()
    events = []
    for stream, word in STREAMS:
        path = FOLDER / f"{name}.{word}.txt"
        if path.exists():
            events += log.feed(stream, path.read_bytes())
    return events + log.end()


def one(text: str) -> list[RunEvent]:
    log = DarknetLog()
    return log.feed("out", text.encode()) + log.end()


def fields(events: list[RunEvent], kind: str) -> list[dict[str, Any]]:
    return [e.fields for e in events if e.kind == kind]


@pytest.mark.parametrize(
    ("name", "iterations", "max_batches", "maps", "saved"),
    [
        ("pjreddie", 40, None, [], ["netv3_final"]),
        ("alexeyab_2018-11", 40, None, [], ["netv3_final"]),
        ("alexeyab_2019-02_map", 40, None, [0.060619], ["netv3_final"]),
        ("alexeyab_head_map", 120, 120, [0.043487, 0.060571], []),
        ("alexeyab_head_random", 24, 24, [], ["netr_final"]),
        ("hank_v5.1_colour", 40, 40, [], ["netv3_final"]),
        ("hank_v5.1_map_nocolour", 120, None, [0.1123, 0.0803], ["net_best", "net_last", "net_final"]),
    ],
)
def test_trainings(name: str, iterations: int, max_batches: int | None, maps: list[float], saved: list[str]) -> None:
    events = heard(f"train/{name}")
    steps = fields(events, "iteration")
    assert [s["iteration"] for s in steps] == list(range(1, iterations + 1))
    assert steps[-1]["max_batches"] == max_batches
    assert all(math.isfinite(s["loss"]) and s["seconds"] > 0 and s["images"] == 8 * s["iteration"] for s in steps)
    assert [m["map"] for m in fields(events, "map")] == maps
    assert [Path(s["path"]).stem for s in fields(events, "saved")] == saved
    assert len(fields(events, "started")) == 1
    assert not fields(events, "nan")
    assert [e.seq for e in events] == list(range(1, len(events) + 1))


def test_the_first_and_last_iteration_in_full() -> None:
    steps = fields(heard("train/alexeyab_head_random"), "iteration")
    assert steps[0] == {
        "iteration": 1,
        "loss": 33.718613,
        "avg_loss": 33.718613,
        "rate": 0.000188,
        "seconds": 0.113188,
        "images": 8,
        "hours_left": None,
        "max_batches": 24,
    }
    assert steps[-1]["hours_left"] == 0.000687
    hank = fields(heard("train/hank_v5.1_map_nocolour"), "iteration")[100]
    assert (hank["loss"], hank["avg_loss"], hank["rate"], hank["images"]) == (0.873, 1.663, 0.0003, 808)
    assert hank["seconds"] == pytest.approx(0.0302)


def test_map_belongs_to_its_iteration_and_has_its_classes() -> None:
    events = heard("train/alexeyab_head_map")
    assert [m["iteration"] for m in fields(events, "map")] == [100, 120]
    assert fields(events, "class-ap")[:3] == [
        {"id": 0, "name": "circle", "ap": 0.0717},
        {"id": 1, "name": "square", "ap": 0.0525},
        {"id": 2, "name": "triangle", "ap": 0.0063},
    ]
    hank = fields(heard("map/hank_v5.1"), "class-ap")
    assert [(c["name"], c["ap"]) for c in hank] == [("circle", 0.533717), ("square", 0.746599), ("triangle", 0.620989)]
    assert fields(heard("map/alexeyab_2018-11"), "map") == [{"map": 0.609889, "iteration": 0}]


def test_class_names_may_hold_anything() -> None:
    events = one(
        "class_id = 3, name = 六角ナット, M4, \t ap = 48.11 % \n   4 a 1 b      53.3717   1   2   3   4  52.8  28.8\n"
    )
    assert fields(events, "class-ap") == [
        {"id": 3, "name": "六角ナット, M4", "ap": 0.4811},
        {"id": 4, "name": "a 1 b", "ap": 0.533717},
    ]


def test_nan_is_told_once_with_its_iteration() -> None:
    for name, first in (("alexeyab_head_nan", 2), ("hank_v5.1_nan_then_hang", 61)):
        events = heard(f"train/{name}")
        assert fields(events, "nan") == [{"iteration": first}]
        assert not math.isfinite(fields(events, "iteration")[-1]["avg_loss"])


@pytest.mark.parametrize("spelling", ["nan", "-nan", "-nan(ind)", "inf", "-inf"])
def test_every_spelling_of_no_number(spelling: str) -> None:
    events = one(f"7: {spelling}, {spelling} avg, 0.001 rate, 0.5 seconds, 56 images\n")
    assert [e.kind for e in events] == ["iteration", "nan"]
    assert not math.isfinite(number(spelling))


def test_nan_of_a_layer_without_objects_is_normal() -> None:
    assert one("Region 13 Avg IOU: -nan, Class: -nan, Obj: -nan, No Obj: 0.5, .5R: -nan, .75R: -nan,  count: 0\n") == []


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("Resizing, random_coef = 1.40 \n\n 160 x 96 \n", (160, 96)),
        ("Resizing\n416\n", (416, 416)),
        ("Resizing\n64 x 64\n", (64, 64)),
        ("Resizing, random_coef=1.40, batch=4, 160x128\n", (160, 128)),
        ("Resizing to initial size: 96 x 64 \n", (96, 64)),
        ("Resizing, random_coef = 1.40 \n\n 160 x 96  (batch = 4) \n", (160, 96)),
    ],
)
def test_resizing(text: str, size: tuple[int, int]) -> None:
    assert [(f["width"], f["height"]) for f in fields(one(text), "resized")] == [size]


@pytest.mark.parametrize(
    ("middle", "end", "took", "left"),
    [
        ("rate=0.000026, 64.424 milliseconds", "7 seconds", 0.064424, 7.0),
        ("last=none, best=none, next=100, rate=0.1, 2 seconds", "1.5 hours", 2, 5400.0),
        ("last=5.76%, best=5.76%, mAP=300, rate=0.1, load 8=1 second, train=2 seconds", "unknown", 2, None),
    ],
)
def test_hank_lines_of_every_version(middle: str, end: str, took: float, left: float | None) -> None:
    line = f"9: loss=0.444, avg loss=0.329, {middle}, 72 images, time remaining={end}\n"
    (step,) = fields(one(line), "iteration")
    assert step["hours_left"] == (None if left is None else left / 3600)
    assert step["seconds"] == pytest.approx(took)


def test_durations() -> None:
    assert (seconds("1 second"), seconds("2.5 days"), seconds("unknown")) == (1, 216_000, None)


def test_complaints_are_told_once() -> None:
    line = "Wrong annotation: class_id = 7. But class_id should be [from 0 to 2], file: /a.txt \n"
    assert [e.kind for e in one(line * 1000)] == ["message"]
    flood = "".join(
        f"Can't open label file. (This can be normal only if you use MSCOCO): /{i}.txt\n" for i in range(5000)
    )
    assert len(one(flood)) == 200


def test_glued_lines_of_a_merged_log() -> None:
    kinds = Counter(
        e.kind
        for e in one(
            "Loading weights from x.weights...t703: 1.5, 1.6 avg loss, 0.001 rate, 0.5 seconds, 11248 images, 0.1 hours"
            " left\n"
            "40cuDNN Error: CUDNN_STATUS_BAD_PARAM\n"
            "  8 Try to set subdivisions=64 in your cfg-file. CUDA Error: out of memory: Success\n"
            "Saving weights to /a/net_100.weights 101: 1.0, 1.1 avg\n"
        )
    )
    assert kinds == {"iteration": 1, "cudnn-error": 1, "cuda-error": 1, "saved": 1}


def test_a_cut_last_line_does_not_lie() -> None:
    assert one("12: 1.0, 1.1 avg, 0.001 rate, 0.5 seconds, 96") == []
    assert one("Saving weights to /a/net_fin") == []
    assert fields(one("Saving weights to /a/net_final.weights"), "saved") == [{"path": "/a/net_final.weights"}]


@pytest.mark.parametrize("name", ["train/alexeyab_head_map", "train/hank_v5.1_colour", "gpu_stub/oom_second_gpu"])
def test_single_bytes_give_the_same_events(name: str) -> None:
    log, events = DarknetLog(), []
    for stream, word in STREAMS:
        path = FOLDER / f"{name}.{word}.txt"
        data = path.read_bytes() if path.exists() else b""
        for i in range(len(data)):
            events += log.feed(stream, data[i : i + 1])
    assert _known(events + log.end()) == _known(heard(name))


@settings(deadline=None, max_examples=25)
@given(st.lists(st.integers(1, 6000), min_size=1, max_size=30))
def test_any_split_of_two_streams_gives_the_same_events_of_each(sizes: list[int]) -> None:
    parts = {s: (FOLDER / f"train/alexeyab_2019-02_map.{w}.txt").read_bytes() for s, w in STREAMS}
    log = DarknetLog()
    turns: dict[Stream, list[RunEvent]] = {"out": [], "err": []}
    place: dict[Stream, int] = {"out": 0, "err": 0}
    turn = 0
    while any(place[s] < len(parts[s]) for s, _ in STREAMS):
        stream: Stream = "out" if turn % 2 else "err"
        size = sizes[turn % len(sizes)]
        turns[stream] += log.feed(stream, parts[stream][place[stream] : place[stream] + size])
        place[stream] += size
        turn += 1
    rest = log.end()
    both = [(e.kind, repr(e.fields)) for e in (*turns["out"], *turns["err"], *rest)]
    assert sorted(both) == sorted((e.kind, repr(e.fields)) for e in heard("train/alexeyab_2019-02_map"))
    steps = [e.fields["iteration"] for e in turns["out"] if e.kind == "iteration"]
    assert steps == sorted(steps)


def _known(events: list[RunEvent]) -> list[tuple[str, str]]:
    return [(e.kind, repr(e.fields)) for e in events]
