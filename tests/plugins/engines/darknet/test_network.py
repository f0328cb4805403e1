"""Sizes of layers and of weights files, against files that darknet's authors and our runs made."""

from __future__ import annotations

from pathlib import Path

import pytest

from bridge.errors import InputError
from plugins.engines.darknet.cfg import read
from plugins.engines.darknet.network import Shape, walk

NET = (Path(__file__).parents[3] / "fixtures" / "darknet" / "cfg" / "net.cfg").read_text("utf-8")
HEAD = "[net]\nwidth=64\nheight=32\nchannels=3\n"


def test_our_two_headed_net() -> None:
    network = walk(read(NET))
    assert network.floats == 168_552, "its weights files have 674 228 bytes"
    assert [network.stride(head) for head in read(NET).heads()] == [32, 16]
    assert network.layers[17].shape == Shape(4, 4, 96)
    assert network.floats_after()[-1] == network.floats
    assert network.floats_after()[0] == 8 * 4 + 8 * 3 * 9


@pytest.mark.parametrize(
    ("layer", "shape", "floats"),
    [
        ("[convolutional]\nfilters=8\nsize=3\nstride=2\npad=1\n", Shape(32, 16, 8), 8 + 8 * 3 * 9),
        ("[conv]\nfilters=6\nsize=3\npad=1\ngroups=3\nbatch_normalize=1\n", Shape(64, 32, 6), 24 + 6 * 9),
        ("[convolutional]\nfilters=2\nsize=3\npadding=2\ndilation=2\n", Shape(64, 32, 2), 2 + 2 * 3 * 9),
        ("[maxpool]\nsize=2\nstride=1\n", Shape(64, 32, 3), 0),
        ("[maxpool]\nsize=5\nstride=1\n", Shape(64, 32, 3), 0),
        ("[max]\nstride=2\n", Shape(32, 16, 3), 0),
        ("[upsample]\nstride=2\n", Shape(128, 64, 3), 0),
        ("[reorg]\nstride=2\n", Shape(32, 16, 12), 0),
        ("[avgpool]\n", Shape(1, 1, 3), 0),
        ("[dropout]\n", Shape(64, 32, 3), 0),
        ("[dropout]\n[route]\nlayers=-1,0\n", Shape(64, 32, 6), 0),
        ("[conv]\nfilters=8\nsize=1\n[route]\nlayers=-1\ngroups=2\ngroup_id=1\n", Shape(64, 32, 4), 8 + 24),
        ("[dropout]\n[dropout]\n[shortcut]\nfrom=-2\n", Shape(64, 32, 3), 0),
        ("[dropout]\n[dropout]\n[shortcut]\nfrom=-2\nweights_type=per_channel\n", Shape(64, 32, 3), 6),
    ],
)
def test_layers(layer: str, shape: Shape, floats: int) -> None:
    network = walk(read(HEAD + layer))
    assert (network.layers[-1].shape, network.floats) == (shape, floats)


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        (HEAD + "[lstm]\noutput=3\n", "cfg-layer-unsupported"),
        (HEAD + "[convolutional]\nfilters=1\nantialiasing=1\n", "cfg-layer-unsupported"),
        (HEAD + "[maxpool]\nstride=2\n[route]\nlayers=0,-2\n", "cfg-shape"),
        (HEAD + "[dropout]\n[maxpool]\nstride=2\n[route]\nlayers=0,1\n", "cfg-shape"),
        (HEAD + "[dropout]\n[maxpool]\nstride=2\n[shortcut]\nfrom=0\n", "cfg-shape"),
        (HEAD + "[maxpool]\nsize=99\nstride=99\npadding=0\n", "cfg-shape"),
        ("[net]\nwidth=0\nheight=32\nchannels=3\n", "cfg-shape"),
    ],
)
def test_what_cannot_be_followed_is_named(text: str, rule: str) -> None:
    with pytest.raises(InputError) as caught:
        walk(read(text))
    assert caught.value.rule == rule
    assert caught.value.fields["line"] >= 1
