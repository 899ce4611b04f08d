"""`pantile recommend`: which segmenter for a cohort's tumor type."""

from typing import Annotated

import typer

from pantile.cli.reaching import Api, open_api
from pantile.cli.screen import count, say, show_table
from pantile.domain.dice import DiceProtocol
from pantile.schemas.recommendations import Recommendation, RecommendedOut

app = typer.Typer(rich_markup_mode="markdown")

EXIT_UNKNOWN = 1


@app.command()
def recommend(
    cohort: Annotated[str, typer.Argument(help="Its name or id.")],
    *,
    by: Annotated[
        str, typer.Option(metavar="score|dice|both", help="What to rank by.", show_default="score, or else dice")
    ] = "",
    protocol: Annotated[DiceProtocol, typer.Option(help="Of Dice.")] = DiceProtocol.ARTICLE,
    draws: Annotated[int, typer.Option(min=100, max=10_000, help="Draws of patients behind the intervals.")] = 2000,
    seed: Annotated[int, typer.Option(min=0, help="The same seed gives the same intervals.")] = 0,
    api: Api = "",
) -> None:
    """Say which segmenter suits a cohort's tumor type, by its scores, its Dice, or both.

    Means are of tumor ROIs, on a scale of 0 to 1 (a score by ten), with 95 % intervals by drawing patients. *First* is
    how probable a segmenter is to be the best of those ranked. One that was trained on the cohort has an advantage.
    """
    with open_api(api) as client:
        found = client.recommendation(cohort, by=by, protocol=protocol, draws=draws, seed=seed)
    if not found.ranking:
        say(f"{found.cohort}: {_why_none(found)}.")
        raise typer.Exit(EXIT_UNKNOWN)
    columns = ("segmenter", "mean", "95 % interval", "score", "Dice", "first", "mean ≥ 0.8", "ROIs", "patients", "")
    show_table(columns, [_row(each) for each in found.ranking])
    dice = "" if found.by == "score" else f", Dice by the protocol {found.protocol.value}"
    say(f"{found.cohort} by {found.by}{dice}; {found.draws:,} draws of patients, seed {found.seed}.")


def _why_none(found: Recommendation) -> str:
    has = f"{count(found.scored_rois, 'tumor ROI')} with scores, {found.diced_rois:,} with Dice"
    return f"there is nothing to rank by {found.by}; it has {has}"


def _row(each: RecommendedOut) -> tuple[object, ...]:
    notes = [
        note for note, holds in (("trained on it", each.is_native), ("inferred remap", not each.is_stated)) if holds
    ]
    return (
        each.segmenter,
        f"{each.mean:.3f}",
        "-" if each.low is None or each.high is None else f"{each.low:.3f} to {each.high:.3f}",
        _cell(each.score),
        _cell(each.dice),
        "-" if each.first is None else f"{each.first:.0%}",
        "-" if each.excellent is None else f"{each.excellent:.0%}",
        each.rois,
        each.cases,
        ", ".join(notes),
    )


def _cell(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"
