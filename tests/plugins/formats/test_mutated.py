"""Real files with pieces broken at random: what can be read can be written, and only named refusals come out."""

from __future__ import annotations

import copy
import json
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.errors import BridgeError
from bridge.plugin import Format, ReadOptions, WriteOptions
from plugins.formats.coco import Coco
from plugins.formats.label_studio import LabelStudio
from plugins.formats.vott1 import VottV1
from tests.plugins.formats.roundtrip import dataset_of

FIXTURES = Path(__file__).parents[2] / "fixtures"
FORMATS: tuple[Format, ...] = (VottV1(), Coco(), LabelStudio())
JUNK: tuple[Any, ...] = (
    *(None, True, -1, 0, 1e308, 10**40, float("nan")),
    *("", "../x", "\ud800", "a,b c", "2"),
    *([], {}, [[]], [None], {"id": 1}),
)


def places(value: Any, way: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Every place inside a document, as the keys that lead to it."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in inner:
        yield (*way, key)
        yield from places(item, (*way, key))


def mutated(value: Any, chance: random.Random) -> Any:
    value = copy.deepcopy(value)
    for _ in range(chance.randint(1, 4)):
        way = chance.choice(list(places(value)) or [()])
        if not way:
            continue
        holder = value
        for key in way[:-1]:
            holder = holder[key]
        if chance.random() < 0.7:
            holder[way[-1]] = copy.deepcopy(chance.choice(JUNK))
        elif isinstance(holder, list):
            holder.append(copy.deepcopy(holder[way[-1]]))
        else:
            del holder[way[-1]]
    return value


@pytest.fixture(scope="module")
def sources(tmp_path_factory: pytest.TempPathFactory) -> list[tuple[Format, Any]]:
    vott, coco, studio = FORMATS
    folder = tmp_path_factory.mktemp("sources")
    drawn = vott.read(FIXTURES / "vott1" / "v1.7.2.json", ReadOptions(images=FIXTURES / "vott1" / "images"))
    coco.write(dataset_of(drawn), folder / "coco.json", WriteOptions())
    tasks = json.loads((FIXTURES / "label_studio" / "api_export_json.json").read_text("utf-8"))["response"]
    task = json.loads((FIXTURES / "label_studio" / "api_task_get.json").read_text("utf-8"))["response"]
    names = ("v1.7.2", "migrated", "v1.0.9")
    projects = [json.loads((FIXTURES / "vott1" / f"{name}.json").read_text("utf-8")) for name in names]
    return [
        *((vott, project) for project in projects),
        (coco, json.loads((folder / "coco.json").read_text("utf-8"))),
        (studio, tasks),
        (studio, [task]),
    ]


@given(st.integers(0, 10**9))
@settings(max_examples=50, deadline=None)
def test_broken_pieces_never_break_the_program(
    sources: list[tuple[Format, Any]], tmp_path_factory: pytest.TempPathFactory, seed: int
) -> None:
    chance = random.Random(seed)
    format_, source = chance.choice(sources)
    folder = tmp_path_factory.mktemp("mutated")
    (folder / "in.json").write_text(json.dumps(mutated(source, chance)))
    options = ReadOptions(images=FIXTURES / "vott1" / "images", order="bytes")
    try:
        reading = format_.read(folder / "in.json", options)
        dataset = dataset_of(reading)
    except BridgeError:
        return  # Named, with what to do about it.
    assert len(list(dataset.documents)) == reading.total
    for other in FORMATS:
        other.losses(dataset)
        other.write(dataset, folder / f"{other.name}.json", WriteOptions(pictures="none"))
        assert other.read(folder / f"{other.name}.json", options).total == reading.total or other.name == "vott-v1"
