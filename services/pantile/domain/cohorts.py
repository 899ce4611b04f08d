"""Cohorts and the manifests that make them: rows checked one by one, problems named by line."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from pantile.domain.errors import InputRefused, ManifestRefused, MppMissing
from pantile.domain.rois import RoiKey, TissueType, check_mpp, parse_name, parse_tissue_type
from pantile.domain.slides import parse_place

COLUMNS = ("path", "cohort", "case", "slide", "tissue_type", "mpp", "roi_number")
"""The columns of a manifest; only `path` must be there, the others are read from the file's name when absent."""

MAX_ROWS = 100_000
"""ROIs that one submission may have."""

MAX_ROI_NUMBER = 1_000_000

IMAGE_SUFFIXES = (".jpg", ".jpeg", ".png", ".tif", ".tiff")
"""What a folder is searched for."""

_LONGEST = {"path": 2048, "case": 200, "slide": 200}
_LONGEST_OTHER = 100
_SHOWN_PROBLEMS = 20
_SHOWN_ROWS = 5
_COHORT_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9 ._-]{0,99}")
_SHOWN_COLUMNS = 10
MAX_PAUSE_REASON = 500
"""Letters of what somebody gives as the reason of a pause."""

_SHOWN_LETTERS = 40
# Control characters and marks of direction, which deceive whoever reads them on a screen, and what is no text at all.
_NOT_SHOWN = re.compile("[\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
_REMOTE = re.compile(r"(s3|https?)://", re.IGNORECASE)


class CohortState(StrEnum):
    """Whether a cohort has work left; one of which too many jobs fail, or that somebody pauses, waits to be resumed."""

    OPEN = "open"
    PAUSED = "paused"
    COMPLETE = "complete"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True, kw_only=True)
class FailureLimit:
    """How many of a cohort's jobs may fail: a share of the first ones, and another of all that follow."""

    first_jobs: int
    first_share: float
    share: float

    def allowed(self, ended: int) -> int:
        """How many failures are borne once `ended` jobs have succeeded or failed; the first jobs count as one lot."""
        return int(self.first_jobs * self.first_share + max(0, ended - self.first_jobs) * self.share)


@dataclass(frozen=True, slots=True, kw_only=True)
class ManifestRow:
    """One ROI as submitted: where its image is, and what it is."""

    path: str
    cohort: str
    case: str
    key: RoiKey
    mpp: float

    @property
    def is_remote(self) -> bool:
        """Whether the image is fetched from an address, or cut out of a slide, and not uploaded."""
        return bool(_REMOTE.match(self.path)) or parse_place(self.path) is not None


def read_pause_reason(text: str) -> str:
    """Why somebody pauses a cohort, on one line; raises `InputRefused` for nothing, too much, or no text."""
    reason = " ".join(text.split())
    if not reason:
        raise InputRefused("say why the cohort is to be paused")
    if len(reason) > MAX_PAUSE_REASON or _NOT_SHOWN.search(reason):
        raise InputRefused(f"why a cohort is paused takes at most {MAX_PAUSE_REASON} letters that can be shown")
    return reason


def check_cohort_name(name: str) -> str:
    """The name itself, if it can name a cohort; raises `ManifestRefused` otherwise."""
    if not _COHORT_NAME.fullmatch(name) or name.isdigit():
        raise ManifestRefused(
            f"the cohort name {name!r} must be 1 to 100 letters, digits, dots, dashes, underscores or spaces, "
            "and not a number"
        )
    return name


Cells = Mapping[str, str | None]
"""One row of a manifest, from column to text; empty text and None mean absent."""


def read_rows(
    table: Iterable[tuple[str, Cells]],
    *,
    columns: Sequence[str],
    cohort: str | None = None,
    mpp: float | None = None,
) -> list[ManifestRow]:
    """The rows of a manifest, in order.

    Args:
        table: the rows, each with the label that names it in messages ("line 7", or the file's name).
        columns: the table's header.
        cohort: the cohort of rows without one in their column, whatever their name says.
        mpp: the mpp of rows that have none, neither in a column nor in the file's name.

    Raises:
        ManifestRefused: a column is missing or unknown, a row is wrong or names an ROI twice; the rows are named.
    """
    _check_columns([name.strip().lower() for name in columns])
    rows: list[ManifestRow] = []
    problems: list[tuple[str, str]] = []
    seen: dict[tuple[str, RoiKey], str] = {}
    for label, cells in table:
        try:
            row = _read_row(_tidy(cells), cohort=cohort, mpp=mpp)
        except (InputRefused, ValueError) as error:
            problems.append((label, _sentence(error)))
            continue
        earlier = seen.setdefault((row.cohort, row.key), label)
        if earlier != label:
            problems.append((label, f"ROI {row.key.name()} of cohort {row.cohort} is there already, {earlier}"))
        rows.append(row)
    refuse_rows(problems)
    if not rows:
        raise ManifestRefused("it names no image")
    return rows


def refuse_rows(problems: Iterable[tuple[str, str]]) -> None:
    """Raises `ManifestRefused` for (label, problem) pairs, if there are any; equal problems are told once."""
    labels: dict[str, list[str]] = {}
    for label, problem in problems:
        labels.setdefault(problem, []).append(label)
    told = [f"{_name_rows(rows)}: {problem}" for problem, rows in labels.items()]
    more = [f"and {len(told) - _SHOWN_PROBLEMS} more"] if len(told) > _SHOWN_PROBLEMS else []
    if told:
        refused = ManifestRefused("; ".join([*told[:_SHOWN_PROBLEMS], *more]))
        refused.problems = tuple(told)
        raise refused


def _name_rows(labels: Sequence[str]) -> str:
    more = f" and {len(labels) - _SHOWN_ROWS} more" if len(labels) > _SHOWN_ROWS else ""
    return f"{', '.join(labels[:_SHOWN_ROWS])}{more}"


def _check_columns(names: Sequence[str]) -> None:
    if "path" not in names:
        raise ManifestRefused(f"the column 'path' is missing; there are {_name_columns(names) or 'no columns'}")
    unknown = sorted(set(names) - set(COLUMNS))
    if unknown:
        raise ManifestRefused(f"unknown columns {_name_columns(unknown)}; known are {', '.join(COLUMNS)}")
    twice = [name for name, times in Counter(names).items() if times > 1]
    if twice:
        raise ManifestRefused(f"the column {twice[0]!r} is there twice")


def _name_columns(names: Sequence[str]) -> str:
    more = f" and {len(names) - _SHOWN_COLUMNS} more" if len(names) > _SHOWN_COLUMNS else ""
    return f"{', '.join(name[:_SHOWN_LETTERS] for name in names[:_SHOWN_COLUMNS])}{more}"


def _sentence(error: Exception) -> str:
    return error.detail if isinstance(error, ManifestRefused) else str(error).removesuffix(".")


def _tidy(cells: Cells) -> dict[str, str]:
    tidy = {key.strip().lower(): str(value or "").strip() for key, value in cells.items()}
    for column, value in tidy.items():
        _check_text(column, value)
    return tidy


def _check_text(column: str, value: str) -> None:
    longest = _LONGEST.get(column, _LONGEST_OTHER)
    if len(value) > longest:
        raise ManifestRefused(f"the {column} has {len(value)} characters, more than {longest}")
    if _NOT_SHOWN.search(value):
        raise ManifestRefused(f"the {column} has a character that cannot be shown")


def _read_row(cells: Mapping[str, str], *, cohort: str | None, mpp: float | None) -> ManifestRow:
    def cell(column: str) -> str:
        return cells.get(column, "")

    path = cell("path")
    if not path:
        raise ManifestRefused("the path is empty")
    parts = parse_name(path)
    cohort_name = cell("cohort") or cohort or parts.cohort
    if not cohort_name:
        raise ManifestRefused("no cohort is named, neither in a column nor in its name")
    slide = cell("slide") or parts.slide
    if not slide:
        raise ManifestRefused(f"no slide can be read from the path {path!r}")
    _check_text("slide", slide)
    roi_mpp = _number(cell("mpp"), "mpp") or parts.mpp or mpp
    if roi_mpp is None:
        raise MppMissing
    tissue = parse_tissue_type(cell("tissue_type")) if cell("tissue_type") else parts.tissue_type
    number = cell("roi_number") or str(parts.roi_number)
    if not number.isdecimal() or not 1 <= int(number) <= MAX_ROI_NUMBER:
        raise ManifestRefused(f"the roi_number {number!r} is not a whole number from 1 to {MAX_ROI_NUMBER:,}")
    return ManifestRow(
        path=path,
        cohort=check_cohort_name(cohort_name),
        case=cell("case") or parts.case or slide,
        key=RoiKey(slide=slide, tissue_type=tissue or TissueType.TUMOR, roi_number=int(number)),
        mpp=check_mpp(roi_mpp),
    )


def _number(text: str, column: str) -> float | None:
    try:
        return float(text) if text else None
    except ValueError as error:
        raise ManifestRefused(f"the {column} {text!r} is not a number") from error


def by_cohort(rows: Iterable[ManifestRow]) -> Iterator[tuple[str, list[ManifestRow]]]:
    """The rows grouped by cohort, in the order in which the cohorts first appear."""
    groups: dict[str, list[ManifestRow]] = {}
    for row in rows:
        groups.setdefault(row.cohort, []).append(row)
    yield from groups.items()
