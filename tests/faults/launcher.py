"""Starts `pantile …` behind the proxies, and a worker with traps: what a fault has to do from within the process.

A trap is a file `PLACE,ACTION,NUMBER` in the folder of FAULTS_TRAPS. The first process that comes to the place takes it
away, and then does to itself what the name says. Poison is recognised by the colour of an ROI's first pixel. Nothing of
the product knows of this: its functions are wrapped from outside.
"""

import ctypes
import errno
import functools
import os
import resource
import signal
import sys
import threading
import time
from collections.abc import Callable, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from poison import COLOURS, Poison  # type: ignore[import-not-found]  # beside this script

_ADDRESSES = {"PANTILE_DATABASE_URL": "postgres", "PANTILE_BROKER_URL": "redis", "PANTILE_S3_ENDPOINT": "s3"}
_MEMORY_LIMIT_BYTES = 4 << 30
_SLOW_S = 60.0


def main(command: Sequence[str]) -> None:
    """Runs a `pantile` command."""
    go_through_proxies(os.environ["FAULTS_PROXIES"])
    set_the_clock(Path(os.environ["FAULTS_TRAPS"], "clocks", Path(os.environ["PANTILE_READY_FILE"]).stem))
    if list(command) == ["worker", "segment"]:
        resource.setrlimit(resource.RLIMIT_DATA, (_MEMORY_LIMIT_BYTES, _MEMORY_LIMIT_BYTES))
        lay_traps()
    if list(command) == ["coordinator"]:
        from pantile.catalog import outbox  # noqa: PLC0415 — after the environment is set

        wrap(outbox, "mark_published", before=lambda *_: pass_by("publish"))
    from pantile.cli.app import main as pantile  # noqa: PLC0415 — after the environment is set

    pantile(command)


def go_through_proxies(ports: str) -> None:
    """Puts the proxies' ports (`redis=17001,s3=17002,…`) into the addresses of the settings."""
    known = dict(part.split("=") for part in ports.split(","))
    for variable, server in _ADDRESSES.items():
        parts = urlsplit(os.environ[variable])
        user, at, _ = parts.netloc.rpartition("@")
        os.environ[variable] = urlunsplit(parts._replace(netloc=f"{user}{at}127.0.0.1:{known[server]}"))


def set_the_clock(ahead: Path) -> None:
    """Makes what Python's `time` and botocore say go ahead by the seconds in a file, if there is one."""
    if not ahead.exists():
        return
    import botocore.compat  # noqa: PLC0415 — before its other modules take the function from there

    ahead_s = float(ahead.read_text())
    now, now_ns, date = time.time, time.time_ns, botocore.compat.get_current_datetime
    time.time = lambda: now() + ahead_s
    time.time_ns = lambda: now_ns() + int(ahead_s * 1e9)
    botocore.compat.get_current_datetime = lambda *given, **named: date(*given, **named) + timedelta(seconds=ahead_s)


def lay_traps() -> None:
    """Wraps the places at which a segment worker can be caught."""
    from pantile.catalog import jobs  # noqa: PLC0415 — after the environment is set
    from pantile.objects import ObjectStore  # noqa: PLC0415
    from pantile_workers import tasks  # noqa: PLC0415
    from pantile_workers.inference.engine import Engine  # noqa: PLC0415

    def fetch(_: ObjectStore, key: str, **__: Any) -> None:
        pass_by({"rois": "fetch", "checkpoints": "checkpoint"}.get(key.partition("/")[0], "elsewhere"))

    def segment(engine: Engine, roi: Any, *_: Any) -> None:
        red, green, blue = roi.pixels[0, 0].tolist()
        # On the device's own thread, where a network would do it: whoever waits for the device waits for this.
        engine._thread.call(lambda: pass_through_network(COLOURS.get((red, green, blue))))

    wrap(ObjectStore, "get", before=fetch)
    wrap(Engine, "segment", before=segment)
    wrap(jobs, "finish_job", before=lambda *_, **__: pass_by("finish"))
    wrap(tasks, "segment_roi", after=lambda: pass_by("acknowledge"))


def pass_by(place: str) -> None:
    """Springs a trap, if one lies at the place."""
    folder = Path(os.environ["FAULTS_TRAPS"])
    for trap in sorted(folder.glob(f"{place},*")):
        try:
            trap.rename(folder / "sprung" / f"{trap.name},{os.getpid()}")
        except FileNotFoundError:
            continue
        ACTIONS[trap.name.split(",")[1]]()
        return


def pass_through_network(poison: Poison | None) -> None:
    """Springs a trap, and does what a poisoned ROI does."""
    pass_by("network")
    if poison is not None:
        POISONS[poison]()


def die() -> None:
    """Dies at once, as by the kernel's hand."""
    os.kill(os.getpid(), signal.SIGKILL)


def freeze() -> None:
    """Stands still until it is let go on."""
    os.kill(os.getpid(), signal.SIGSTOP)


def find_the_disk_full() -> None:
    """Meets what a write meets on a full disk."""
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def dawdle() -> None:
    """Takes very long, and ends."""
    time.sleep(_SLOW_S)


def crash() -> None:
    """Reads where there is nothing."""
    ctypes.string_at(0)


def devour_memory() -> None:
    """Takes memory until there is no more."""
    taken: list[bytearray] = []
    while True:
        taken.append(bytearray(64 << 20))


def hang() -> None:
    """Never comes back."""
    threading.Event().wait()


ACTIONS: dict[str, Callable[[], None]] = {
    "die": die,
    "freeze": freeze,
    "disk": find_the_disk_full,
    "dawdle": dawdle,
}
POISONS: dict[Poison, Callable[[], None]] = {
    Poison.CRASHES: crash,
    Poison.DEVOURS_MEMORY: devour_memory,
    Poison.HANGS: hang,
}


def wrap(
    owner: Any, name: str, *, before: Callable[..., None] | None = None, after: Callable[[], None] | None = None
) -> None:
    """Has `before` called with a function's arguments, and `after` once it has returned."""
    wrapped = getattr(owner, name)

    @functools.wraps(wrapped)
    def wrapper(*given: Any, **named: Any) -> Any:
        if before is not None:
            before(*given, **named)
        returned = wrapped(*given, **named)
        if after is not None:
            after()
        return returned

    setattr(owner, name, wrapper)


if __name__ == "__main__":
    main(sys.argv[1:])
