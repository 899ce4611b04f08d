"""`pantile submit`: a manifest or a folder, read, checked, hashed, submitted and uploaded."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Annotated

import typer
from pydantic import ValidationError
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn, TransferSpeedColumn

from pantile.cli.pseudonyms import Pseudonymise, open_pseudonymiser
from pantile.cli.reaching import Api, open_api
from pantile.cli.screen import amount, complain, count, make_console, remark, say, show_table
from pantile.cli.slides import find_slides
from pantile.cli.watch import follow
from pantile.cli.whole_slides import submit_whole_slides
from pantile.client.api import ApiClient
from pantile.client.manifests import LocalRoi, read_manifest
from pantile.client.uploads import HashedFile, hash_files, upload_images
from pantile.domain.cohorts import check_cohort_name
from pantile.domain.errors import ManifestRefused, MppMissing, SegmenterUnknown
from pantile.domain.rois import check_mpp
from pantile.domain.segmenters import EngineSettings, Mode, Precision, Stitching
from pantile.domain.whole_slides import why_not_whole
from pantile.schemas.settings import SettingsIn
from pantile.schemas.submissions import RoiIn, SubmissionIn, SubmittedCohort

app = typer.Typer(rich_markup_mode="markdown")

EXIT_INCOMPLETE = 1
EXIT_INTERRUPTED = 130
_SHOWN_FAILURES = 10


@app.command()
def submit(
    source: Annotated[
        str, typer.Argument(metavar="MANIFEST|FOLDER", help="A CSV or Parquet file, or a folder; or a slide, or many.")
    ],
    *,
    whole_slide: Annotated[
        bool, typer.Option("--whole-slide", help="Segment slides as a whole, where there is tissue.")
    ] = False,
    segmenters: Annotated[str, typer.Option(help="Names with commas between, or all.")] = "all",
    cohort: Annotated[str | None, typer.Option(help="Cohort of images for which no column names one.")] = None,
    mpp: Annotated[float | None, typer.Option(help="Microns per pixel of images that lack it.")] = None,
    mode: Annotated[Mode, typer.Option(help="fast, or the study's own arithmetic: exact.")] = Mode.FAST,
    stitching: Annotated[
        Stitching, typer.Option(help="Keep the centre of each patch, as the study does, or blend all of them.")
    ] = Stitching.CENTRE,
    precision: Annotated[
        Precision | None,
        typer.Option(
            help="By itself mixed in fast mode, for segmenters admitted to it; otherwise float32.", show_default=False
        ),
    ] = None,
    confidence: Annotated[bool, typer.Option("--confidence", help="Keep confidence maps, too.")] = False,
    pseudonymise: Pseudonymise = False,
    watch: Annotated[bool, typer.Option("--watch", help="Then watch the progress until all is done.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Read and check only; nothing is sent.")] = False,
    api: Api = "",
) -> None:
    """Submit a manifest, or a folder of images, to be segmented.

    Columns are path, cohort, case, slide, tissue_type, mpp and roi_number; only path is needed, the rest is read from
    file names such as TCGA-BRCA-A2-A0D2_0.25_tumor_original.jpg. Paths are relative to the manifest's folder;
    s3:// and http(s):// addresses are fetched by Pantile. Submitting again adds only what is new, and goes on with
    uploads that were interrupted; with another mode, stitching or precision it adds class maps beside those that are
    there.

    With --whole-slide the source is a slide's file or address, or a folder of slides, which stay where they are (see
    `pantile slides add`): each is segmented from edge to edge where there is tissue, in fast mode.
    """
    asked = partial(SettingsIn, mode=mode, stitching=stitching, precision=precision, confidence=confidence)
    if whole_slide:
        sources = _find_slides(source, cohort=cohort, mpp=mpp, settings=asked(), pseudonymise=pseudonymise)
        if dry_run:
            say(f"{count(len(sources), 'slide')}; nothing was sent (--dry-run).")
            return
        is_complete = _submit_slides(
            sources, cohort=cohort or "", mpp=mpp, segmenters=segmenters, settings=asked(), watch=watch, api=api
        )
        raise typer.Exit(0 if is_complete else EXIT_INCOMPLETE)
    rois = _read(Path(source), cohort=cohort, mpp=mpp)
    if pseudonymise:
        rois = _pseudonymise(rois)
    if dry_run:
        _show_plan(rois)
        return
    if not _submit_rois(rois, segmenters=segmenters, settings=asked(), watch=watch, api=api):
        raise typer.Exit(EXIT_INCOMPLETE)


def _find_slides(
    source: str, *, cohort: str | None, mpp: float | None, settings: SettingsIn, pseudonymise: bool
) -> list[str]:
    """The slides to be submitted as a whole; raises `ManifestRefused` for what cannot be asked of them."""
    reason = why_not_whole(EngineSettings(mode=settings.mode, confidence=settings.confidence))
    if cohort is None:
        reason = "whole slides need --cohort NAME"
    if pseudonymise:
        reason = "slides are pseudonymised by `pantile slides add`, and then submitted by their id over the API"
    if reason is not None:
        raise ManifestRefused(reason)
    check_cohort_name(cohort or "")
    if mpp is not None:
        check_mpp(mpp)
    return list(find_slides([source]))


def _submit_slides(
    sources: Sequence[str],
    *,
    cohort: str,
    mpp: float | None,
    segmenters: str,
    settings: SettingsIn,
    watch: bool,
    api: str,
) -> bool:
    """Submits whole slides, and watches them; gives whether all went well."""
    with open_api(api) as client:
        names = _check_segmenters(client, segmenters)
        is_complete = submit_whole_slides(client, sources, cohort=cohort, mpp=mpp, segmenters=names, settings=settings)
        return is_complete and (not watch or follow(client, cohort))


def _submit_rois(rois: Sequence[LocalRoi], *, segmenters: str, settings: SettingsIn, watch: bool, api: str) -> bool:
    """Submits ROIs, and watches them; gives whether all went well."""
    with open_api(api) as client:
        names = _check_segmenters(client, segmenters)
        try:
            cohorts, is_complete = _send(client, rois, names, settings)
        except KeyboardInterrupt:
            remark("Interrupted. What was uploaded is kept: run the same command again to go on.")
            raise typer.Exit(EXIT_INTERRUPTED) from None
        if not is_complete:
            return False
        return not watch or all([follow(client, each.cohort) for each in cohorts])  # noqa: C419 — all are watched


def _read(source: Path, *, cohort: str | None, mpp: float | None) -> list[LocalRoi]:
    if cohort is not None:
        check_cohort_name(cohort)
    if mpp is not None:
        check_mpp(mpp)
    try:
        return read_manifest(source, cohort=cohort, mpp=mpp)
    except ManifestRefused as error:
        raise ManifestRefused(error.detail + _hint(error.detail, cohort=cohort, mpp=mpp)) from error


def _pseudonymise(rois: Sequence[LocalRoi]) -> list[LocalRoi]:
    own = open_pseudonymiser()
    hidden = sum(own.hides(roi.row) for roi in rois)
    remark(f"{hidden:,} of {count(len(rois), 'ROI')} with an accession number in name or path, now under a pseudonym.")
    return [replace(roi, row=own.row(roi.row)) for roi in rois]


def _hint(problems: str, *, cohort: str | None, mpp: float | None) -> str:
    """Which option would help."""
    lacks_cohort = cohort is None and "no cohort is named" in problems
    lacks_mpp = mpp is None and str(MppMissing()).removesuffix(".") in problems
    options = [option for option, helps in (("--cohort NAME", lacks_cohort), ("--mpp X", lacks_mpp)) if helps]
    return f". Give {' and '.join(options)} for all that lack it" if options else ""


def _check_segmenters(client: ApiClient, text: str) -> list[str]:
    """The names asked for, none for all; asked before anything is hashed, which can take long."""
    names = [name.strip() for name in text.split(",") if name.strip()]
    registered = [each for each in client.segmenters() if each.registered]
    if not registered:
        raise SegmenterUnknown("none is registered yet; add one with `pantile segmenters add`")
    if names in ([], ["all"]):
        return []
    known = {each.name for each in registered} | {f"{each.name}@{each.version}" for each in registered}
    unknown = [name for name in names if name not in known]
    if unknown:
        known_names = ", ".join(sorted({each.name for each in registered}))
        raise SegmenterUnknown(f"{', '.join(unknown)}; registered are {known_names}")
    return names


def _show_plan(rois: Sequence[LocalRoi]) -> None:
    cohorts = dict.fromkeys(roi.row.cohort for roi in rois)
    table = []
    for cohort in cohorts:
        own = [roi for roi in rois if roi.row.cohort == cohort]
        files = [roi.file for roi in own if roi.file is not None]
        mpps = ", ".join(f"{mpp:g}" for mpp in sorted({roi.row.mpp for roi in own})[:5])
        slides = len({roi.row.key.slide for roi in own})
        size = amount(sum(file.stat().st_size for file in files))
        table.append((cohort, len(own), slides, mpps, len(files), size, len(own) - len(files)))
    show_table(("cohort", "ROIs", "slides", "mpp", "files", "size", "addresses"), table)
    say("Nothing was sent (--dry-run).")


def _send(
    client: ApiClient, rois: Sequence[LocalRoi], names: list[str], settings: SettingsIn
) -> tuple[list[SubmittedCohort], bool]:
    """Hashes, submits and uploads; gives the cohorts, and whether all images have arrived."""
    files = list(dict.fromkeys(roi.file for roi in rois if roi.file is not None))
    total = sum(file.stat().st_size for file in files)
    with _bytes_bar() as bar:
        task = bar.add_task(f"Reading {count(len(files), 'image')}", total=total or None, visible=bool(files))
        hashed = {each.file: each for each in hash_files(files, lambda size: bar.advance(task, size))}
    answer = client.submit(
        SubmissionIn(segmenters=names, settings=settings, rois=[_roi_in(roi, hashed) for roi in rois])
    )
    for cohort in answer.cohorts:
        say(describe(cohort))
    for line in dict.fromkeys(describe_float32(cohort.in_float32) for cohort in answer.cohorts if cohort.in_float32):
        say(line)
    outcomes = [
        _upload(client, cohort, {hashed[roi.file] for roi in rois if roi.file and roi.row.cohort == cohort.cohort})
        for cohort in answer.cohorts
        if cohort.uploads_awaited
    ]
    return answer.cohorts, all(outcomes)


def _roi_in(roi: LocalRoi, hashed: dict[Path, HashedFile]) -> RoiIn:
    row = roi.row
    known = hashed[roi.file] if roi.file is not None else None
    try:
        return RoiIn(
            path=row.path,
            cohort=row.cohort,
            case=row.case,
            slide=row.key.slide,
            tissue_type=row.key.tissue_type,
            mpp=row.mpp,
            roi_number=row.key.roi_number,
            sha256=known.sha256 if known else None,
            bytes=known.bytes if known else None,
        )
    except ValidationError as error:
        first = error.errors()[0]
        raise ManifestRefused(f"{row.path[:100]}: {first['loc'][0]}, {first['msg'].lower()}") from error


def describe(cohort: SubmittedCohort) -> str:
    """What a submission did to a cohort, in a sentence."""
    names = ", ".join(cohort.segmenters)
    if cohort.added_nothing:
        waiting = f"; {count(cohort.uploads_awaited, 'image')} still to upload" if cohort.uploads_awaited else ""
        there = count(cohort.rois_present, "ROI")
        return f"Nothing added: {cohort.cohort} has all of it ({there}, {names}) already{waiting}."
    parts = [f"{count(cohort.rois_added, 'ROI')} added"]
    if cohort.rois_replaced:
        parts.append(f"{cohort.rois_replaced} given a new image")
    if present := cohort.rois_present - cohort.rois_replaced:
        parts.append(f"{present} there already")
    if cohort.jobs_added:
        parts.append(f"{count(cohort.jobs_added, 'job')} added at once")
    if cohort.uploads_awaited:
        parts.append(f"{count(cohort.uploads_awaited, 'image')} to upload")
    return f"{cohort.cohort}: {', '.join(parts)}; segmenters {names}."


def describe_float32(reasons: Mapping[str, str]) -> str:
    """Which segmenters run in float32, and why, in a line."""
    parts = []
    for reason in dict.fromkeys(reasons.values()):
        names = [name for name, own in reasons.items() if own == reason]
        parts.append(f"{', '.join(names)} {'runs' if len(names) == 1 else 'run'} in float32: {reason}")
    return f"{'; '.join(parts)}."


def _upload(client: ApiClient, cohort: SubmittedCohort, own: Collection[HashedFile]) -> bool:
    """Uploads those of its images that a cohort awaits; says what failed, and whether nothing did."""
    # Exact where all are awaited, an estimate where some have arrived before.
    total = sum(each.bytes for each in own) * min(1.0, cohort.uploads_awaited / max(1, len(own)))
    with _bytes_bar() as bar:
        task = bar.add_task(f"Uploading to {cohort.cohort}", total=total or None)
        by_digest = {each.sha256: each for each in own}
        outcome = upload_images(client, cohort.cohort, by_digest, lambda size: bar.advance(task, size))
        if not outcome.failures:
            bar.update(task, completed=total)
    if outcome.arrived:
        say(f"{cohort.cohort}: {count(outcome.arrived, 'image')} uploaded.")
    for roi, problem in list(outcome.failures.items())[:_SHOWN_FAILURES]:
        complain(f"{roi} was not uploaded: {problem}.")
    if outcome.failures:
        failed = count(len(outcome.failures), "image")
        remark(f"{failed} of {cohort.cohort} not uploaded; run the same command again to go on.")
    return not outcome.failures


def _bytes_bar() -> Progress:
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
        console=make_console(stderr=True),
    )
