"""Detection from a darknet cfg and weights file without darknet: the same boxes to six decimals, on any CPU."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from bridge import document
from bridge.errors import InputError
from bridge.plugin import Detection, DetectorOptions
from plugins.detectors.onnx import known, preprocess
from plugins.detectors.onnx.decode import Candidates, decode, to_picture
from plugins.detectors.onnx.graph import Built, build
from plugins.detectors.onnx.nms import Nms, covering, keep
from plugins.engines.darknet import cfg as darknet_cfg
from plugins.engines.darknet.network import Network, walk
from plugins.engines.darknet.weights import expected_bytes, read_header

# Small networks gain nothing from more threads, and a node's trainings need the others.
_THREADS = 4
_MOST_MEGABYTES = 4096


class OnnxDetector:
    """Builds an ONNX graph from cfg and weights and runs it with onnxruntime on the CPU."""

    name = "onnx"

    def load(self, cfg: str, weights: Path, options: DetectorOptions) -> LoadedOnnx:
        """Build the network; raises InputError by name for what cannot be built exactly, NotFoundError for no file."""
        parsed = darknet_cfg.read(cfg)
        known.refuse_unknown(parsed)
        network = walk(parsed)
        data = document.read_bytes(weights, _MOST_MEGABYTES)
        built = build(parsed, network, numbers(weights, data, network), options.epsilon)
        rule = known.nms(parsed)
        identity = {
            "detector": self.name,
            "resize": options.resize,
            "letterbox": options.letterbox,
            "threshold": options.threshold,
            "nms": options.nms,
            "nms_kind": rule.kind,
            "max_per_class": options.max_per_class,
            "epsilon": options.epsilon,
            "onnxruntime": onnxruntime.__version__,
            "cfg": hashlib.sha256(cfg.encode()).hexdigest(),
            "weights": hashlib.sha256(data).hexdigest(),
        }
        return LoadedOnnx(built, rule, options, identity)


def numbers(path: Path, data: bytes, network: Network) -> NDArray[np.float32]:
    """The numbers behind a weights file's header; raises InputError weights-header, weights-short or weights-left-over.

    darknet itself loads a file that is too short or too long without a word, and detects nonsense.
    """
    header = read_header(path)
    wanted = expected_bytes(network, header)
    if len(data) != wanted:
        rule = "weights-short" if len(data) < wanted else "weights-left-over"
        raise InputError(rule, path=str(path), wanted=wanted, found=len(data))
    return np.frombuffer(data, "<f4", offset=header.size)


class LoadedOnnx:
    """A network ready to look at pictures."""

    def __init__(self, built: Built, rule: Nms, options: DetectorOptions, identity: dict[str, Any]) -> None:
        self.classes = built.heads[0].classes
        self.identity = identity
        self._built, self._rule, self._options = built, rule, options
        self._session = onnxruntime.InferenceSession(
            built.model.SerializeToString(), _session_options(), providers=["CPUExecutionProvider"]
        )

    def detect(self, pictures: Sequence[Path]) -> Iterable[list[Detection]]:
        """One list a picture, best score first, boxes not clipped to the picture (darknet scores them so).

        A picture that cannot be read raises InputError or NotFoundError in its turn; the iterator can be asked for
        the next one after that.
        """
        return map(self._look, pictures)

    def _look(self, path: Path) -> list[Detection]:
        given, options = self._built.given, self._options
        pixels = preprocess.load(path, given.channels)
        height, width = pixels.shape[:2]
        seen = preprocess.prepare(pixels, given.width, given.height, options)
        raw = self._session.run(None, {"pictures": seen})
        parts = [
            decode(values, head, given.width, given.height, options.threshold)
            for values, head in zip(raw, self._built.heads, strict=True)
        ]
        found = Candidates(*(np.concatenate(columns) for columns in zip(*parts, strict=True)))
        place = preprocess.place_of(width, height, given.width, given.height, options)
        return self._best(to_picture(found.corners, place, given.width, given.height), found.scores, width, height)

    def _best(
        self, corners: NDArray[np.float32], scores: NDArray[np.float32], width: int, height: int
    ) -> list[Detection]:
        """Suppress class by class, in shares of the picture, as `darknet detector map` does."""
        found: list[Detection] = []
        pixels = corners.astype(np.float64) * (width, height, width, height)
        covered = covering(corners, self._options.nms, self._rule)
        for class_id in range(self.classes):
            rows = np.flatnonzero(scores[:, class_id])
            rows = rows[np.argsort(-scores[rows, class_id], kind="stable")][: self._options.max_per_class]
            rows = keep(rows, covered)
            boxes, certain = pixels[rows].tolist(), scores[rows, class_id].tolist()
            found += [Detection(class_id, score, *box) for score, box in zip(certain, boxes, strict=True)]
        return sorted(found, key=lambda detection: -detection.score)


def _session_options() -> onnxruntime.SessionOptions:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = min(_THREADS, os.cpu_count() or 1)
    options.log_severity_level = 3
    # Threads that spin while they wait would take the CPU from a training beside us.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    return options
