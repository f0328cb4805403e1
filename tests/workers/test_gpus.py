"""GPUs as the driver tells them; what it does not tell is unknown, never 0."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from bridge.model.job import Gpu
from workers import gpus


class NVMLError(Exception):
    """What the library raises."""


class Library:
    """NVML of a machine whose second card fell off the bus and whose third tells little."""

    NVMLError = NVMLError

    def nvmlDeviceGetCount(self) -> int:
        return 3

    def nvmlDeviceGetHandleByIndex(self, index: int) -> int:
        if index == 1:
            raise NVMLError("GPU is lost")
        return index

    def nvmlDeviceGetName(self, handle: int) -> Any:
        return "RTX 3090" if handle == 0 else b"Old Card"

    def nvmlDeviceGetUUID(self, handle: int) -> str:
        if handle == 2:
            raise NVMLError("not supported")
        return "GPU-1"

    def nvmlDeviceGetMemoryInfo(self, handle: int) -> Any:
        if handle == 2:
            raise NVMLError("not supported")
        return SimpleNamespace(total=24576 << 20)


def test_every_card_tells_what_it_can() -> None:
    assert gpus.Nvml(Library()).sample() == (
        Gpu(0, "RTX 3090", "GPU-1", 24576),
        Gpu(2, "Old Card", None, None),
    )


def test_without_a_driver_there_are_none(monkeypatch: pytest.MonkeyPatch) -> None:
    import pynvml

    def refuse() -> None:
        raise pynvml.NVMLError(12)

    monkeypatch.setattr(pynvml, "nvmlInit", refuse)
    assert gpus.probe().sample() == ()
