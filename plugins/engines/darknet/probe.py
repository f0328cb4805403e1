"""Which darknet this is, told from what it prints when asked for nothing: its fork, its age and what it can do."""

from __future__ import annotations

import re
from collections.abc import Sequence

from bridge.errors import MissingPartError
from bridge.plugin import Command, EngineInfo, Output
from plugins.engines.darknet.dialect import ALEXEYAB, HANK_AI, PJREDDIE
from plugins.engines.darknet.lines import plain

ENGINE = "darknet"
# No machine has a GPU of this number: a GPU build stops at it, a CPU build does not look at it.
_NO_SUCH_GPU = "4096"

_HANK = re.compile(r'^Darknet (?=V\d)(?:V\d+ "[^"]*" )?(\S+)', re.MULTILINE | re.IGNORECASE)
_GPU_COUNT = re.compile(r"GPU count: (\d+)")
_HANK_GPU = re.compile(r"^=> \d+: ", re.MULTILINE)
_CUDA_ERROR = re.compile(r"CUDA Error(?: Prev)?: ([^\n]+)")
_NO_GPU = re.compile(r"insufficient for CUDA runtime|no CUDA-capable device|no CUDA devices|AMD GPU not detected")

_ALL = frozenset({"train", "valid", "clear"})
_ALEXEYAB_OLD = _ALL | {"dont_show", "map"}
_ALEXEYAB_NEW = _ALEXEYAB_OLD | {"train_map", "points", "calc_anchors"}
_HANK_ALL = _ALL | {"dont_show", "map", "train_map", "points", "calc_anchors", "saveweights", "nocolour", "opencv"}


def probes(binary: str) -> tuple[Command, ...]:
    """Three calls that change nothing; the last tells whether an old build, which says nothing, uses a GPU."""
    return (
        Command((binary, "version")),
        Command((binary, "detector")),
        Command((binary, "version", "-i", _NO_SUCH_GPU)),
    )


def recognise(binary: str, outputs: Sequence[Output]) -> EngineInfo:
    """Read the probes' output (the third may be missing).

    Raises MissingPartError: darknet-no-driver for a GPU build on a machine whose GPU cannot be used (it then runs
    nothing at all), darknet-unknown when it is no darknet.
    """
    text = plain("\n".join(part for output in outputs[:2] for part in (output.out, output.err)))
    unusable = _NO_GPU.search(text)
    if unusable:
        raise MissingPartError("darknet-no-driver", binary=binary, reason=unusable.group())
    hank = _HANK.search(text)
    if hank:
        return _hank(binary, hank.group(1), text)
    old_gpu = len(outputs) > 2 and bool(_CUDA_ERROR.search(outputs[2].out + outputs[2].err))
    if "[train/test/valid/demo/map]" in text:
        return _alexeyab(binary, text, old_gpu)
    if "[train/test/valid] [cfg]" in text:
        return EngineInfo(ENGINE, PJREDDIE, "", binary, _ALL | ({"gpu"} if old_gpu else set()))
    raise MissingPartError("darknet-unknown", binary=binary, output=" ".join(text.split())[:200])


def _hank(binary: str, version: str, text: str) -> EngineInfo:
    gpu = "CUDA runtime version" in text or "AMD ROCm" in text
    count = len(set(_HANK_GPU.findall(text))) if gpu else 0
    return EngineInfo(ENGINE, HANK_AI, version, binary, _HANK_ALL | ({"gpu"} if gpu else set()), count)


def _alexeyab(binary: str, text: str, old_gpu: bool) -> EngineInfo:
    """Builds since 2020 say what they were built with; older ones say nothing and are trusted with less."""
    found = _GPU_COUNT.search(text)
    opencv = {"opencv"} if "OpenCV version:" in text else set()
    new = bool(found) or bool(opencv) or "GPU isn't used" in text or "OpenCV isn't used" in text
    gpu = {"gpu"} if found or old_gpu else set()
    return EngineInfo(
        ENGINE,
        ALEXEYAB,
        "2020 or later" if new else "2018-2019",
        binary,
        (_ALEXEYAB_NEW if new else _ALEXEYAB_OLD) | opencv | gpu,
        int(found.group(1)) if found else 0,
    )
