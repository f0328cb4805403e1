"""Files cut short anywhere, wrong types everywhere: a named finding or error, no wrong number, the rest goes in."""

from __future__ import annotations

import copy
import json
import random
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bridge.errors import BridgeError, InputError
from bridge.model.annotation import Document, State
from bridge.model.finding import Finding
from bridge.plugin import Format, ReadOptions
from plugins.formats.vott1 import VottV1
from plugins.formats.vott2 import VottV2
from tests.plugins.formats.vott_cases import Case, Desk, of, old, only, told

READERS: dict[int, Format] = {1: VottV1(), 2: VottV2()}


def read(case: Case, **options: Any) -> tuple[dict[str, Document], list[Finding]]:
    """Documents by name and all findings; every finding makes a whole sentence."""
    reading = READERS[case.version].read(case.place, ReadOptions(images=case.images, **options))
    documents = {document.image.name: document for document in reading.documents}
    found = [*reading.findings, *(f for document in documents.values() for f in document.findings)]
    for finding in found:
        told(finding)
    return documents, found


def drawn(documents: dict[str, Document]) -> dict[str, Counter[Any]]:
    return {
        name: Counter((r.kind, r.points, r.labels) for r in document.regions or ())
        for name, document in documents.items()
    }


def full(case: Case) -> Path:
    """A project with something of everything, in few bytes."""
    case.tags = ("a", "水着")
    outline = case.shape("polygon", (10, 10), (100, 20), (80, 90))
    case.add("x.jpg", case.box(10.5, 20.25, 30, 366, tags=["水着", "a"]), outline)
    case.add("日.jpg", case.box(7, 8, 60, 90))
    case.add("empty.jpg")
    case.write()
    files = [case.place] if case.version == 1 else list(case.place.iterdir())
    for file in files:
        told_ = json.loads(file.read_text("utf-8"))
        file.write_text(json.dumps(told_, ensure_ascii=False, separators=(",", ":")), "utf-8")
    return case.place


def test_a_file_cut_at_any_byte_gives_nothing_that_was_not_drawn(vott: Case) -> None:
    place = full(vott)
    before = drawn(read(vott)[0])
    files = [place] if vott.version == 1 else [place / "p.vott", vott.asset_file("x.jpg")]
    for file in files:
        whole, nothing = file.read_bytes(), []
        for cut in range(len(whole)):
            file.write_bytes(whole[:cut])
            old(file)
            try:
                documents, found = read(vott)
            except BridgeError:
                nothing.append(cut)
                continue
            for name, regions in drawn(documents).items():
                assert regions <= before[name], (file.name, cut)
            # What was labelled and cannot be read any more is never taken for a picture without objects.
            empty = {name for name, document in documents.items() if document.state is State.REVIEWED_EMPTY}
            assert empty <= {"empty.jpg"}, (file.name, cut)
            assert any(f.rule == "damaged" for f in found), (file.name, cut)
        assert not nothing or max(nothing) < 300  # Before anything was whole.
        file.write_bytes(whole)


@pytest.mark.parametrize("depth", [70, 100_000])
def test_brackets_nested_without_end_cost_their_own_file_only(vott: Case, desk: Desk, depth: int) -> None:
    full(vott)
    deep = '{"note":' + "[" * depth + "]" * depth + "}"
    file = vott.place if vott.version == 1 else vott.asset_file("x.jpg")
    file.write_text(deep)
    old(file)
    if vott.version == 1:
        with pytest.raises(InputError) as caught:
            VottV1().read(file, ReadOptions())
        assert caught.value.rule == "json-too-deep"
    else:
        done = desk.take(vott.place)
        assert (of(done, "x.jpg"), done.boxes) == (["damaged"], 1)


def test_a_file_larger_than_the_limit_is_not_even_opened(vott: Case, desk: Desk) -> None:
    full(vott)
    file = vott.place if vott.version == 1 else vott.asset_file("x.jpg")
    with file.open("ab") as stream:
        stream.truncate(700_000_000)  # It takes no room on the disk.
    if vott.version == 1:
        with pytest.raises(InputError) as caught:
            desk.take(vott.place)
        assert (caught.value.rule, caught.value.fields["megabytes"]) == ("file-too-large", 700)
    else:
        done = desk.take(vott.place)
        assert "file-too-large" in str(only(done, "damaged").fields)
        assert done.boxes == 1


# ---------------------------------------------------------------- wrong types


junk = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(-(10**40), 10**40),
        st.floats(allow_nan=True),
        st.text(max_size=5),
        st.sampled_from(["../x", "a\0b", "C:\\x", "\ud800", "__proto__", "1" * 5000, "²", "٣"]),
    ),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=4), inner, max_size=3)),
    max_leaves=4,
)


def places(value: Any, way: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in inner:
        yield (*way, key)
        yield from places(item, (*way, key))


def replaced(value: Any, way: tuple[Any, ...], new: Any) -> Any:
    holder = value = copy.deepcopy(value)
    for key in way[:-1]:
        holder = holder[key]
    holder[way[-1]] = new
    return value


@pytest.mark.parametrize("version", [1, 2])
@given(seed=st.integers(0, 10**9), new=junk)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_wrong_value_anywhere_costs_its_own_place_only(
    tmp_path_factory: pytest.TempPathFactory, version: int, seed: int, new: Any
) -> None:
    case = Case(version, tmp_path_factory.mktemp("wrong"))
    full(case)
    before = drawn(read(case)[0])
    chance = random.Random(seed)
    file = case.place if version == 1 else chance.choice([case.place / "p.vott", case.asset_file("x.jpg")])
    told_ = json.loads(file.read_text("utf-8"))
    way = chance.choice(list(places(told_)))
    file.write_text(json.dumps(replaced(told_, way, new)))
    old(file)
    try:
        documents, found = read(case)
    except BridgeError:
        assert len(way) == 1, way  # Only a value that all else hangs on can cost the whole project.
        return
    touched = touches(way, file)
    for name, regions in before.items():
        if touched not in (name, "all"):
            assert drawn(documents)[name] == regions, way
    assert len(list(raws(case))) <= sum(map(len, kept(documents))) + len(found), way


def touches(way: tuple[Any, ...], file: Path) -> str:
    """Which picture a place in a file is about."""
    if file.suffix == ".json" and way[0] == "frames":
        return str(way[1]) if len(way) > 1 else "all"
    if file.name.endswith("-asset.json"):
        return "x.jpg"
    # A record of a project may give its picture another path, and all of them another common folder.
    return "all" if file.suffix == ".vott" and way[0] == "assets" else ""


def raws(case: Case) -> Iterator[Any]:
    """Every region as it stands in the files now."""
    if case.version == 1:
        frames = json.loads(case.place.read_text("utf-8"))["frames"]
        lists = frames.values() if isinstance(frames, dict) else []
    else:
        lists = [json.loads(file.read_text("utf-8")).get("regions") for file in case.place.glob("*-asset.json")]
    for listed in lists:
        yield from listed if isinstance(listed, list) else [listed]


def kept(documents: dict[str, Document]) -> Iterator[list[Any]]:
    for document in documents.values():
        others = document.extra.get("vott-v1", {}).get("others", [])
        yield [*(document.regions or ()), *document.predictions, *(raw for _, raw in others if raw == {})]
