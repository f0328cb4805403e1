"""Annotation files with pieces broken at random: named findings come out, and what can be read can be written."""

from __future__ import annotations

import random
import shutil
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.errors import BridgeError
from bridge.plugin import ReadOptions, WriteOptions
from plugins.formats.coco import Coco
from plugins.formats.voc import Voc
from tests.plugins.formats.roundtrip import contents, dataset_of

FIXTURES = Path(__file__).parents[2] / "fixtures" / "voc"
FILES = sorted(path for path in (FIXTURES / "v2.2.0-win").rglob("*") if path.is_file())
JUNK: tuple[bytes, ...] = (
    *(b"", b"\0", b"\xff\xfe", b"../", b"\n", b"&", b"<", b"'", b"-", b"1e999", b"/etc/passwd"),
    *(b"</name>", b"<name>", b"]]>", b"<![CDATA[", b"<!DOCTYPE x>", b"&#0;", b"&#xD800;", b"object", b"annotation"),
    *("水".encode(), "水".encode("cp932"), b"item {", b"<labelbridge><corners>voc</corners></labelbridge>"),
    *(
        b"<kind>polygon</kind><points>1,2 3</points>",
        b"<labelbridge><kind>point</kind><points>1,2</points></labelbridge>",
    ),
)


def broken(data: bytes, chance: random.Random) -> bytes:
    for _ in range(chance.randint(1, 4)):
        start = chance.randint(0, len(data))
        end = min(len(data), start + chance.choice((0, 1, 5, 40, 400)))
        data = data[:start] + chance.choice(JUNK) + data[end:]
    return data


@given(st.integers(0, 10**9))
@settings(max_examples=40, deadline=None)
def test_broken_pieces_never_break_the_program(tmp_path_factory: pytest.TempPathFactory, seed: int) -> None:
    chance = random.Random(seed)
    folder = tmp_path_factory.mktemp("mutated")
    shutil.copytree(FIXTURES / "v2.2.0-win", folder / "in")
    for path in FILES:
        if chance.random() < 0.5:
            (folder / "in" / path.relative_to(FIXTURES / "v2.2.0-win")).write_bytes(broken(path.read_bytes(), chance))
    try:
        reading = Voc().read(folder / "in", ReadOptions())
    except BridgeError:
        return  # Named, with what to do about it.
    dataset = dataset_of(reading)
    assert len(list(dataset.documents)) == reading.total
    Voc().losses(dataset)
    Voc().write(dataset, folder / "out", WriteOptions(pictures="none"))
    again = dataset_of(Voc().read(folder / "out", ReadOptions()))
    wanted = {name: digest for name, digest in contents(dataset.documents).items() if digest is not None}
    assert contents(again.documents) == wanted
    Coco().write(dataset, folder / "coco.json", WriteOptions())
