"""The benchmark's report: one table of speeds and memory, one of stages, and the same as JSON."""

import json
import os
import platform
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from rich.console import Console
from rich.table import Table

from pantile.cli.screen import count
from pantile_workers.benchmark.apart import BaselineMeasure, NetworkMeasure
from pantile_workers.benchmark.throughput import EARLY_ROIS, ThroughputMeasure

_STAGES = ("fetch", "decode", "preparing", "network", "stitching", "encode", "upload")
_GIB = 2**30


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """All that one run measured; `networks` alone were measured before and after the rest."""

    subject: str
    segmenter: str
    baseline: BaselineMeasure | None
    networks: tuple[NetworkMeasure, ...]
    throughputs: tuple[ThroughputMeasure, ...]

    @property
    def network_seconds(self) -> float:
        """Seconds of the network alone for an output."""
        return sum(network.seconds for network in self.networks) / len(self.networks)

    @property
    def network_processor_s(self) -> float:
        """Seconds of the processor, all cores together, of the network alone for an output."""
        return sum(network.processor_s for network in self.networks) / len(self.networks)

    def speedup(self, measured: ThroughputMeasure) -> float | None:
        """How many times faster than the baseline an output is made."""
        return self.baseline.seconds / measured.seconds_per_output if self.baseline else None

    def over_network(self, measured: ThroughputMeasure) -> float:
        """The whole time for an output, in times of the network's alone."""
        return measured.seconds_per_output / self.network_seconds


def print_report(report: Report, console: Console) -> None:
    """Prints the tables."""
    console.print(f"\n{report.subject}; {report.segmenter}", soft_wrap=True, highlight=False)
    console.print(_machine(report), soft_wrap=True, highlight=False)
    console.print(_speeds(report))
    console.print(_stages(report))


def write_report(report: Report, path: Path) -> None:
    """Writes the report as JSON, with the time and the machine."""
    document = {
        "measured_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": _machine(report),
        **asdict(report),
        "speedups": [report.speedup(measured) for measured in report.throughputs],
        "over_network": [report.over_network(measured) for measured in report.throughputs],
    }
    path.write_text(json.dumps(document, indent=2) + "\n")


def _machine(report: Report) -> str:
    measured = report.throughputs[0]
    return (
        f"{_processor()}, {os.cpu_count()} cores; device {measured.device}, {measured.arithmetic}; "
        f"Python {platform.python_version()}, torch {version('torch')}"
    )


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except FileNotFoundError:
        return platform.processor() or platform.machine()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), platform.machine())


def _speeds(report: Report) -> Table:
    table = Table(
        "",
        "s an ROI",
        "s an output",
        "of the processor",
        "patches/s",
        "faster by",
        "of the network's time",
        "peak memory",
        "GPU busy",
    )
    network = report.networks[0]
    if report.baseline:
        seconds = report.baseline.seconds
        table.add_row(
            "baseline",
            "",
            _seconds(seconds),
            _seconds(report.baseline.processor_s),
            "",
            "1.0",
            "",
            _gib(report.baseline.peak_bytes),
        )
    table.add_row(
        "network alone",
        "",
        _seconds(report.network_seconds),
        _seconds(report.network_processor_s),
        f"{network.patches / report.network_seconds:.1f}",
        "",
        "1.00",
        "",
    )
    for measured in report.throughputs:
        speedup = report.speedup(measured)
        table.add_row(
            f"Pantile, {count(measured.segmenters, 'segmenter')}, {count(measured.rois, 'ROI')}",
            _seconds(measured.seconds_per_roi),
            _seconds(measured.seconds_per_output),
            _seconds(measured.processor_s),
            f"{measured.patches_per_second:.1f}",
            f"{speedup:.1f}" if speedup else "",
            f"{report.over_network(measured):.2f}",
            _peaks(measured),
            "" if measured.gpu_busy is None else f"{measured.gpu_busy:.0%}",
        )
    return table


def _stages(report: Report) -> Table:
    table = Table("seconds an output", *_STAGES)
    rows: Sequence[tuple[str, dict[str, float]]] = [
        *([("baseline", report.baseline.stages)] if report.baseline else []),
        *((f"Pantile, {measured.segmenters}", dict(measured.stages)) for measured in report.throughputs),
    ]
    for name, stages in rows:
        table.add_row(name, *(f"{stages[stage]:.4f}" if stage in stages else "" for stage in _STAGES))
    return table


def _peaks(measured: ThroughputMeasure) -> str:
    if measured.early_peak_bytes is None:
        return _gib(measured.peak_bytes)
    return f"{_gib(measured.peak_bytes)} (after {EARLY_ROIS}: {_gib(measured.early_peak_bytes)})"


def _seconds(seconds: float) -> str:
    return f"{seconds:#.3g}"


def _gib(size: int) -> str:
    return f"{size / _GIB:.2f} GiB"
