"""The Genomic Data Commons: which of its slides the study took, and how they are asked for.

The filters and fields are those of https://docs.gdc.cancer.gov/API/Users_Guide/Search_and_Retrieval/.
"""

import csv
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pantile.domain.csv_text import write_csv
from pantile.domain.errors import GdcRefused

STUDY_PROJECTS: Mapping[str, tuple[str, ...]] = {
    **{
        f"TCGA-{name}": (f"TCGA-{name}",)
        for name in (
            *("BLCA", "BRCA", "CESC", "CHOL", "ESCA", "HNSC", "KICH", "KIRC", "KIRP", "LIHC", "LUAD", "LUSC", "MESO"),
            *("OV", "PAAD", "PRAD", "SKCM", "STAD", "THCA", "UCEC"),
        )
    },
    "TCGA-COADREAD": ("TCGA-COAD", "TCGA-READ"),
}
"""The 21 cohorts of the article (Methods, "Cohort selection"), and the 22 projects that they are made of."""

MANIFEST_COLUMNS = ("id", "filename", "md5", "size", "state")
"""What the GDC's own manifests have, and its transfer tool reads."""

_OWN_COLUMNS = ("project", "case")
_PROJECT = re.compile(r"[A-Z0-9]+-[A-Z0-9_-]+")
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_MD5 = re.compile(r"[0-9a-f]{32}")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,199}")

FILE_FIELDS = ("file_id", "file_name", "md5sum", "file_size", "state", "cases.submitter_id", "cases.project.project_id")
CLINICAL_COLUMNS = ("case_id", "case_submitter_id", "project_id", "primary_diagnosis")
CASE_FIELDS = ("case_id", "submitter_id", "project.project_id", "diagnoses.primary_diagnosis")


@dataclass(frozen=True, slots=True, kw_only=True)
class GdcFile:
    """A file of the GDC: its id and name there, its MD5 and size in bytes; project and case where they are known."""

    id: str
    name: str
    md5: str
    bytes: int
    project: str = ""
    case: str = ""

    def __post_init__(self) -> None:
        if not (
            _UUID.fullmatch(self.id) and _MD5.fullmatch(self.md5) and _NAME.fullmatch(self.name) and self.bytes >= 0
        ):
            raise GdcRefused(f"{self.name[:100]!r} has no id, name, MD5 or size as the GDC writes them")


def find_projects(names: Iterable[str]) -> list[str]:
    """The GDC's projects behind cohorts: TCGA-COADREAD stands for two, `study` for all of the article's.

    Raises:
        GdcRefused: a name is none that a project can have.
    """
    found: list[str] = []
    for name in names:
        if name == "study":
            found += [project for projects in STUDY_PROJECTS.values() for project in projects]
        elif _PROJECT.fullmatch(name):
            found += STUDY_PROJECTS.get(name, (name,))
        else:
            raise GdcRefused(f"{name[:100]!r} is no project; TCGA-BRCA would be one")
    return list(dict.fromkeys(found))


def cohort_of(project: str) -> str:
    """The article's cohort of a project."""
    return next((cohort for cohort, projects in STUDY_PROJECTS.items() if project in projects), project)


def slide_filter(projects: Sequence[str]) -> dict[str, Any]:
    """What the article selected: SVS files of diagnostic slides, no frozen sections, that everybody may have."""
    wanted = {
        "cases.project.project_id": list(projects),
        "files.data_type": ["Slide Image"],
        "files.experimental_strategy": ["Diagnostic Slide"],
        "files.data_format": ["SVS"],
        "files.access": ["open"],
    }
    return {"op": "and", "content": [_is_in(field, values) for field, values in wanted.items()]}


def case_filter(projects: Sequence[str]) -> dict[str, Any]:
    """All cases of projects."""
    return _is_in("project.project_id", list(projects))


def _is_in(field: str, values: list[str]) -> dict[str, Any]:
    return {"op": "in", "content": {"field": field, "value": values}}


def file_from(hit: Mapping[str, Any]) -> GdcFile:
    """The file in an answer's hit; raises `GdcRefused` for one of another shape."""
    try:
        case = hit["cases"][0]
        return GdcFile(
            id=hit["file_id"],
            name=hit["file_name"],
            md5=hit["md5sum"],
            bytes=int(hit["file_size"]),
            project=case["project"]["project_id"],
            case=case["submitter_id"],
        )
    except (KeyError, IndexError, TypeError, ValueError) as error:
        raise GdcRefused("the answer is not of the shape that the GDC describes") from error


def clinical_rows(hit: Mapping[str, Any]) -> list[tuple[str, str, str, str]]:
    """The rows of a case in a clinical table, one a diagnosis, as the GDC's own tables have them."""
    try:
        diagnoses = hit.get("diagnoses") or [{}]
        case = (str(hit["case_id"]), str(hit["submitter_id"]), str(hit["project"]["project_id"]))
        return [(*case, str(diagnosis.get("primary_diagnosis") or "")) for diagnosis in diagnoses]
    except (KeyError, TypeError, AttributeError) as error:
        raise GdcRefused("the answer is not of the shape that the GDC describes") from error


def write_manifest(files: Iterable[GdcFile]) -> str:
    """A manifest that the GDC's transfer tool reads as well, with project and case after its own columns."""
    rows = ((file.id, file.name, file.md5, file.bytes, "released", file.project, file.case) for file in files)
    return write_csv((*MANIFEST_COLUMNS, *_OWN_COLUMNS), rows, delimiter="\t")


def read_manifest(text: str) -> list[GdcFile]:
    """The files of a manifest, the GDC's or ours; raises `GdcRefused` with the line of the first that is none."""
    rows = list(csv.reader(text.splitlines(), delimiter="\t"))
    header = [name.strip().lower() for name in rows[0]] if rows else []
    if missing := [name for name in MANIFEST_COLUMNS[:4] if name not in header]:
        raise GdcRefused(f"the column {missing[0]!r} is missing; a manifest has {', '.join(MANIFEST_COLUMNS)}")
    return [_file_of(dict(zip(header, row, strict=False)), line) for line, row in enumerate(rows[1:], start=2) if row]


def _file_of(cells: Mapping[str, str], line: int) -> GdcFile:
    try:
        return GdcFile(
            id=cells["id"].strip(),
            name=cells["filename"].strip(),
            md5=cells["md5"].strip(),
            bytes=int(cells["size"]),
            project=cells.get("project", ""),
            case=cells.get("case", ""),
        )
    except (KeyError, ValueError) as error:
        raise GdcRefused(f"line {line} has no number of bytes") from error
    except GdcRefused as error:
        raise GdcRefused(f"line {line}: {error.detail}") from error
