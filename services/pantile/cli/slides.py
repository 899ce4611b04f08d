"""`pantile slides`: added, listed, looked at, and cut into ROIs."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer
from pydantic import ValidationError

from pantile.cli.pseudonyms import Pseudonymise, open_pseudonymiser
from pantile.cli.reaching import Api, open_api
from pantile.cli.screen import complain, count, remark, say, show_table
from pantile.client.api import ApiClient
from pantile.client.linked_slides import pseudonymise_slide
from pantile.client.rectangles import DrawnRoi, by_slide, read_drawn
from pantile.domain.errors import AnnotationsRefused, ApiRefused, FileRefused, SlideRefused
from pantile.domain.rois import TissueType, check_mpp
from pantile.domain.slides import Rectangle
from pantile.schemas.slides import PlaceIn, PlacesIn, RectangleOut, SlideIn, SlideOut, SlidesIn

app = typer.Typer(
    no_args_is_help=True, rich_markup_mode="markdown", help="Add whole slides, list them, cut ROIs out of them."
)

EXIT_INCOMPLETE = 1
_SUFFIXES = (".svs", ".ndpi", ".mrxs", ".scn", ".tif", ".tiff", ".dcm", ".vms", ".bif")
AT_ONCE = 500
"""Slides that one request adds."""


@app.command()
def add(
    sources: Annotated[
        list[str], typer.Argument(help="Files, folders, s3:// or http(s):// addresses.", show_default=False)
    ],
    *,
    cohort: Annotated[str, typer.Option(help="The cohort of their ROIs; made if there is none.")],
    mpp: Annotated[
        float | None, typer.Option(help="Microns per pixel, for slides that do not say it.", show_default=False)
    ] = None,
    segmenters: Annotated[str, typer.Option(help="Names with commas between, or all.")] = "all",
    pseudonymise: Pseudonymise = False,
    links: Annotated[
        Path | None,
        typer.Option(help="With --pseudonymise: where to link files, seen by all imaging workers.", show_default=False),
    ] = None,
    api: Api = "",
) -> None:
    """Add whole slides to a cohort.

    Files stay where they are: their paths must mean the same to every imaging worker. SVS, NDPI, MRXS, SCN, DICOM and
    pyramidal TIFF are read. Workers look into each slide; `pantile slides list` then shows its size, mpp and what is
    wrong with it. A slide that was refused can be added again, with `--mpp`.
    """
    if mpp is not None:
        check_mpp(mpp)
    found = list(dict.fromkeys(find_slides(sources)))
    names = [] if segmenters == "all" else [name.strip() for name in segmenters.split(",") if name.strip()]
    own = open_pseudonymiser() if pseudonymise else None
    wanted = [
        pseudonymise_slide(source, own, mpp=mpp, links=links) if own else SlideIn(source=source, mpp=mpp)
        for source in found
    ]
    added = present = 0
    with open_api(api) as client:
        for first in range(0, len(wanted), AT_ONCE):
            answer = client.add_slides(cohort, SlidesIn(segmenters=names, slides=wanted[first : first + AT_ONCE]))
            added, present = added + answer.added, present + answer.present
    there = f", {count(present, 'slide')} there already" if present else ""
    say(f"{cohort}: {count(added, 'slide')} added{there}.")


def find_slides(sources: Sequence[str]) -> Iterator[str]:
    """The slides that files, folders and addresses name; raises `FileRefused` where there is none."""
    for source in sources:
        if "://" in source:
            yield source
            continue
        path = Path(source)
        if path.is_dir():
            files = sorted(file for file in path.rglob("*") if file.suffix.lower() in _SUFFIXES)
            if not files:
                raise FileRefused(f"{path} has no slide ({', '.join(_SUFFIXES)})")
            yield from (str(file.resolve()) for file in files)
        elif path.is_file():
            yield str(path.resolve())
        else:
            raise FileRefused(f"there is no file {path}")


@app.command("list")
def list_slides(cohort: Annotated[str, typer.Argument(help="Its name or id.")], *, api: Api = "") -> None:
    """List a cohort's slides, and what is wrong with those that were refused."""
    with open_api(api) as client:
        slides = list(client.slides(cohort))
    if not slides:
        say(f"{cohort} has no slides; `pantile slides add` adds some.")
        return
    show_table(("id", "slide", "state", "size px", "mpp", "tissue", "scanner"), [_row(slide) for slide in slides])
    for slide in slides:
        if slide.error:
            complain(f"{slide.name}: {slide.error}")


def _row(slide: SlideOut) -> tuple[object, ...]:
    size = f"{slide.width_px} x {slide.height_px}" if slide.width_px else "-"
    tissue = f"{slide.tissue_fraction:.0%}" if slide.tissue_fraction is not None else "-"
    return (
        *(slide.id, slide.name, slide.state.value, size, f"{slide.mpp:g}" if slide.mpp else "-"),
        *(tissue, slide.scanner or slide.vendor or "-"),
    )


@app.command()
def show(slide_id: Annotated[int, typer.Argument(metavar="ID", help="The slide's id.")], *, api: Api = "") -> None:
    """Show a slide, the ROIs cut out of it, and the places guessed for them."""
    with open_api(api) as client:
        slide = client.slide(slide_id)
    facts = {
        "slide": slide.name,
        "cohort": slide.cohort,
        "case": slide.case,
        "file": slide.source,
        "state": slide.state.value + (f": {slide.error}" if slide.error else ""),
        "size": f"{slide.width_px} x {slide.height_px} px in {slide.levels} levels" if slide.width_px else "",
        "mpp": f"{slide.mpp:g}" if slide.mpp else "",
        "magnification": f"{slide.magnification:g}" if slide.magnification else "",
        "scanner": slide.scanner or slide.vendor or "",
        "tissue": f"{slide.tissue_fraction:.0%}" if slide.tissue_fraction is not None else "",
    }
    show_table(("", ""), [(name, fact) for name, fact in facts.items() if fact])
    if slide.rois:
        rows = [(roi.roi, *_numbers(roi.place), roi.state, roi.error or "") for roi in slide.rois]
        show_table(("ROI", "left", "top", "width", "height", "state", ""), rows)
    elif slide.guesses:
        say("No ROI yet; the most tissue is at")
        show_table(("left", "top", "width", "height"), [_numbers(guess) for guess in slide.guesses])


def _numbers(place: RectangleOut) -> tuple[int, int, int, int]:
    return place.left_px, place.top_px, place.width_px, place.height_px


@app.command()
def place(
    cohort: Annotated[str, typer.Argument(help="Its name or id.")],
    drawn: Annotated[
        Path | None,
        typer.Argument(help="A CSV, a GeoJSON file named after its slide, or a folder of them.", show_default=False),
    ] = None,
    *,
    guessed: Annotated[
        list[TissueType] | None,
        typer.Option(
            help="Instead: the guessed places, as this tissue type; give it twice for two.", show_default=False
        ),
    ] = None,
    lossless: Annotated[bool, typer.Option(help="PNG instead of JPEG.")] = False,
    pseudonymise: Pseudonymise = False,
    api: Api = "",
) -> None:
    """Cut ROIs out of a cohort's slides, and have them segmented.

    From **GeoJSON** as QuPath exports it: each annotation of the class Tumor, Normal or Benign becomes the ROI around
    it. From **CSV**: columns slide, left_px, top_px, width_px, height_px, and perhaps tissue_type and roi_number, in
    pixels of the slide's finest level. With `--guessed tumor --guessed normal`, the two places with the most tissue are
    taken, the first as tumor: look at them before you believe that.
    """
    if (drawn is None) == (guessed is None):
        raise SlideRefused("give a file of places, or --guessed, and not both")
    with open_api(api) as client:
        known = {slide.name: slide for slide in client.slides(cohort)}
        wanted = by_slide(_read(drawn, pseudonymise=pseudonymise)) if drawn else _guesses(known.values(), guessed or [])
        if unknown := sorted(set(wanted) - set(known)):
            raise SlideRefused(f"{cohort} has no slide {', '.join(unknown[:5])}; `pantile slides list` shows them")
        _place_all(client, known, wanted, lossless=lossless)


def _read(drawn: Path, *, pseudonymise: bool) -> list[DrawnRoi]:
    rois = read_drawn(drawn)
    if not pseudonymise:
        return rois
    own = open_pseudonymiser()
    return [replace(roi, slide=own.name(roi.slide)) for roi in rois]


def _guesses(slides: Iterable[SlideOut], tissue_types: Sequence[TissueType]) -> dict[str, list[DrawnRoi]]:
    """The guessed places of the slides that are ready, best first, as ROIs of these tissue types."""
    numbers = [tissue_types[:place].count(tissue) + 1 for place, tissue in enumerate(tissue_types)]
    return {
        slide.name: [
            DrawnRoi(slide=slide.name, tissue_type=tissue, roi_number=number, rectangle=Rectangle(**guess.model_dump()))
            for guess, tissue, number in zip(slide.guesses, tissue_types, numbers, strict=False)
        ]
        for slide in slides
        if slide.guesses
    }


def _place_all(
    client: ApiClient, known: Mapping[str, SlideOut], wanted: Mapping[str, Sequence[DrawnRoi]], *, lossless: bool
) -> None:
    added = present = failed = 0
    for name, rois in wanted.items():
        try:
            answer = client.place_rois(
                known[name].id, PlacesIn(lossless=lossless, rois=[_place_in(roi) for roi in rois])
            )
        except ApiRefused as error:
            complain(f"{name}: {error.detail}")
            failed += 1
            continue
        added, present = added + answer.added, present + answer.present
    there = f", {count(present, 'ROI')} there already" if present else ""
    say(f"{count(added, 'ROI')} to be cut out of {count(len(wanted) - failed, 'slide')}{there}.")
    if failed:
        remark(f"{count(failed, 'slide')} left out; see above.")
        raise typer.Exit(EXIT_INCOMPLETE)


def _place_in(roi: DrawnRoi) -> PlaceIn:
    own = roi.rectangle
    try:
        return PlaceIn(
            left_px=own.left_px,
            top_px=own.top_px,
            width_px=own.width_px,
            height_px=own.height_px,
            tissue_type=roi.tissue_type,
            roi_number=roi.roi_number,
        )
    except ValidationError as error:
        first = error.errors()[0]
        raise AnnotationsRefused(f"{roi.slide}: {first['loc'][0]}, {first['msg'].lower()}") from error
