"""What a process has taken so far: memory, and the processor's time."""

from pathlib import Path

import psutil  # type: ignore[import-untyped, unused-ignore]  # stubs are a package of their own


def peak_bytes(pid: int) -> int:
    """The largest resident size of a process so far; where the system keeps no such figure, the present one."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except FileNotFoundError:
        return int(psutil.Process(pid).memory_info().rss)
    (kibibytes,) = (line.split()[1] for line in lines if line.startswith("VmHWM:"))
    return int(kibibytes) * 1024


def processor_s(pid: int) -> float:
    """Seconds that a process has computed for, all cores together; other work on the machine adds hardly any."""
    times = psutil.Process(pid).cpu_times()
    return float(times.user + times.system)
