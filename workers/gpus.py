"""The accelerators of this machine, as the driver lists them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

from bridge.model.job import Gpu


class GpuProbe(Protocol):
    """Somebody who knows the GPUs."""

    def sample(self) -> tuple[Gpu, ...]:
        """The GPUs now, in the driver's order."""


class Null:
    """A machine without a driver."""

    def sample(self) -> tuple[Gpu, ...]:
        """None."""
        return ()


class Nvml:
    """NVIDIA's management library; it counts by place on the bus, as CUDA does under CUDA_DEVICE_ORDER=PCI_BUS_ID."""

    def __init__(self, library: Any) -> None:
        self._library = library

    def sample(self) -> tuple[Gpu, ...]:
        """What every card tells; one that fell off the bus is left out, unknown values are None, never 0."""
        count = self._asked(self._library.nvmlDeviceGetCount) or 0
        found = (self._gpu(index) for index in range(count))
        return tuple(gpu for gpu in found if gpu is not None)

    def _gpu(self, index: int) -> Gpu | None:
        nvml = self._library
        handle = self._asked(nvml.nvmlDeviceGetHandleByIndex, index)
        if handle is None:
            return None
        name, uuid = self._asked(nvml.nvmlDeviceGetName, handle), self._asked(nvml.nvmlDeviceGetUUID, handle)
        memory = self._asked(nvml.nvmlDeviceGetMemoryInfo, handle)
        return Gpu(index, _text(name) or "?", _text(uuid), memory.total >> 20 if memory is not None else None)

    def _asked(self, question: Callable[..., Any], *given: Any) -> Any:
        try:
            return question(*given)
        except self._library.NVMLError:  # Not supported by this card, lost, or an older driver.
            return None


def _text(value: Any) -> str | None:
    """Older bindings give bytes."""
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else value


def probe() -> GpuProbe:
    """NVML where a driver is loaded, else Null."""
    try:
        import pynvml
    except ImportError:
        return Null()
    try:
        pynvml.nvmlInit()
    except pynvml.NVMLError:
        return Null()
    return Nvml(pynvml)
