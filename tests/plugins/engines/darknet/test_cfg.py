"""A cfg is read as darknet reads it, and edited line by line."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.errors import InputError
from plugins.engines.darknet.cfg import effective_batch, read

NET = (Path(__file__).parents[3] / "fixtures" / "darknet" / "cfg" / "net.cfg").read_text("utf-8")

SMALL = """# my net
[net]
batch = 64   # for training
 ; old: batch=1
steps=80,90#,95
width\t=\t416
width=320

[convolutional]
filters=24
activation=linear
[yolo]
mask = 0, 1
anchors = 1.5,2, 3,4
empty=
"""


def test_values_as_darknet_reads_them() -> None:
    cfg = read(SMALL)
    net = cfg.net
    assert net.integer("batch") == 64
    assert net.integer("width") == 416, "the first of two equal keys wins"
    assert net.numbers("steps") == (80, 90), "a list ends at #"
    assert net.integer("height", 7) == 7
    assert cfg.layers[1].numbers("anchors") == (1.5, 2, 3, 4)
    assert cfg.layers[1].integers("mask") == (0, 1)
    assert cfg.layers[1].value("empty", "none") == "none"
    assert [(s.name, s.line) for s in cfg.sections] == [("net", 2), ("convolutional", 9), ("yolo", 12)]
    assert cfg.heads() == [1]


def test_text_is_kept() -> None:
    assert read(SMALL).text() == SMALL
    assert read(NET).text() == NET
    assert read(SMALL.replace("\n", "\r\n")).text() == SMALL, "pjreddie's cannot read CRLF"


def test_a_change_touches_its_line_only() -> None:
    changed = read(SMALL).with_net(batch=32, height=96).with_layer(1, classes=3).text()
    before, after = SMALL.split("\n"), changed.split("\n")
    assert "batch = 32   # for training" in after
    assert [line for line in before if line not in after] == ["batch = 64   # for training"]
    assert sorted(line for line in after if line not in before) == [
        "batch = 32   # for training",
        "classes=3",
        "height=96",
    ]
    assert read(changed).layers[1].integer("classes") == 3


@pytest.mark.parametrize("text", ["", "# only a comment\n", "batch=1\n"])
def test_no_sections(text: str) -> None:
    with pytest.raises(InputError) as caught:
        read(text)
    assert caught.value.rule == "cfg-empty"


def test_the_first_section_must_be_net() -> None:
    with pytest.raises(InputError) as caught:
        read("[convolutional]\nfilters=1\n").net  # noqa: B018
    assert caught.value.rule == "cfg-first-section"
    assert read("[network]\nbatch=2\n").net.integer("batch") == 2


@pytest.mark.parametrize(("batch", "parts", "used"), [(64, 16, 64), (8, 3, 6), (8, 16, 16), (8, 0, 8)])
def test_effective_batch(batch: int, parts: int, used: int) -> None:
    assert effective_batch(batch, parts) == used


WORD = st.text("abcxyz_0", min_size=1, max_size=6)
LINE = st.one_of(st.just(""), st.just("# x=1"), st.tuples(WORD, WORD).map("=".join), WORD, WORD.map("[{}]".format))


@settings(deadline=None, max_examples=60)
@given(st.lists(LINE, max_size=12), WORD, WORD)
def test_any_text_survives_and_any_key_can_be_set(lines: list[str], key: str, value: str) -> None:
    text = "\n".join(["[net]", *lines, ""])
    cfg = read(text)
    assert cfg.text() == text
    changed = cfg.with_net(**{key: value})
    assert changed.net.value(key) == value
    assert read(changed.text()).net.value(key) == value
    assert len(changed.text().split("\n")) - len(text.split("\n")) in (0, 1)
