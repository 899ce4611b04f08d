"""One HTML page with everything, that needs nothing else; and the same as files."""

import os
import platform
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from html import escape
from importlib.metadata import version
from importlib.resources import files
from pathlib import Path

from pantile import __version__
from pantile.analysis.generated_files import NOTE, NOTE_FILE
from pantile.analysis.study import Options, Section, Study, Tell
from pantile.analysis.table import Table, make_table
from pantile.domain.errors import FileRefused

REPORT = "report.html"
_LIBRARIES = ("numpy", "scipy", "statsmodels", "scikit-posthocs", "matplotlib")


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """What an analysis left behind."""

    report: Path
    tables: int
    figures: int


def write_analysis(
    folder: Path, study: Study, sections: Sequence[Section], options: Options, *, now: datetime, tell: Tell
) -> Written:
    """Writes the report, each table as CSV, each figure as SVG, PNG and CSV.

    Raises:
        FileRefused: a file cannot be written.
    """
    tables = [table for section in sections for table in section.tables]
    figures = [figure for section in sections for figure in section.figures]
    provenance = provenance_tables(study, options, now=now)
    try:
        for name in ("tables", "figures"):
            (folder / name).mkdir(parents=True, exist_ok=True)
        for table in (*tables, *provenance):
            _write(folder / "tables" / f"{table.name}.csv", table.csv().encode())
        for figure in figures:
            tell(figure.title)
            _write(folder / "figures" / f"{figure.name}.svg", figure.svg())
            _write(folder / "figures" / f"{figure.name}.png", figure.png())
            _write(folder / "figures" / f"{figure.name}.csv", figure.numbers.csv().encode())
        if study.is_generated:
            _write(folder / NOTE_FILE, f"{NOTE}\n".encode())
        tell("The report")
        _write(folder / REPORT, render(study, sections, provenance, now=now).encode())
    except OSError as error:
        raise FileRefused(f"{error.filename}: {error.strerror}") from error
    return Written(report=folder / REPORT, tables=len(tables), figures=len(figures))


def _write(path: Path, content: bytes) -> None:
    part = path.with_name(f".{path.name}.part")
    part.write_bytes(content)
    os.replace(part, path)  # noqa: PTH105 — replaces what is there, on every system


def provenance_tables(study: Study, options: Options, *, now: datetime) -> list[Table]:
    """What was read, what was left out, and with what it was computed."""
    inputs = make_table(
        "inputs",
        "What was read",
        ("Role", "File", "Rows", "SHA-256", "To be known"),
        [(it.role, it.name, it.rows, it.sha256, "; ".join(it.remarks) or "–") for it in study.files],
    )
    left_out = make_table(
        "exclusions",
        "What was left out by the exclusions file",
        ("ROI", "Reason"),
        list(study.exclusions.reasons.items()),
        is_long=True,
    )
    settings = make_table(
        "computed_with",
        "Computed with",
        ("What", "Value"),
        [
            ("Pantile", __version__),
            ("Python", platform.python_version()),
            *((library, version(library)) for library in _LIBRARIES),
            ("seed", str(options.seed)),
            ("draws of patients", f"{options.draws:,}"),
            ("categories from", ", ".join(f"{it.name} {it.low:g}" for it in options.categories)),
            ("margin of equivalence", f"{options.margin:g}"),
            ("date", now.strftime("%Y-%m-%d %H:%M %Z").strip()),
        ],
    )
    return [inputs, *([left_out] if study.exclusions.reasons else []), settings]


def render(study: Study, sections: Sequence[Section], provenance: Sequence[Table], *, now: datetime) -> str:
    """The report as one HTML page."""
    style = files("pantile.analysis").joinpath("report.css").read_text(encoding="utf-8")
    title = f"{study.name}: analysis of scores"
    banner = f"<p class='generated' role='note'><b>Generated data.</b> {escape(NOTE)}</p>" if study.is_generated else ""
    links = "".join(
        f"<li><a href='#section{number}'>{escape(it.title)}</a></li>" for number, it in enumerate(sections, 1)
    )
    body = "\n".join(_section(number, section) for number, section in enumerate(sections, 1))
    last = "\n".join(table.html() for table in provenance)
    return (
        f"<!doctype html>\n<html lang='en'><head><meta charset='utf-8'><title>{escape(title)}</title>"
        f"<meta name='viewport' content='width=device-width, initial-scale=1'><style>\n{style}</style></head>\n"
        f"<body><header><h1>{escape(title)}</h1>{banner}<p>Pantile {__version__}, {now:%Y-%m-%d}. "
        f"<a href='#provenance'>Where the numbers come from</a> stands at the end.</p>"
        f"<nav aria-label='Sections'><ol>{links}</ol></nav></header>\n<main>{body}\n"
        f"<section id='provenance'><h2>Where the numbers come from</h2>{last}</section></main></body></html>\n"
    )


def _section(number: int, section: Section) -> str:
    short = [table.html() for table in section.tables if not table.is_long]
    long = [table.html() for table in section.tables if table.is_long]
    parts = "\n".join((*short, *(it.html() for it in section.figures if it.is_in_report), *long))
    return (
        f"<section id='section{number}'><h2>{number}. {escape(section.title)}</h2>"
        f"<p>{escape(section.text)}</p>\n{parts}</section>"
    )
