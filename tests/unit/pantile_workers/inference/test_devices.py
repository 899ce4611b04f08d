import os
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from threading import current_thread
from time import sleep

import pytest
import torch

from pantile.domain.errors import SettingsRefused
from pantile_workers.inference.devices import DeviceClock, DeviceThread, give_way_on, pick_device


def test_the_cpu_is_always_there() -> None:
    assert pick_device("cpu") == torch.device("cpu")


def test_auto_takes_a_gpu_where_there_is_one() -> None:
    assert pick_device("auto").type == ("cuda" if torch.cuda.is_available() else "cpu")


@pytest.mark.parametrize("name", ["cuda:99", "tpu", "", "mps", "meta"])
def test_a_device_that_is_not_there_is_refused(name: str) -> None:
    with pytest.raises(SettingsRefused):
        pick_device(name)


def test_all_asks_run_on_one_thread_and_errors_come_back() -> None:
    thread = DeviceThread(waiting=2, threads=1)

    names = {thread.call(lambda: current_thread().name) for _ in range(3)}

    assert len(names) == 1
    assert names != {current_thread().name}
    with pytest.raises(ZeroDivisionError):
        thread.call(lambda: 1 // 0)
    thread.close()


def test_the_clock_books_time_by_stage() -> None:
    clock = DeviceClock(torch.device("cpu"))

    sleep(0.02)
    clock.mark("network")
    clock.mark("stitching")
    sleep(0.02)
    clock.mark("network")

    seconds = clock.seconds()
    assert seconds["network"] >= 0.04
    assert seconds["stitching"] < 0.02


@pytest.mark.skipif(sys.platform != "linux", reason="needs Linux, where a thread has a priority of its own")
def test_threads_give_way_to_the_device_on_the_processor_and_the_device_keeps_its_own() -> None:
    device = DeviceThread(waiting=1, threads=1)
    started_at = _priority()

    def lower() -> tuple[int, int]:
        give_way_on(torch.device("cpu"))
        return _priority(), device.call(_priority)

    with ThreadPoolExecutor(1) as caller:
        lowered, of_device = caller.submit(lower).result()
    device.close()

    assert lowered == min(19, started_at + 5)
    assert of_device == _priority() == started_at


def test_threads_keep_their_priority_where_the_device_is_no_processor() -> None:
    give_way_on(torch.device("cuda:0"))

    assert _priority() == os.getpriority(os.PRIO_PROCESS, 0)


def _priority() -> int:
    return os.getpriority(os.PRIO_PROCESS, threading.get_native_id())
