"""Weights files: what their header says, whether they fit a cfg, and which ones a training has left behind."""

from __future__ import annotations

import re
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from bridge.errors import InputError
from bridge.model.finding import Finding, Severity
from bridge.model.training import Recipe
from bridge.plugin import EngineInfo, RunFiles, SavedWeights
from plugins.engines.darknet.cfg import effective_batch, read
from plugins.engines.darknet.dialect import HANK_AI
from plugins.engines.darknet.network import Network, walk

Kind = Literal["numbered", "last", "best", "final"]

# A diverged net is nan nearly everywhere, so its first and last megabyte tell.
_LOOK = 1 << 20
_SUFFIX = re.compile(r"^(?:_(?P<word>last|best|final|\d+)\.weights|(?P<backup>\.backup))$")
_ORDER: tuple[Kind, ...] = ("numbered", "last", "best", "final")


@dataclass(frozen=True, slots=True)
class Header:
    """The start of a weights file; seen counts pictures trained on, size is how many bytes the header takes."""

    major: int
    minor: int
    revision: int
    seen: int
    size: int


def read_header(path: Path) -> Header:
    """The header, with 32-bit `seen` in files before version 0.2; raises InputError weights-header."""
    try:
        with path.open("rb") as file:
            start = file.read(20)
        major, minor, revision = struct.unpack_from("<iii", start)
        wide = major * 10 + minor >= 2
        (seen,) = struct.unpack_from("<Q" if wide else "<I", start, 12)
    except (OSError, struct.error) as error:
        raise InputError("weights-header", path=str(path), reason=str(error)) from None
    if not (0 <= major < 1000 and 0 <= minor < 1000):
        raise InputError("weights-header", path=str(path), reason=f"version {major}.{minor}")
    return Header(major, minor, revision, seen, 20 if wide else 16)


def iteration_of(path: Path, batch: int, subdivisions: int = 1) -> int:
    """How far a weights file was trained: pictures seen by the cfg's batch (another batch is another count)."""
    return read_header(path).seen // effective_batch(batch, subdivisions)


def expected_bytes(network: Network, header: Header) -> int:
    """The size of a complete weights file of this network."""
    return header.size + 4 * network.floats


def is_finite(path: Path, header: Header) -> bool:
    """Whether the first and last megabyte of numbers hold neither nan nor infinity."""
    import numpy as np

    with path.open("rb") as file:
        file.seek(header.size)
        parts = [file.read(_LOOK)]
        length = path.stat().st_size
        if length > header.size + 2 * _LOOK:
            file.seek(length - _LOOK)
            parts.append(file.read(_LOOK))
    return all(bool(np.isfinite(np.frombuffer(p[: len(p) // 4 * 4], "<f4")).all()) for p in parts)


def saved(files: RunFiles, recipe: Recipe) -> list[SavedWeights]:
    """The weights in the backup folder, oldest first.

    sound: complete for the cfg and finite. pjreddie's counter over several GPUs skips numbers, so names are read from
    the folder and the iteration from the header.
    """
    base = files.cfg.name.partition(".")[0]  # darknet cuts the cfg's name at its first dot.
    network = _network(recipe.cfg)
    found = [
        _inspect(path, kind, recipe, network)
        for path in files.backup.glob("*")
        if (kind := _kind(path.name, base)) is not None and path.is_file()
    ]
    return sorted(found, key=lambda w: (w.iteration, _ORDER.index(w.kind), w.path.name))


def save_every(max_batches: int) -> int:
    """Iterations between numbered weights: about ten in a run, where the fork can be told."""
    return min(10_000, max(100, max_batches // 1000 * 100))


def check_weights(path: Path, recipe: Recipe, info: EngineInfo | None) -> list[Finding]:
    """What is wrong with weights to start a recipe from; a training from wrong ones fails late, or silently."""
    strict = info is None or info.fork == HANK_AI
    try:
        header = read_header(path)
    except InputError as error:
        return [Finding(error.rule, Severity.ERROR, fields=error.fields)]
    findings = []
    if strict and path.suffix != ".weights":
        # hank-ai's takes nothing else for weights: it would train from random ones and overwrite the backups.
        findings.append(_finding("weights-name", Severity.ERROR if info else Severity.WARNING, path))
    done = header.seen // effective_batch(recipe.batch, recipe.subdivisions)
    if not recipe.clear and done >= recipe.max_batches:
        findings.append(_finding("weights-done", Severity.ERROR, path, iteration=done, max_batches=recipe.max_batches))
    if not is_finite(path, header):
        findings.append(_finding("weights-nan", Severity.ERROR, path))
    return findings + _check_size(path, header, _network(recipe.cfg), strict)


def _check_size(path: Path, header: Header, network: Network | None, strict: bool) -> list[Finding]:
    if network is None:
        return []
    size, wanted = path.stat().st_size, expected_bytes(network, header)
    if size == wanted:
        return []
    ends = [header.size + 4 * floats for floats in network.floats_after()]
    partial = size in ends
    rule = "weights-partial" if partial else "weights-size"
    # Cut at a layer's end they are pre-trained weights of the first layers, which all but hank-ai's take.
    severity = Severity.INFO if partial and not strict else Severity.ERROR
    layers = sum(end <= size for end in ends)
    return [_finding(rule, severity, path, size=size, wanted=wanted, layers=layers, total=len(ends))]


def _finding(rule: str, severity: Severity, path: Path, **fields: object) -> Finding:
    return Finding(rule, severity, fields={"path": str(path), **fields})


def _network(cfg: str) -> Network | None:
    """The cfg's network, None where this program cannot follow it (its weights are then judged without their size)."""
    try:
        return walk(read(cfg))
    except InputError:
        return None


def _kind(name: str, base: str) -> Kind | None:
    found = _SUFFIX.match(name.removeprefix(base)) if name.startswith(base) else None
    if found is None:
        return None
    if found["backup"]:
        return "last"
    word = found["word"]
    return "numbered" if word.isdigit() else "last" if word == "last" else "best" if word == "best" else "final"


def _inspect(path: Path, kind: Kind, recipe: Recipe, network: Network | None) -> SavedWeights:
    try:
        header = read_header(path)
        size = path.stat().st_size
        fits = size == expected_bytes(network, header) if network else size > header.size
        sound = fits and is_finite(path, header)
    except (InputError, OSError):
        return SavedWeights(path, 0, kind, sound=False)
    return SavedWeights(path, header.seen // effective_batch(recipe.batch, recipe.subdivisions), kind, sound)
