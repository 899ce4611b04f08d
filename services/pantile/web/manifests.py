"""Manifests as they come over HTTP: JSON with digests of the images to upload, or CSV that names addresses only."""

import csv
import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from fastapi.exceptions import RequestValidationError
from pydantic import ValidationError

from pantile.catalog.rois import SubmittedRoi
from pantile.domain.cohorts import COLUMNS, ManifestRow, by_cohort, read_rows
from pantile.domain.errors import ManifestRefused
from pantile.schemas import RoiIn, SubmissionIn

MAX_ROWS = 100_000
"""ROIs that one submission may have, in CSV as in JSON."""

_SHOWN_PROBLEMS = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """A manifest that was read and checked: its ROIs, and the segmenters asked for (none: all)."""

    rois: tuple[SubmittedRoi, ...]
    segmenters: tuple[str, ...]

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
    try:
        submission = SubmissionIn.model_validate_json(body)
    except ValidationError as error:
        raise RequestValidationError(error.errors(include_url=False, include_input=False)) from error
    rows = _read([_cells(roi) for roi in submission.rois], columns=COLUMNS, cohort=submission.cohort, first_line=1)
    pairs = list(zip(rows, submission.rois, strict=True))
    _refuse(
        f"line {line}: {row.path} is a file to be uploaded, so its sha256 must be given"
        for line, (row, roi) in enumerate(pairs, start=1)
        if not row.is_remote and roi.sha256 is None
    )
    return Manifest(
        rois=tuple(SubmittedRoi(row=row, sha256=roi.sha256, bytes=roi.bytes) for row, roi in pairs),
        segmenters=tuple(submission.segmenters),
    )


def read_csv(body: bytes, *, cohort: str | None, mpp: float | None, segmenters: str) -> Manifest:
    """The manifest in a CSV body; `segmenters` are names with commas between.

    Raises:
        ManifestRefused: not CSV, a row is wrong, or names a file instead of an address; the lines are named.
    """
    header, table = _parse_csv(body)
    rows = _read(table, columns=header, cohort=cohort, mpp=mpp, first_line=2)
    _refuse(
        f"line {line}: {row.path} is no s3:// or http(s):// address; files are submitted as JSON with their sha256, "
        "or with `pantile submit`"
        for line, row in enumerate(rows, start=2)
        if not row.is_remote
    )
    names = tuple(name.strip() for name in segmenters.split(",") if name.strip())
    return Manifest(rois=tuple(SubmittedRoi(row=row) for row in rows), segmenters=names)


def _parse_csv(body: bytes) -> tuple[list[str], list[dict[str, str]]]:
    try:
        lines = list(csv.reader(io.StringIO(body.decode("utf-8-sig"), newline=""), strict=True))
    except (UnicodeDecodeError, csv.Error) as error:
        raise ManifestRefused(f"the body is not CSV in UTF-8, {error}") from error
    while lines and not lines[-1]:
        lines.pop()
    if len(lines) > MAX_ROWS + 1:
        raise ManifestRefused(f"it has {len(lines) - 1} rows; at most {MAX_ROWS} are taken at once")
    header, *rows = lines or [[]]
    _refuse(
        f"line {line}: {len(row)} cells under {len(header)} columns"
        for line, row in enumerate(rows, start=2)
        if len(row) > len(header)
    )
    return header, [dict(zip(header, row, strict=False)) for row in rows]


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


def _read(
    table: Sequence[Mapping[str, str | None]],
    *,
    columns: Sequence[str],
    cohort: str | None,
    first_line: int,
    mpp: float | None = None,
) -> list[ManifestRow]:
    # PostgreSQL's text holds anything but NUL.
    _refuse(
        f"line {line}: it has a NUL character"
        for line, cells in enumerate(table, start=first_line)
        if any("\x00" in (text or "") for text in cells.values())
    )
    return read_rows(table, columns=columns, cohort=cohort, mpp=mpp, first_line=first_line)


def _refuse(problems: Iterable[str]) -> None:
    found = list(problems)
    if not found:
        return
    more = [f"and {len(found) - _SHOWN_PROBLEMS} more"] if len(found) > _SHOWN_PROBLEMS else []
    raise ManifestRefused("; ".join([*found[:_SHOWN_PROBLEMS], *more]))
