"""`pantile demo`: the main job from beginning to end, on generated tissue, by the commands that a user would type."""

import shlex
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import mean
from typing import Annotated

import numpy as np
import typer
from PIL import Image
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
from rich.table import Table
from typer.main import get_command

from pantile.cli.reaching import open_studies
from pantile.cli.screen import make_console, say
from pantile.domain.class_maps import ClassMap
from pantile.local.demo_cohorts import (
    DemoRegion,
    cohort_name,
    demo_cards,
    list_regions,
    tumor_dice,
    write_dice_table,
    write_regions,
)
from pantile.local.demo_study import ADMIN, RATER, STUDY, DemoStudy, make_demo_study
from pantile.local.plates import PlateRow, draw_plate
from pantile.local.state import find_stack
from pantile.local.tissue import DEMO_SCHEME, Morphology
from pantile.settings import Settings

app = typer.Typer(rich_markup_mode="markdown")

_MAP_MPP = 1.0


@app.command()
def demo(
    *,
    out: Annotated[Path, typer.Option(metavar="DIR", help="Where to put what comes out.")] = Path("demo-results"),
) -> None:
    """Run three small cohorts of generated tissue through the whole system, and show what came out.

    Starts the embedded stack if it does not run, and leaves it running. Running it again adds nothing and is quick.
    """
    started = time.monotonic()
    home = Settings().home.expanduser().resolve()
    if find_stack(home) is None:
        _run("up", "--detach")
    for card, checkpoint in demo_cards():
        _run("segmenters", "add", str(card), "--checkpoint", str(checkpoint))
    regions = _generate(home / "demo")
    cohorts = [cohort_name(morphology) for morphology in Morphology]
    segmenters = [card.stem for card, _ in demo_cards()]
    for cohort in cohorts:
        folder = next(region.image.parent for region in regions if region.cohort == cohort)
        _run("submit", str(folder), "--cohort", cohort, "--segmenters", ",".join(segmenters))
    for cohort in cohorts:
        _run("watch", cohort)
    for cohort in cohorts:
        _run("results", cohort, "--out", str(out / cohort))
    _show_dice(regions, cohorts, segmenters, out)
    _draw_plate(regions, segmenters, out)
    _say_what_is_there(home, out, seconds=time.monotonic() - started)
    with open_studies("") as client:
        _say_how_to_score(client.address, make_demo_study(client, cohorts=cohorts, segmenters=segmenters))


def _run(*arguments: str) -> None:
    """Runs a command of ours as if it had been typed."""
    from pantile.cli.app import app as pantile  # noqa: PLC0415 — it names this module

    make_console().print(f"\n[bold]$ pantile {shlex.join(arguments)}[/]", highlight=False, soft_wrap=True)
    code = get_command(pantile)(list(arguments), prog_name="pantile", standalone_mode=False)
    if code:
        raise typer.Exit(code)


def _generate(folder: Path) -> list[DemoRegion]:
    say("")
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, console=make_console(stderr=True)) as bar:
        task = bar.add_task("Generating tissue", total=len(list_regions(folder)))
        regions = write_regions(folder, on_region=lambda: bar.advance(task))
    say(f"{len(regions)} regions of generated tissue with their ground truth are in {folder}")
    return regions


def _read_class_map(out: Path, region: DemoRegion, segmenter: str) -> ClassMap:
    (path,) = (out / region.cohort).rglob(f"{region.slide}_tumor_{segmenter}*_class_map.png")
    return np.asarray(Image.open(path))


def _show_dice(regions: Sequence[DemoRegion], cohorts: Sequence[str], segmenters: Sequence[str], out: Path) -> None:
    means = {
        (cohort, segmenter): mean(
            tumor_dice(region, _read_class_map(out, region, segmenter), map_mpp=_MAP_MPP)
            for region in regions
            if region.cohort == cohort
        )
        for cohort in cohorts
        for segmenter in segmenters
    }
    table = Table("cohort", *segmenters, title="Mean Dice of tumor against the ground truth, by cohort and segmenter")
    for cohort in cohorts:
        best = max(means[cohort, segmenter] for segmenter in segmenters)
        values = [means[cohort, segmenter] for segmenter in segmenters]
        table.add_row(cohort, *(f"[bold]{value:.3f}[/]" if value == best else f"{value:.3f}" for value in values))
    make_console().print()
    make_console().print(table)
    write_dice_table(out / "tumor_dice.csv", [(cohort, name, value) for (cohort, name), value in means.items()])


def _draw_plate(regions: Sequence[DemoRegion], segmenters: Sequence[str], out: Path) -> None:
    firsts = [next(region for region in regions if region.cohort == cohort) for cohort in _cohorts(regions)]
    rows = [
        PlateRow(
            title=region.cohort,
            image=np.asarray(Image.open(region.image)),
            class_maps=(
                np.asarray(Image.open(region.truth)),
                *(_read_class_map(out, region, segmenter) for segmenter in segmenters),
            ),
        )
        for region in firsts
    ]
    draw_plate(rows, ["ground truth", *segmenters], DEMO_SCHEME).save(out / "plate.png")


def _cohorts(regions: Sequence[DemoRegion]) -> list[str]:
    return list(dict.fromkeys(region.cohort for region in regions))


def _say_what_is_there(home: Path, out: Path, *, seconds: float) -> None:
    state = find_stack(home)
    console = make_console()
    console.print(f"\nDone in {seconds:.0f} s. Class maps, overlays and areas are in {out}, a picture of them in "
                  f"{out / 'plate.png'}.", soft_wrap=True, highlight=False)  # fmt: skip
    if state is None:
        return
    console.print(
        f"The stack runs on: API {state.url('web')}/docs, Flower {state.url('flower')} "
        f"(pantile / {state.credentials.flower}). `pantile down` stops it.",
        soft_wrap=True,
        highlight=False,
    )


def _say_how_to_score(address: str, study: DemoStudy) -> None:
    known = (
        f"with the password [bold]{study.password}[/], which is told only this once"
        if study.password
        else f"with the password told at the first run (`pantile accounts set-password {RATER}` gives another)"
    )
    make_console().print(
        f"\nScore the {study.cases} cases of the study {STUDY} at [bold]{address}[/] as {RATER} {known}; "
        f"{ADMIN}, with the same one, sees the study from behind.",
        soft_wrap=True,
        highlight=False,
    )
