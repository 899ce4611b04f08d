"""How progress looks: bars by segmenter, the pace, and what went wrong with the sentence it was given."""

from collections.abc import Mapping, Sequence

from rich.console import Group, RenderableType
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from pantile.cli.screen import count, duration
from pantile.domain.cohorts import CohortState
from pantile.domain.jobs import TERMINAL, JobState
from pantile.schemas.cohorts import CohortOut
from pantile.schemas.jobs import JobListed

SHOWN_ONE_BY_ONE = 10
"""Failures beyond this many are grouped by their sentence."""

_EXAMPLES = 3
BAR_WIDTH = 30
_STATES = (JobState.WAITING, JobState.RUNNING, JobState.SUCCEEDED, JobState.FAILED, JobState.CANCELLED)
_COLOURS = {JobState.RUNNING: "cyan", JobState.SUCCEEDED: "green", JobState.FAILED: "red", JobState.CANCELLED: "yellow"}


def compose(
    progress: CohortOut, failed: Sequence[JobListed], *, is_lost: bool = False, bar_width: int = BAR_WIDTH
) -> RenderableType:
    """The whole picture of a cohort; bars of no width are left out."""
    heading = Text(_heading(progress), style="bold")
    parts: list[RenderableType] = [heading, _segmenters(progress, bar_width), Text(_pace(progress))]
    if is_lost:
        parts.append(Text("The web service does not answer; trying again.", style="yellow"))
    parts += [Text(line) for line in dice_lines(progress)]
    parts += [Text(line, style="yellow") for line in flag_lines(progress)]
    parts += [Text(line, style="red") for line in failure_lines(progress, failed)]
    return Group(*parts)


def summarise(progress: CohortOut) -> str:
    """A cohort's standing in one line."""
    states = [f"{progress.jobs.get(state, 0)} {state}" for state in _STATES if progress.jobs.get(state, 0)]
    return f"{_heading(progress)}: {', '.join(states) or 'no jobs yet'}; {_pace(progress)}"


def _heading(progress: CohortOut) -> str:
    stored, total = progress.rois.get("stored", 0), sum(progress.rois.values())
    coming = progress.rois.get("arriving", 0)
    awaited = progress.rois.get("awaiting", 0)
    notes = [f"{stored} of {count(total, 'ROI')} stored"]
    notes += [f"{coming} on their way"] if coming else []
    notes += [f"{awaited} to be uploaded"] if awaited else []
    refused = progress.rois.get("refused", 0)
    notes += [f"{refused} refused"] if refused else []
    notes += [f"{progress.rois_flagged} flagged"] if progress.rois_flagged else []
    withdrawn = progress.rois.get("withdrawn", 0)
    notes += [f"{withdrawn} withdrawn"] if withdrawn else []
    return f"{progress.name} ({', '.join(notes)})"


def dice_lines(progress: CohortOut) -> list[str]:
    """How many jobs have Dice, where a cohort has ground truth, and how to see it; nothing where it has none."""
    dice = progress.dice
    total = dice.evaluated + dice.waiting + dice.failed
    if not total:
        return []
    notes = [f"{dice.evaluated:,} of {count(total, 'job')} on ROIs with ground truth"]
    notes += [f"{dice.waiting:,} waiting"] if dice.waiting else []
    notes += [f"{dice.failed:,} could not be evaluated"] if dice.failed else []
    return [f"Dice: {', '.join(notes)}; `pantile evaluations {progress.name}` shows it"]


def flag_lines(progress: CohortOut) -> list[str]:
    """What is unusual about a cohort's ROIs, and how to see which; nothing where nothing is."""
    if not progress.rois_flagged:
        return []
    raised = ", ".join(f"{number:,} {flag}" for flag, number in progress.flags.items() if number)
    flagged = count(progress.rois_flagged, "ROI")
    return [f"{flagged} flagged and segmented all the same ({raised}): `pantile rois {progress.name} --flagged`"]


def _segmenters(progress: CohortOut, bar_width: int) -> Table:
    shown = [state for state in _STATES if state is not JobState.CANCELLED or progress.jobs.get(state, 0)]
    table = Table(box=None, pad_edge=False, header_style="dim")
    table.add_column("segmenter")
    if bar_width:
        table.add_column("", width=bar_width)
    for state in shown:
        table.add_column(state.value, justify="right")
    names = [part.segmenter for part in progress.segmenters]
    for part in progress.segmenters:
        name = f"{part.segmenter}@{part.version}" if names.count(part.segmenter) > 1 else part.segmenter
        bar = _bar(part.jobs, progress.jobs_expected / len(names), bar_width)
        table.add_row(Text(name), *bar, *_numbers(part.jobs, shown))
    if len(names) > 1:
        bar = _bar(progress.jobs, progress.jobs_expected, bar_width)
        table.add_row(Text("all"), *bar, *_numbers(progress.jobs, shown))
    return table


def _bar(jobs: Mapping[JobState, int], expected: float, width: int) -> list[ProgressBar]:
    if not width:
        return []
    ended = sum(jobs.get(state, 0) for state in TERMINAL)
    colour = "red" if jobs.get(JobState.FAILED, 0) else "green"
    total = max(expected, sum(jobs.values()), 1)
    return [ProgressBar(total, ended, width=width, complete_style=colour, finished_style=colour)]


def _numbers(jobs: Mapping[JobState, int], shown: Sequence[JobState]) -> list[Text]:
    counts = [(state, jobs.get(state, 0)) for state in shown]
    return [Text(f"{number:,}", style=_COLOURS.get(state, "") if number else "dim") for state, number in counts]


def _pace(progress: CohortOut) -> str:
    ended = sum(progress.jobs.get(state, 0) for state in TERMINAL)
    done = f"{ended:,} of {count(max(progress.jobs_expected, sum(progress.jobs.values())), 'job')} done"
    if progress.state is CohortState.CANCELLED:
        return f"{done}; the cohort is cancelled"
    if progress.state is CohortState.PAUSED:
        return f"{done}; the cohort is paused, `pantile cohorts resume` lets it go on: {progress.pause_reason}"
    if progress.settled:
        return f"{done}; nothing is under way"
    rate = f"{progress.rate_per_min:.0f} a minute"
    if progress.time_left_s is None:
        return f"{done}, {rate}"
    return f"{done}, {rate}, about {duration(progress.time_left_s)} left"


def failure_lines(progress: CohortOut, failed: Sequence[JobListed]) -> list[str]:
    """What went wrong, with its sentence: one line each, or grouped by sentence where there are many.

    The jobs of a refused ROI fail with its sentence, so the ROI alone is named.
    """
    refused = {(refusal.roi, refusal.error) for refusal in progress.refusals}
    refusals = [(f"{refusal.roi} ({refusal.source})", refusal.error) for refusal in progress.refusals]
    failures = [
        (f"job {job.id}, {job.roi} x {job.segmenter}", job.error or "no reason is known")
        for job in failed
        if (job.roi, job.error) not in refused
    ]
    untold = progress.jobs.get(JobState.FAILED, 0) - len(failed)
    more = [f"{count(untold, 'more job')} failed"] if untold > 0 else []
    return [*_lines("ROI refused", refusals), *_lines("failed", failures), *more]


def _lines(label: str, problems: Sequence[tuple[str, str]]) -> list[str]:
    if len(problems) <= SHOWN_ONE_BY_ONE:
        return [f"{label}: {what}: {sentence}" for what, sentence in problems]
    groups: dict[str, list[str]] = {}
    for what, sentence in problems:
        groups.setdefault(sentence, []).append(what)
    return [
        f"{label}, {len(whats)} times: {sentence} ({_examples(whats)})"
        for sentence, whats in sorted(groups.items(), key=lambda group: -len(group[1]))
    ]


def _examples(whats: Sequence[str]) -> str:
    more = f" and {len(whats) - _EXAMPLES} more" if len(whats) > _EXAMPLES else ""
    return f"{'; '.join(whats[:_EXAMPLES])}{more}"
