"""The report: tables for the eye, and everything as JSON with a picture beside it."""

import json
from dataclasses import asdict
from pathlib import Path

from pantile.cli.screen import say, show_table
from tests.benchmarks.scale.drawing import draw
from tests.benchmarks.scale.figures import Drained, Figures
from tests.benchmarks.scale.large import LargeCatalog


def print_figures(figures: Figures) -> None:
    """Prints the tables."""
    submitted = figures.submitted
    say(f"\n{figures.machine}; load average {figures.load_before:.1f} before the run")
    say(f"\nSubmission of {submitted.rois:,} ROIs, {submitted.jobs:,} jobs")
    show_table(
        ("answered, s", "all queued, s", "messages/s", "Redis then, MiB"),
        [(_round(submitted.answered_s), _round(submitted.queued_s), int(submitted.messages_per_s),
          _round(submitted.redis_mib))],
    )  # fmt: skip
    for drained in figures.drained:
        _print_drained(drained)
    say("\nWorkers whose jobs sleep")
    show_table(
        ("workers", "threads", "jobs/s", "linear", "of linear", "cores busy"),
        [(each.workers, each.workers * each.threads, _round(each.jobs_per_s), _round(each.linear_per_s),
          f"{each.efficiency:.3f}", f"{each.busy:.0%}") for each in figures.scaled],
    )  # fmt: skip


def _print_drained(drained: Drained) -> None:
    say(f"\n{drained.jobs:,} jobs without work, one worker with {drained.threads} threads: ms a job")
    show_table(
        ("all", *(f"{tenth}0 %" for tenth in range(1, len(drained.tenths_ms) + 1))),
        [(_round(drained.wall_ms), *(_round(each) for each in drained.tenths_ms))],
    )
    say("Processor, ms a job; WAL and catalog, bytes a job")
    show_table(
        (*drained.processor_ms, "WAL", "catalog"),
        [(*(_round(each) for each in drained.processor_ms.values()), int(drained.wal_bytes_per_job),
          int(drained.catalog_bytes_per_job))],
    )  # fmt: skip
    say("The API meanwhile, ms")
    show_table(
        ("request", "asked", "p50", "p95", "max"),
        [(each.request, each.asked, *(_round(ms) for ms in (each.p50_ms, each.p95_ms, each.max_ms)))
         for each in drained.latencies],
    )  # fmt: skip
    say("Memory, MiB")
    show_table(
        ("", "first", "after a third", "after two thirds", "last", "most"),
        [(name, *(_round(mib[(len(mib) - 1) * third // 3]) for third in range(4)), _round(max(mib)))
         for name, mib in drained.memory_mib.items()],
    )  # fmt: skip


def print_large(large: LargeCatalog) -> None:
    """Prints what a large catalog answered."""
    say(f"{large.rois:,} ROIs, {large.jobs:,} jobs, {large.gib:.1f} GiB, filled in {large.filled_s:.0f} s; ms")
    show_table(
        ("", "asked by", "p50", "max"),
        [(each.what, each.by, _round(each.p50_ms), _round(each.max_ms)) for each in large.asked],
    )


def _round(number: float) -> float:
    return round(number, 2 if number < 10 else 1)


def write_figures(figures: Figures, path: Path) -> None:
    """Writes everything as JSON, and the picture beside it."""
    path.write_text(json.dumps(asdict(figures), indent=1) + "\n", encoding="utf-8")
    draw(figures, path.with_suffix(".svg"))
