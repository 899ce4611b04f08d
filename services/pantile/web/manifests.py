"""Manifests as they come over HTTP: JSON with digests of the images to upload, or CSV that names addresses only."""

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

from fastapi.exceptions import RequestValidationError
from pydantic import ValidationError

from pantile.catalog.rois import SubmittedRoi
from pantile.domain.cohorts import COLUMNS, MAX_ROWS, by_cohort, read_rows, refuse_rows
from pantile.domain.csv_text import read_csv_rows
from pantile.domain.errors import ManifestRefused
from pantile.domain.settings_asked import SettingsAsked
from pantile.schemas.submissions import RoiIn, SubmissionIn

_MAX_MARKS = 12 * MAX_ROWS
"""Commas, and in CSV line ends, that `MAX_ROWS` ROIs of nine fields need, and some to spare. They are counted before
anything is parsed, since a value of two bytes can take a hundred in memory."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """A manifest that was read and checked: its ROIs, the segmenters asked for (none: all), and how they shall work."""

    rois: tuple[SubmittedRoi, ...]
    segmenters: tuple[str, ...]
    settings: SettingsAsked

    def cohorts(self) -> Iterator[tuple[str, list[SubmittedRoi]]]:
        """The ROIs by cohort, in the order in which the cohorts first appear."""
        submitted = {roi.row: roi for roi in self.rois}
        for cohort, rows in by_cohort(submitted):
            yield cohort, [submitted[row] for row in rows]


def read_json(body: bytes) -> Manifest:
    """The manifest in a JSON body.

    Raises:
        RequestValidationError: the body is not of the shape of `SubmissionIn`.
        ManifestRefused: a row is wrong, or names a file without its digest; the lines are named, the first ROI being 1.
    """
    _check_extent(body, marks=(b",",))
    try:
        submission = SubmissionIn.model_validate_json(body)
    except ValidationError as error:
        raise RequestValidationError(error.errors(include_url=False, include_input=False)) from error
    table = [(f"line {line}", _cells(roi)) for line, roi in enumerate(submission.rois, start=1)]
    rows = read_rows(table, columns=COLUMNS, cohort=submission.cohort)
    pairs = list(zip(rows, submission.rois, strict=True))
    refuse_rows(
        (f"line {line}", f"{row.path} is a file to be uploaded, so its sha256 must be given")
        for line, (row, roi) in enumerate(pairs, start=1)
        if not row.is_remote and roi.sha256 is None
    )
    return Manifest(
        rois=tuple(SubmittedRoi(row=row, sha256=roi.sha256, bytes=roi.bytes) for row, roi in pairs),
        segmenters=tuple(submission.segmenters),
        settings=SettingsAsked(**submission.settings.model_dump()),
    )


def read_csv(
    body: bytes, *, cohort: str | None, mpp: float | None, segmenters: str, settings: SettingsAsked
) -> Manifest:
    """The manifest in a CSV body; `segmenters` are names with commas between.

    Raises:
        ManifestRefused: not CSV, a row is wrong, or names a file instead of an address; the lines are named.
    """
    header, table = parse_csv(body)
    rows = read_rows(table, columns=header, cohort=cohort, mpp=mpp)
    refuse_rows(
        (label, f"{row.path} is no s3:// or http(s):// address; submit files by `pantile submit`, or as JSON")
        for (label, _), row in zip(table, rows, strict=True)
        if not row.is_remote
    )
    names = tuple(name.strip() for name in segmenters.split(",") if name.strip())
    return Manifest(rois=tuple(SubmittedRoi(row=row) for row in rows), segmenters=names, settings=settings)


def _check_extent(body: bytes, *, marks: tuple[bytes, ...]) -> None:
    if sum(body.count(mark) for mark in marks) > _MAX_MARKS:
        raise ManifestRefused(f"it has more values than the {MAX_ROWS:,} ROIs that are taken at once can have")


def parse_csv(body: bytes) -> tuple[list[str], list[tuple[str, dict[str, str]]]]:
    """The header, and the rows with the line on which each begins; empty rows are left out.

    Raises:
        ManifestRefused: not CSV in UTF-8, too much of it, or rows are longer than the header; the lines are named.
    """
    _check_extent(body, marks=(b",", b"\n", b"\r"))
    text = io.TextIOWrapper(io.BytesIO(body), "utf-8-sig", newline="")
    try:
        rows = list(islice(read_csv_rows(text), MAX_ROWS + 2))
    except (UnicodeDecodeError, csv.Error) as error:
        raise ManifestRefused(f"the body is not CSV in UTF-8, {error}") from error
    if len(rows) > MAX_ROWS + 1:
        raise ManifestRefused(f"it has more rows than the {MAX_ROWS:,} that are taken at once")
    (_, header), *table = rows or [("line 1", [])]
    refuse_rows(
        (label, f"{len(row)} cells under {len(header)} columns") for label, row in table if len(row) > len(header)
    )
    return header, [(label, dict(zip(header, row, strict=False))) for label, row in table]


def _cells(roi: RoiIn) -> dict[str, str | None]:
    return {
        "path": roi.path,
        "cohort": roi.cohort,
        "case": roi.case,
        "slide": roi.slide,
        "tissue_type": roi.tissue_type,
        "mpp": None if roi.mpp is None else repr(roi.mpp),
        "roi_number": None if roi.roi_number is None else str(roi.roi_number),
    }
