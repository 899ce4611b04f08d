"""How a GPU fares, as NVIDIA's driver tells it. Where there is none, or the driver says nothing, nothing is told."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

import pynvml

Answer = TypeVar("Answer")


@dataclass(frozen=True, slots=True, kw_only=True)
class Gpu:
    """A GPU's name with the beginning of its UUID, and how it fares; None for what this kind does not tell."""

    name: str
    busy: float | None
    used_bytes: float | None
    total_bytes: float | None
    watts: float | None
    celsius: float | None


def read_gpu(uuid: str) -> Gpu | None:
    """The GPU of that UUID; None without one, without NVIDIA's driver, or where the driver does not know it."""
    if not uuid:
        return None
    try:
        pynvml.nvmlInit()
        handle = pynvml.nvmlDeviceGetHandleByUUID(f"GPU-{uuid}")
        name = str(pynvml.nvmlDeviceGetName(handle))
    except pynvml.NVMLError:
        return None
    memory = _told(lambda: pynvml.nvmlDeviceGetMemoryInfo(handle))
    busy = _told(lambda: pynvml.nvmlDeviceGetUtilizationRates(handle).gpu)
    milliwatts = _told(lambda: pynvml.nvmlDeviceGetPowerUsage(handle))
    return Gpu(
        name=f"{name} {uuid[:8]}",
        busy=None if busy is None else busy / 100,
        used_bytes=None if memory is None else float(memory.used),
        total_bytes=None if memory is None else float(memory.total),
        watts=None if milliwatts is None else milliwatts / 1000,
        celsius=_told(lambda: float(pynvml.nvmlDeviceGetTemperature(handle, pynvml.NVML_TEMPERATURE_GPU))),
    )


def _told(question: Callable[[], Answer]) -> Answer | None:
    """What the driver answers; None where this GPU does not tell."""
    try:
        return question()
    except pynvml.NVMLError:
        return None
