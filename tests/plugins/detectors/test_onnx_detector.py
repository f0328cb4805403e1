from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from bridge.errors import InputError, NotFoundError
from bridge.plugin import Detection, DetectorOptions
from bridge.registry import Registry
from plugins.detectors.onnx.detector import OnnxDetector
from plugins.geometry import iou

NET = "[net]\nwidth=96\nheight=64\nchannels=3\n"
BACKBONE = """
[convolutional]
batch_normalize=1
filters=16
size=3
stride=2
pad=1
activation=leaky
[maxpool]
size=2
stride=2
[convolutional]
batch_normalize=1
filters=16
size=3
pad=1
activation=leaky
"""
TWO_HEADS = (
    NET
    + BACKBONE
    + """
[convolutional]
batch_normalize=1
filters=16
size=1
activation=linear
[shortcut]
from=-2
activation=leaky
[convolutional]
batch_normalize=1
filters=32
size=3
stride=2
pad=1
activation=leaky
[maxpool]
size=2
stride=1
[convolutional]
filters=24
size=1
activation=linear
[yolo]
mask=2,3,4
anchors=10,14, 23,27, 37,30, 50,40, 70,60
classes=3
num=5
[route]
layers=-3
[upsample]
stride=2
[route]
layers=-1,4
[convolutional]
batch_normalize=1
filters=24
size=3
pad=1
groups=4
activation=relu
[convolutional]
filters=16
size=1
activation=linear
[yolo]
mask=0,1
anchors=10,14, 23,27, 37,30, 50,40, 70,60
classes=3
num=5
"""
)
FOURTH = (
    NET
    + BACKBONE.replace("leaky", "mish")
    + """
[route]
layers=-1
groups=2
group_id=1
[convolutional]
batch_normalize=1
filters=12
size=3
pad=1
activation=swish
[maxpool]
size=5
stride=1
[route]
layers=-2
[maxpool]
size=9
stride=1
[route]
layers=-1,-3,-4
[convolutional]
batch_normalize=1
filters=20
size=1
activation=logistic
[convolutional]
filters=16
size=1
activation=linear
[yolo]
mask=0,1
anchors=12,16, 40,30
classes=3
num=2
scale_x_y=1.2
"""
)
NEW_COORDS = (
    NET
    + BACKBONE
    + """
[convolutional]
filters=16
size=1
activation=logistic
[yolo]
mask=0,1
anchors=12,16, 40,30
classes=3
num=2
scale_x_y=2.0
new_coords=1
"""
)


@pytest.fixture(params=[TWO_HEADS, FOURTH, NEW_COORDS], ids=["two heads", "v4", "new_coords"])
def text(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def opencv_rows(text: str, weights: Path, picture: Path) -> NDArray[Any]:
    """All boxes by OpenCV's own reader of darknet files: centre, size (shares), objectness, class scores."""
    cv2 = pytest.importorskip("cv2")
    # Without a thresh of its own OpenCV drops every box below an objectness of 0.2.
    lines = text.replace("[yolo]", "[yolo]\nthresh=0.0001")
    buffers = (np.frombuffer(data, np.uint8) for data in (lines.encode(), weights.read_bytes()))
    net = cv2.dnn.readNetFromDarknet(*buffers)
    pixels = cv2.imdecode(np.frombuffer(picture.read_bytes(), np.uint8), cv2.IMREAD_COLOR)
    net.setInput(cv2.dnn.blobFromImage(pixels, 1 / 255, swapRB=True))
    return np.concatenate([np.atleast_2d(rows) for rows in net.forward(net.getUnconnectedOutLayersNames())])


def test_opencv_sees_the_same(text: str, weights_of: Callable[..., Path], noise: Callable[..., Path]) -> None:
    weights, picture = weights_of(text, 3), noise(96, 64)
    keep_all = DetectorOptions(threshold=0.01, nms=1.0, epsilon="pjreddie")
    (found,) = OnnxDetector().load(text, weights, keep_all).detect([picture])
    rows = opencv_rows(text, weights, picture)
    assert len(found) > 100
    for class_id in range(3):
        ours = [d for d in found if d.class_id == class_id]
        theirs = rows[(rows[:, 4] > 0.01) & (rows[:, 5 + class_id] > 0.01)]
        assert len(ours) == len(theirs)
        matched_in_score_and_place(ours, theirs, class_id)


def matched_in_score_and_place(ours: list[Detection], theirs: NDArray[Any], class_id: int) -> None:
    size = np.array([96, 64])
    corners = np.concatenate(
        ((theirs[:, :2] - theirs[:, 2:4] / 2) * size, (theirs[:, :2] + theirs[:, 2:4] / 2) * size), axis=1
    )
    boxes = np.array([(d.left, d.top, d.right, d.bottom) for d in ours])
    scores = np.array([d.score for d in ours])
    differ = np.abs(scores[:, None] - theirs[None, :, 5 + class_id])
    overlap = np.where(differ < 1e-4, iou(boxes, corners), 0)
    assert (overlap.max(axis=1) > 0.999).all()
    assert len(set(overlap.argmax(axis=1).tolist())) == len(ours)


def test_the_registry_finds_it_and_its_identity_tells_how_it_saw(weights_of: Callable[..., Path]) -> None:
    detector = Registry().find("detector", "onnx")
    options = DetectorOptions(threshold=0.2, nms=0.4, letterbox=True, resize="half-pixel")
    loaded = detector.load(TWO_HEADS, weights_of(TWO_HEADS), options)
    assert loaded.classes == 3
    said = loaded.identity
    assert (said["threshold"], said["nms"], said["nms_kind"]) == (0.2, 0.4, "default")
    assert (said["resize"], said["letterbox"], said["epsilon"]) == ("half-pixel", True, "alexeyab")
    assert len(said["cfg"]) == len(said["weights"]) == 64
    assert said["onnxruntime"]
    other = detector.load(TWO_HEADS, weights_of(TWO_HEADS, 1), options).identity
    assert other["cfg"] == said["cfg"]
    assert other["weights"] != said["weights"]


def test_boxes_come_best_first_in_pixels_of_the_picture(
    weights_of: Callable[..., Path], noise: Callable[..., Path]
) -> None:
    loaded = OnnxDetector().load(TWO_HEADS, weights_of(TWO_HEADS), DetectorOptions())
    small, large = loaded.detect([noise(96, 64), noise(192, 128)])
    for found in (small, large):
        assert [d.score for d in found] == sorted((d.score for d in found), reverse=True)
        assert found
        assert all(0.005 < d.score <= 1 and d.left < d.right and d.top < d.bottom for d in found)
    assert max(d.right for d in large) > 1.5 * max(d.right for d in small)


def test_at_most_so_many_candidates_of_a_class(weights_of: Callable[..., Path], noise: Callable[..., Path]) -> None:
    weights, picture = weights_of(TWO_HEADS), noise(96, 64)
    (all_,) = OnnxDetector().load(TWO_HEADS, weights, DetectorOptions()).detect([picture])
    (few,) = OnnxDetector().load(TWO_HEADS, weights, DetectorOptions(max_per_class=5)).detect([picture])
    assert 0 < len(few) <= 15 < len(all_)
    assert few[0] == all_[0]


def test_a_picture_that_cannot_be_read_does_not_stop_the_next(
    weights_of: Callable[..., Path], noise: Callable[..., Path], tmp_path: Path
) -> None:
    torn = tmp_path / "torn.jpg"
    torn.write_bytes(b"\xff\xd8\xff\xe0 not a picture")
    loaded = OnnxDetector().load(TWO_HEADS, weights_of(TWO_HEADS), DetectorOptions())
    seen: Iterator[list[Detection]] = iter(loaded.detect([torn, tmp_path / "gone.png", noise(96, 64)]))
    with pytest.raises(InputError, match="picture-unreadable"):
        next(seen)
    with pytest.raises(NotFoundError, match="picture-missing"):
        next(seen)
    assert next(seen)


def test_weights_that_are_no_numbers_find_nothing(weights_of: Callable[..., Path], noise: Callable[..., Path]) -> None:
    weights = weights_of(TWO_HEADS)
    data = weights.read_bytes()
    for value in (np.nan, 1e30):
        weights.write_bytes(data[:20] + np.full((len(data) - 20) // 4, value, "<f4").tobytes())
        (found,) = OnnxDetector().load(TWO_HEADS, weights, DetectorOptions()).detect([noise(96, 64)])
        assert all(np.isfinite((d.left, d.top, d.right, d.bottom, d.score)).all() for d in found)


def test_weights_too_short_or_too_long_are_refused(weights_of: Callable[..., Path]) -> None:
    weights = weights_of(TWO_HEADS)
    data = weights.read_bytes()
    for wrong, rule in (
        (data[:-4], "short"),
        (data[:-1], "short"),
        (data[:20], "short"),
        (data + b"\0" * 4, "left-over"),
    ):
        weights.write_bytes(wrong)
        with pytest.raises(InputError, match=f"weights-{rule}") as caught:
            OnnxDetector().load(TWO_HEADS, weights, DetectorOptions())
        assert caught.value.fields["wanted"] == len(data)
        assert caught.value.fields["found"] == len(wrong)
    weights.write_bytes(b"")
    with pytest.raises(InputError, match="weights-header"):
        OnnxDetector().load(TWO_HEADS, weights, DetectorOptions())
    weights.unlink()
    with pytest.raises(NotFoundError, match="file-missing"):
        OnnxDetector().load(TWO_HEADS, weights, DetectorOptions())


def test_old_headers_count_pictures_in_32_bits(weights_of: Callable[..., Path], noise: Callable[..., Path]) -> None:
    found = [
        list(OnnxDetector().load(TWO_HEADS, weights_of(TWO_HEADS, 5, v), DetectorOptions()).detect([noise(96, 64)]))
        for v in ((0, 1, 0), (0, 2, 0), (0, 2, 5))
    ]
    assert found[0] == found[1] == found[2]
    assert found[0][0]


def test_the_forks_epsilon_changes_the_numbers_a_little(
    weights_of: Callable[..., Path], noise: Callable[..., Path]
) -> None:
    weights, picture = weights_of(TWO_HEADS), noise(96, 64)
    best = [
        next(iter(OnnxDetector().load(TWO_HEADS, weights, DetectorOptions(epsilon=e)).detect([picture])))[0].score
        for e in ("pjreddie", "alexeyab")
    ]
    assert best[0] != best[1]
    assert best[0] == pytest.approx(best[1], abs=1e-3)
