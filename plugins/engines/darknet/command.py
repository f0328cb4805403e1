"""The argument list that trains, in the words of the fork that is there; flags are given by capability, never by hope.

An unknown flag is no error to the older forks: it becomes a file name.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from bridge.errors import InputError
from bridge.model.training import Recipe
from bridge.plugin import Command, EngineInfo, RunFiles
from plugins.engines.darknet.dialect import HANK_AI, PJREDDIE
from plugins.engines.darknet.files import check_labels
from plugins.engines.darknet.weights import save_every, saved


def train(files: RunFiles, recipe: Recipe, info: EngineInfo, resume: bool) -> Command:
    """The command that trains in files.folder, stdin closed (a question waits for ever on an open one).

    resume: go on from the newest sound weights of the backup folder, else from files.weights, and keep the count.
    OMP_NUM_THREADS is left to the caller. Raises InputError label-path, and weights-name where hank-ai's would take no
    notice of the weights and train from random ones.
    """
    check_labels(files, info.fork)
    if resume:
        files = replace(files, weights=newest(files, recipe) or files.weights)
    argv = [info.binary, "detector", "train", str(files.data), str(files.cfg)]
    if files.weights is not None:
        argv.append(_usable(files.weights, info))
        argv += ["-clear"] if recipe.clear and not resume else []
    argv += _flags(recipe, info)
    gpus = _gpus(recipe, info)
    if info.fork == PJREDDIE:  # It never flushes: lines would come in blocks of 4 KiB and the last be lost.
        argv = ["stdbuf", "-oL", *argv]
    # CUDA counts GPUs by speed unless told otherwise; the recipe counts them as the driver lists them.
    env = {"CUDA_DEVICE_ORDER": "PCI_BUS_ID"} if gpus else {}
    asked = info.fork == HANK_AI and "gpu" not in info.capabilities
    return Command((*argv, *gpus), env, b"yes\nyes\n" if asked else b"")


def newest(files: RunFiles, recipe: Recipe) -> Path | None:
    """The sound weights that were trained furthest."""
    sound = [w for w in saved(files, recipe) if w.sound]
    return sound[-1].path if sound else None


def _flags(recipe: Recipe, info: EngineInfo) -> list[str]:
    flags = ["-dont_show"] if "dont_show" in info.capabilities else []
    if "nocolour" in info.capabilities:
        flags.append("-nocolour")
    if "saveweights" in info.capabilities:
        flags += ["-saveweights", str(save_every(recipe.max_batches))]
    return flags


def _gpus(recipe: Recipe, info: EngineInfo) -> list[str]:
    """A CPU build takes -gpus too, and then trains wrongly."""
    if not recipe.gpus or "gpu" not in info.capabilities:
        return []
    return ["-gpus", ",".join(map(str, recipe.gpus))]


def _usable(weights: Path, info: EngineInfo) -> str:
    if info.fork == HANK_AI and (weights.suffix != ".weights" or not weights.is_file()):
        raise InputError("weights-name", path=str(weights))
    return str(weights)
