from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest

from bridge.errors import InputError
from bridge.texts import render
from plugins.detectors.onnx import known
from plugins.detectors.onnx.graph import Built, build
from plugins.engines.darknet import cfg, recipe
from plugins.engines.darknet.network import walk
from plugins.engines.darknet.templates import TEMPLATES

CONV = "[convolutional]\nfilters=16\nsize=3\npad=1\nactivation=leaky\n"
LAST = "[convolutional]\nfilters=14\nsize=1\nactivation=linear\n"
YOLO = "[yolo]\nmask=0,1\nanchors=10,14, 40,20\nclasses=2\nnum=2\n"
NET = "[net]\nwidth=32\nheight=64\nchannels=3\n"


def built(text: str) -> Built:
    parsed = cfg.read(text)
    known.refuse_unknown(parsed)
    network = walk(parsed)
    return build(parsed, network, np.full(network.floats, 0.01, np.float32), "alexeyab")


def test_the_graph_is_sound_and_takes_any_batch(weights_of: Callable[..., Path]) -> None:
    text = NET + CONV + LAST + YOLO
    parsed = cfg.read(text)
    numbers = np.frombuffer(weights_of(text).read_bytes(), "<f4", offset=20)
    model = build(parsed, walk(parsed), numbers, "pjreddie").model
    onnx.checker.check_model(model, full_check=True)
    assert model.opset_import[0].version == 18
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    three = np.random.default_rng(0).random((3, 3, 64, 32), np.float32)
    (together,) = session.run(None, {"pictures": three})
    alone = [session.run(None, {"pictures": one[None]})[0][0] for one in three]
    assert together.shape == (3, 14, 64, 32)
    assert together == pytest.approx(np.array(alone), abs=1e-6)


def test_the_heads_are_read_with_their_own_anchors() -> None:
    text = NET + CONV + "[convolutional]\nfilters=7\nsize=1\nactivation=linear\n" + YOLO.replace("mask=0,1", "mask=1")
    (head,) = built(text).heads
    assert (head.anchors, head.classes, head.channels, head.scale) == (((40.0, 20.0),), 2, 7, 1.0)


@pytest.mark.parametrize(
    ("layer", "named"),
    [
        ("[region]\nclasses=2\n", "region"),
        ("[Gaussian_yolo]\nclasses=2\n", "Gaussian_yolo"),
        ("[crnn]\noutput=4\n", "crnn"),
        ("[avgpool]\n", "avgpool"),
        ("[sam]\nfrom=-1\n", "sam"),
        ("[scale_channels]\nfrom=-1\n", "scale_channels"),
        ("[dropout]\nprobability=.5\n", "dropout"),
        ("[nonsense]\n", "nonsense"),
        (CONV + "dilation=2\n", "dilation=2"),
        (CONV + "batch_normalize=2\n", "batch_normalize=2"),
        (CONV + "antialiasing=1\n", "antialiasing=1"),
        (CONV + "deform=1\n", "deform=1"),
        (CONV + "flipped=1\n", "flipped=1"),
        (CONV + "dontload=1\n", "dontload=1"),
        (CONV + "share_index=0\nxnor=1\n", "xnor=1"),
        (CONV.replace("leaky", "elu"), "activation=elu"),
        (CONV + "groups=5\n", "groups=5"),
        ("[maxpool]\nmaxpool_depth=1\n", "maxpool_depth=1"),
        ("[maxpool]\nsize=2\nstride=2\npadding=4\n", "padding=4"),
        ("[shortcut]\nfrom=-2\nweights_type=per_feature\n", "weights_type=per_feature"),
        ("[shortcut]\nfrom=-2\nbeta=2\n", "beta=2"),
        ("[upsample]\nstride=-2\n", "stride=-2"),
        ("[upsample]\nscale=.5\n", "scale=.5"),
        ("[route]\nlayers=-1\nstretch_route=1\n", "stretch_route=1"),
        ("[route]\nlayers=-1\ngroups=3\n", "groups=3"),
        ("[route]\nlayers=-1\ngroups=2\ngroup_id=2\n", "group_id=2"),
    ],
)
def test_what_we_cannot_compute_exactly_is_refused_by_name(layer: str, named: str) -> None:
    with pytest.raises(InputError, match="layer-unsupported") as caught:
        built(NET + CONV + layer + LAST + YOLO)
    assert named in caught.value.fields["kind"]
    assert caught.value.fields["layer"] == 1
    for language in ("en", "ja"):
        assert named in render("errors", "layer-unsupported", caught.value.fields, language)


def test_groups_of_several_layers_are_taken_from_each() -> None:
    plain = "[convolutional]\nfilters={}\nsize=1\nactivation=linear\n"
    route = "[route]\nlayers=-2,-1\ngroups=2\ngroup_id=1\n"
    parsed = cfg.read(NET + plain.format(12) + plain.format(16) + route + plain.format(14) + YOLO)
    # Convolutions that give their biases, whatever they see, and a last one that hands on what it is given.
    parts = [np.arange(12), np.zeros(12 * 3), 100 + np.arange(16), np.zeros(16 * 12), np.zeros(14), np.eye(14).ravel()]
    model = build(parsed, walk(parsed), np.concatenate(parts).astype(np.float32), "alexeyab").model
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    (out,) = session.run(None, {"pictures": np.ones((1, 3, 64, 32), np.float32)})
    assert out[0, :, 0, 0].tolist() == [*range(6, 12), *range(108, 116)]


def test_other_kinds_of_suppression_and_colour_are_refused() -> None:
    with pytest.raises(InputError, match="cornersnms"):
        built(NET + CONV + LAST + YOLO + "nms_kind=cornersnms\n")
    with pytest.raises(InputError, match="channels=4"):
        built(NET.replace("channels=3", "channels=4") + CONV + LAST + YOLO)


def test_a_shortcut_between_other_shapes_is_refused() -> None:
    with pytest.raises(InputError, match="layer-unsupported") as caught:
        built(NET + CONV + "[convolutional]\nfilters=8\nsize=1\n[shortcut]\nfrom=-2\n" + LAST + YOLO)
    assert "channels differ" in caught.value.fields["kind"]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (NET + CONV + LAST, "classes="),
        (NET + CONV + LAST.replace("14", "15") + YOLO, "filters=15"),
        (NET + CONV + LAST + YOLO.replace("0,1", "1,2"), "mask=1,2"),
        (NET + CONV + LAST + YOLO + "[route]\nlayers=-2\n" + YOLO.replace("classes=2", "classes=3"), "classes=2, 3"),
    ],
)
def test_heads_that_do_not_fit_are_refused(text: str, reason: str) -> None:
    with pytest.raises(InputError, match="head-wrong") as caught:
        built(text)
    assert reason in caught.value.fields["reason"]


@pytest.mark.parametrize("template", TEMPLATES)
def test_every_network_we_offer_for_training_can_be_built(template: str) -> None:
    found = built(recipe.generate(template, 3))
    assert {head.classes for head in found.heads} == {3}
    onnx.checker.check_model(found.model)
