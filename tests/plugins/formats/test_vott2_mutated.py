"""Real projects with pieces broken at random: only named refusals come out, and writing back changes nothing."""

from __future__ import annotations

import json
import random
import shutil
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.errors import BridgeError
from bridge.model.annotation import content_hash
from bridge.model.dataset import Dataset
from bridge.plugin import ReadOptions, WriteOptions
from plugins.formats.vott2 import VottV2
from plugins.formats.yolo import Yolo
from tests.plugins.formats.roundtrip import dataset_of
from tests.plugins.formats.test_mutated import mutated

FIXTURES = Path(__file__).parents[2] / "fixtures" / "vott2"
FILES: dict[str, Any] = {p.name: json.loads(p.read_bytes()) for p in (FIXTURES / "v2.2.0-posix").iterdir()}


def labelled(dataset: Dataset) -> dict[str | None, str]:
    """Content by VoTT's own id: a broken path may give all pictures another common folder, and so other names."""
    return {
        d.image.item: content_hash("", d.image.width, d.image.height, d.regions) for d in dataset.documents if d.regions
    }


@given(st.integers(0, 10**9))
@settings(max_examples=25, deadline=None)
def test_broken_pieces_never_break_the_program(tmp_path_factory: pytest.TempPathFactory, seed: int) -> None:
    chance = random.Random(seed)
    folder = tmp_path_factory.mktemp("mutated")
    (folder / "target").mkdir()
    for name, content in FILES.items():
        text = json.dumps(mutated(content, chance) if chance.random() < 0.5 else content)
        (folder / "target" / name).write_text(text)
    options = ReadOptions(images=FIXTURES / "images")
    try:
        dataset = dataset_of(VottV2().read(folder / "target", options))
    except BridgeError:
        return  # Named, with what to do about it.
    VottV2().losses(dataset)
    for out in (folder / "target", folder / "copy"):
        VottV2().write(dataset, out, WriteOptions(pictures="none"))
        again = dataset_of(VottV2().read(out, options))
        if out.name == "target":
            # Nothing that had labels may lose or change them; a picture set right again may get back what it had.
            assert labelled(dataset).items() <= labelled(again).items()
    Yolo().write(dataset, folder / "yolo", WriteOptions(pictures="copy"))


JUNK = (b"", b"\0", b"\xff\xfe", b"../", b"\n\n", b"=", b"/", b"\\", b",", b"1e999", b"-", b"{", b'"', b"nan", b" ",
        b"/etc/passwd\n", b"C:\\x\n", b"\xef\xbb\xbf", "水".encode(), "水".encode("cp932"))  # fmt: skip


def mutated_bytes(data: bytes, chance: random.Random) -> bytes:
    for _ in range(chance.randint(1, 3)):
        at = chance.randint(0, len(data))
        data = data[:at] + chance.choice(JUNK) + data[at + chance.choice((0, 0, 0, 1, 9)) :]
    return data


@given(st.integers(0, 10**9))
@settings(max_examples=40, deadline=None)
def test_broken_darknet_folders_never_break_it_either(tmp_path_factory: pytest.TempPathFactory, seed: int) -> None:
    chance = random.Random(seed)
    folder = tmp_path_factory.mktemp("mutated")
    shutil.copytree(FIXTURES.parent / "yolo" / "v1.7.2-last", folder / "in")
    for path in (p for p in (folder / "in").rglob("*") if p.is_file() and chance.random() < 0.5):
        path.write_bytes(mutated_bytes(path.read_bytes(), chance))
    Yolo().recognises(folder / "in")
    try:
        dataset = dataset_of(Yolo().read(folder / "in", ReadOptions()))
    except BridgeError:
        return
    Yolo().write(dataset, folder / "out", WriteOptions(pictures="copy"))
    assert len(list(Yolo().read(folder / "out", ReadOptions()).documents)) <= len(list(dataset.documents))
