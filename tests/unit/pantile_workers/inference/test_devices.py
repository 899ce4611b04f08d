from threading import current_thread
from time import sleep

import pytest
import torch

from pantile.domain.errors import SettingsRefused
from pantile_workers.inference.devices import DeviceClock, DeviceThread, pick_device


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
