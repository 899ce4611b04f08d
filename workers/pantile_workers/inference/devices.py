"""The device: which one it is, the single thread that talks to it, and a clock that knows it runs ahead of Python."""

import os
import sys
import threading
from collections import defaultdict
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from threading import BoundedSemaphore
from time import perf_counter
from typing import TypeVar

import torch

from pantile.domain.errors import SettingsRefused

Answer = TypeVar("Answer")

_AFTER_DEVICE = 5
"""Niceness above the process's, at which a thread gets a third of what the device's gets of a core that both want."""

_LAST = 19


def pick_device(name: str) -> torch.device:
    """The device called "auto" (the first CUDA device, else the CPU), "cpu", "cuda" or "cuda:N".

    Raises:
        SettingsRefused: no such device on this machine.
    """
    available = torch.cuda.device_count()
    if name == "auto":
        return torch.device("cuda:0" if available else "cpu")
    try:
        device = torch.device(name)
    except RuntimeError as error:
        raise SettingsRefused(f"the device is auto, cpu, cuda or cuda:N, not {name!r}") from error
    if device.type not in {"cpu", "cuda"}:
        raise SettingsRefused(f"the device is auto, cpu, cuda or cuda:N, not {name!r}")
    if device.type == "cuda" and (device.index or 0) >= available:
        raise SettingsRefused(f"{name} was asked for, and this machine has {available} CUDA devices")
    return device


def gpu_uuid(device: torch.device) -> str:
    """A GPU's UUID, as in 5f2a3c1e-…; empty for a CPU."""
    return str(torch.cuda.get_device_properties(device).uuid) if device.type == "cuda" else ""


def describe_device(device: torch.device) -> str:
    """A device as people know it: cpu, or cuda:0 (NVIDIA H100 80GB HBM3)."""
    return f"{device} ({torch.cuda.get_device_name(device)})" if device.type == "cuda" else str(device)


class DeviceThread:
    """One thread that runs asks one after another; at most `waiting` callers stand in its queue, others before it."""

    def __init__(self, *, waiting: int, threads: int) -> None:
        self._places = BoundedSemaphore(waiting)
        # OpenMP keeps its number of threads by calling thread, so it is set on the thread that computes.
        self._executor = ThreadPoolExecutor(1, "device", initializer=_set_threads, initargs=(threads,))
        # Now, since a thread has the priority of the one that starts it, and callers may lower theirs.
        self._executor.submit(_do_nothing)

    def call(self, ask: Callable[[], Answer]) -> Answer:
        """The ask's answer, computed on the device's thread; its error is raised here."""
        with self._places:
            return self._executor.submit(ask).result()

    def close(self) -> None:
        """Ends the thread after the ask it is at; asks still waiting are cancelled."""
        self._executor.shutdown(cancel_futures=True)


def give_way_on(device: torch.device) -> None:
    """Lowers the calling thread's priority, and that of threads it starts from now on, where the device is the CPU."""
    # Elsewhere than on Linux a priority belongs to the whole process.
    if device.type != "cpu" or sys.platform != "linux":
        return
    own, process = threading.get_native_id(), os.getpid()
    lowered = min(_LAST, os.getpriority(os.PRIO_PROCESS, process) + _AFTER_DEVICE)
    if os.getpriority(os.PRIO_PROCESS, own) < lowered:
        os.setpriority(os.PRIO_PROCESS, own, lowered)


def _do_nothing() -> None:
    pass


def _set_threads(threads: int) -> None:
    if threads:
        torch.set_num_threads(threads)


class DeviceClock:
    """Seconds that the device spends in each stage; on CUDA by events, so that measuring makes nothing wait."""

    def __init__(self, device: torch.device) -> None:
        self._device = device
        self._stages: list[str] = []
        self._times_s: list[float] = []
        self._events: list[torch.cuda.Event] = []
        self._record()

    def mark(self, stage: str) -> None:
        """Books the time since the last mark to `stage`."""
        self._stages.append(stage)
        self._record()

    def seconds(self) -> Mapping[str, float]:
        """Seconds by stage, zero for one never marked; waits until the device has done all that was marked."""
        total: dict[str, float] = defaultdict(float)
        for stage, seconds in zip(self._stages, self._intervals_s(), strict=True):
            total[stage] += seconds
        return total

    def _record(self) -> None:
        if self._device.type != "cuda":
            self._times_s.append(perf_counter())
            return
        event = torch.cuda.Event(enable_timing=True)  # type: ignore[no-untyped-call]  # torch has no types here
        event.record(torch.cuda.current_stream(self._device))
        self._events.append(event)

    def _intervals_s(self) -> list[float]:
        if self._device.type != "cuda":
            return [after - before for before, after in pairwise(self._times_s)]
        torch.cuda.synchronize(self._device)
        return [before.elapsed_time(after) / 1000.0 for before, after in pairwise(self._events)]
