"""`pantile studies progress`, `agreement`, `plan`, `export`, `import`, `verify`: what comes of a study."""

from pathlib import Path
from typing import Annotated

import typer

from pantile.cli.reaching import Api, open_studies
from pantile.cli.screen import complain, count, say, show_table
from pantile.client.downloads import write_whole
from pantile.domain.errors import FileRefused
from pantile.domain.readings import Purpose
from pantile.domain.study_exports import ExportKind
from pantile.schemas.study_figures import AgreementFigures, EstimateOut

EXIT_BROKEN = 1
"""A study's history does not hold."""

Name = Annotated[str, typer.Argument(help="The study's name.")]


def progress(name: Name, *, api: Api = "") -> None:
    """Show how far each rater is, and which outputs are scored."""
    with open_studies(api) as client:
        told = client.progress(name)
    raters = [
        (
            each.account,
            each.purpose,
            f"{each.done} of {each.assigned}",
            each.skipped,
            each.withdrawn,
            each.flags,
            _seconds(each.median_s),
        )
        for each in told.raters
    ]
    show_table(("rater", "purpose", "done", "skipped", "withdrawn", "flags", "median"), raters)
    coverage = [
        (each.cohort, each.segmenter, each.outputs, each.scored, each.scored_twice, each.missing)
        for each in told.coverage
    ]
    show_table(("cohort", "segmenter", "outputs", "scored", "scored twice", "missing"), coverage)


def agreement(
    name: Name,
    *,
    first: Annotated[str | None, typer.Option(help="A rater.", show_default="whoever reads first")] = None,
    second: Annotated[str | None, typer.Option(help="Another; the same for repeats.", show_default="second")] = None,
    api: Api = "",
) -> None:
    """Show how far two readings agree: within segmenters first, pooled second, then by segmenter and cohort."""
    with open_studies(api) as client:
        told = client.agreement(name, first=first, second=second)
    say(f"ICC(C,1) within segmenters {_estimate(told.within)}, of {count(told.within.n, 'output')} scored by both.")
    rows = [("pooled", *_figures(told.pooled))]
    rows += [(each.segmenter, *_figures(each)) for each in told.by_segmenter]
    rows += [(each.cohort, *_figures(each)) for each in told.by_cohort]
    show_table(("", "n", "ICC(C,1)", "ICC(A,1)", "Spearman", "bias", "within 1"), rows)


def plan(
    name: Name,
    *,
    raters: Annotated[int, typer.Option(min=2, max=20)] = 2,
    expected_icc: Annotated[float, typer.Option(min=0, max=0.999)] = 0.8,
    width: Annotated[float, typer.Option(help="Of the 95 % interval.")] = 0.1,
    api: Api = "",
) -> None:
    """Say how many outputs more than one rater has to score for an ICC(C,1) that is known so well."""
    with open_studies(api) as client:
        told = client.sample_size(name, raters=raters, expected_icc=expected_icc, width=width)
    say(
        f"{count(told.outputs, 'output')}, which are {count(told.rois, 'ROI')}: the interval is then "
        f"{told.expected_width:.3f} wide where the ICC(C,1) is {expected_icc:g}."
    )


def export(
    name: Name,
    file: Annotated[Path, typer.Argument(help="Where to write it.")],
    *,
    kind: Annotated[ExportKind, typer.Option(help="Which table.")] = ExportKind.STUDY,
    rater: Annotated[str | None, typer.Option(help="Only this rater's.", show_default=False)] = None,
    excel_safe: Annotated[bool, typer.Option(help="No cell can be read as a formula.")] = False,
    api: Api = "",
) -> None:
    """Write a study's scores as CSV."""
    with open_studies(api) as client:
        content = client.export(name, kind, rater=rater, excel_safe=excel_safe)
    write_whole(file, content)
    say(f"{file} is written.")


def import_(
    name: Name,
    file: Annotated[Path, typer.Argument(help="A file with the columns of the study's scoring_data.csv.")],
    *,
    rater: Annotated[str, typer.Option(help="Whose scores they are.")],
    purpose: Annotated[Purpose, typer.Option(help="Why they read.")] = Purpose.PRIMARY,
    dry_run: Annotated[bool, typer.Option(help="Only check the file.")] = False,
    api: Api = "",
) -> None:
    """Import the study's own CSV as a rater's readings; all of it or nothing, and the same again adds nothing."""
    if not file.is_file():
        raise FileRefused(f"{file} is not there")
    with open_studies(api) as client:
        told = client.import_scores(name, file, rater=rater, purpose=purpose, dry_run=dry_run)
    verb = "would be taken" if dry_run else "were taken"
    already = f", {count(told.already, 'case')} were there already" if told.already else ""
    say(f"{count(told.scores, 'score')} of {count(told.readings, 'case')} {verb} from {told.rows:,} rows{already}.")


def verify(name: Name, *, api: Api = "") -> None:
    """Follow every case's chain of events, and compare the scores with those that follow from them."""
    with open_studies(api) as client:
        told = client.verify(name)
    for each in told.discrepancies:
        complain(f"{each.assignment}: {each.problem}")
    wrong = f"{count(len(told.discrepancies), 'case')} wrong" if told.discrepancies else "all of them hold"
    say(f"{count(told.events, 'event')} of {count(told.assignments, 'case')} verified: {wrong}.")
    if not told.is_intact:
        raise typer.Exit(EXIT_BROKEN)


def _figures(told: AgreementFigures) -> tuple[object, ...]:
    shown = (told.icc_c1, told.icc_a1, told.spearman, told.bias, told.within_one)
    return (told.n, *(_estimate(each) for each in shown))


def _estimate(told: EstimateOut) -> str:
    if told.value is None:
        return f"– ({told.reason})"
    interval = f" [{told.low:.2f}, {told.high:.2f}]" if told.low is not None and told.high is not None else ""
    return f"{told.value:.2f}{interval}"


def _seconds(seconds: float | None) -> str:
    return "-" if seconds is None else f"{seconds:.0f} s"
