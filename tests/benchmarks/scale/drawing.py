"""The picture beside the tables: throughput over workers, what a job costs along a cohort, and memory along a run."""

from collections.abc import Sequence
from pathlib import Path

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from tests.benchmarks.scale.figures import Drained, Figures, Scaled

_BLUE, _ORANGE, _GREY, _GREEN = "#2166ac", "#d6604d", "#8a8a8a", "#4d9221"


def draw(figures: Figures, path: Path) -> None:
    """Draws the three as one SVG."""
    with mpl.rc_context(
        {
            "font.family": "sans-serif",
            "font.size": 9,
            "axes.spines.top": False,
            "axes.spines.right": False,
            "axes.titlesize": 10,
            "axes.titlelocation": "left",
            "axes.titlepad": 12,
            "svg.fonttype": "none",
            "svg.hashsalt": "pantile",
        }
    ):
        figure = Figure(figsize=(10.5, 3.5), layout="constrained")
        workers, jobs, memory = figure.subplots(1, 3)
        _draw_workers(workers, figures.scaled)
        _draw_jobs(jobs, figures.drained)
        _draw_memory(memory, figures.drained[-1])
        figure.savefig(path, format="svg", metadata={"Date": None})


def _draw_workers(axes: Axes, scaled: Sequence[Scaled]) -> None:
    workers = [each.workers for each in scaled]
    axes.set_title("Jobs a second over workers")
    axes.plot(workers, [each.linear_per_s for each in scaled], color=_GREY, linestyle="--", linewidth=1)
    axes.plot(workers, [each.jobs_per_s for each in scaled], color=_BLUE, marker="o", linewidth=1.5)
    axes.set_xscale("log", base=2)
    axes.set_yscale("log", base=2)
    axes.set_xticks(workers, [str(each) for each in workers])
    axes.set_yticks([each.linear_per_s for each in scaled], [f"{each.linear_per_s:g}" for each in scaled])
    axes.minorticks_off()
    for each in scaled:
        axes.annotate(
            f"{each.efficiency:.1%}",
            (each.workers, each.jobs_per_s),
            xytext=(6, -10),
            textcoords="offset points",
            color=_BLUE,
        )
    axes.margins(x=0.12, y=0.08)
    axes.set_xlabel(f"workers, each {scaled[0].threads} jobs of {scaled[0].sleep_s:g} s at once; dashed: linear")


def _draw_jobs(axes: Axes, drained: Sequence[Drained]) -> None:
    axes.set_title("Milliseconds a job, without its work")
    for each, colour in zip(drained, (_ORANGE, _BLUE), strict=False):
        done = [100 * (tenth + 1) / len(each.tenths_ms) for tenth in range(len(each.tenths_ms))]
        axes.plot(done, each.tenths_ms, color=colour, marker="o", markersize=3.5, label=f"{each.jobs:,} jobs")
    axes.set_ylim(bottom=0)
    axes.set_xlabel("% of the cohort done")
    axes.legend(frameon=False, loc="lower left")


def _draw_memory(axes: Axes, drained: Drained) -> None:
    axes.set_title(f"Memory along {drained.jobs:,} jobs, MiB")
    for (name, mib), colour in zip(drained.memory_mib.items(), (_ORANGE, _BLUE, _GREY, _GREEN), strict=False):
        done = [100 * look / max(1, len(mib) - 1) for look in range(len(mib))]
        axes.plot(done, mib, color=colour, linewidth=1.5, label=name)
    axes.set_ylim(0, 1.35 * max(max(mib) for mib in drained.memory_mib.values()))
    axes.set_xlabel("% of the time")
    axes.legend(frameon=False, loc="upper left", ncols=2)
